package mem

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sotto/link"
)

func echo() link.Handler {
	return link.HandlerFunc(func(m []byte) []byte { return append([]byte("re: "), m...) })
}

func TestPlaces(t *testing.T) {
	tests := []struct {
		name    string
		place   Place
		want    error
		arrived bool
	}{
		{"in reach", InReach, nil, true},
		{"out of reach", OutOfReach, link.ErrOutOfReach, false},
		{"answers are lost", AnswerLost, link.ErrLost, true},
	}
	for _, tt := range tests {
		arrived := false
		a := New(Config{})
		a.Put("card", link.HandlerFunc(func([]byte) []byte { arrived = true; return []byte{1} }))
		a.Move("card", tt.place)
		if _, err := a.Exchange(t.Context(), "card", []byte("hello")); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
		if arrived != tt.arrived {
			t.Errorf("%s: arrived: got %v, want %v", tt.name, arrived, tt.arrived)
		}
	}
	a := New(Config{})
	if _, err := a.Exchange(t.Context(), "nobody", nil); !errors.Is(err, link.ErrOutOfReach) {
		t.Errorf("no such card: got %v", err)
	}
	a.Put("silent", link.HandlerFunc(func([]byte) []byte { return nil }))
	if _, err := a.Exchange(t.Context(), "silent", nil); !errors.Is(err, link.ErrLost) {
		t.Errorf("silent card: got %v", err)
	}
}

func TestObserverSeesBothWays(t *testing.T) {
	var got []Crossing
	a := New(Config{Observe: func(c Crossing) { got = append(got, c) }})
	a.Put("card", echo())
	answer, err := a.Exchange(t.Context(), "card", []byte("hello"))
	if err != nil || string(answer) != "re: hello" {
		t.Fatalf("got %q, %v", answer, err)
	}
	if len(got) != 2 || got[0].Way != ToCard || !bytes.Equal(got[0].Bytes, []byte("hello")) ||
		got[1].Way != FromCard || !bytes.Equal(got[1].Bytes, answer) {
		t.Errorf("got %+v", got)
	}
}

func TestRadioDelaysAndLoses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Config{Model: Radio(1, 10*time.Millisecond, 30*time.Millisecond, 0.2)})
		a.Put("card", echo())
		began, lost := time.Now(), 0
		for range 200 {
			if _, err := a.Exchange(t.Context(), "card", []byte("hello")); errors.Is(err, link.ErrLost) {
				lost++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		// Either way may lose: 36 in 100.
		if lost < 50 || lost > 95 {
			t.Errorf("lost: got %d of 200, want about 72", lost)
		}
		if each := time.Since(began) / 200; each < 20*time.Millisecond || each > 60*time.Millisecond {
			t.Errorf("an exchange took %v", each)
		}
	})
}

func TestContextEndsTheWait(t *testing.T) {
	a := New(Config{Model: Radio(1, time.Hour, time.Hour, 0)})
	a.Put("card", echo())
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := a.Exchange(ctx, "card", []byte("hello")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

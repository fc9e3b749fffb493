package mem

import (
	"bytes"
	"context"
	"errors"
	"testing"
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

// slow is a Model that takes its time.
type slow time.Duration

func (s slow) Cross(Way, int) (time.Duration, bool) { return time.Duration(s), false }

func TestContextEndsTheWait(t *testing.T) {
	a := New(Config{Model: slow(time.Hour)})
	a.Put("card", echo())
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := a.Exchange(ctx, "card", []byte("hello")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

package apdu_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"sotto/apdu"
)

func TestParseResponse(t *testing.T) {
	r, err := apdu.ParseResponse(unhex(t, "6F00 9000"))
	if err != nil || !bytes.Equal(r.Data, []byte{0x6F, 0x00}) || r.Status != apdu.StatusOK {
		t.Errorf("got %X %v, %v", r.Data, r.Status, err)
	}
	if r, err := apdu.ParseResponse(unhex(t, "6985")); err != nil || r.Data != nil || r.Status != apdu.StatusConditions {
		t.Errorf("status alone: got %X %v, %v", r.Data, r.Status, err)
	}
	longest := append(make([]byte, apdu.NeMax), 0x90, 0x00)
	if r, err := apdu.ParseResponse(longest); err != nil || len(r.Data) != apdu.NeMax {
		t.Errorf("longest: %v", err)
	}
	for name, in := range map[string][]byte{
		"nothing":      nil,
		"half":         {0x90},
		"too long":     append(make([]byte, apdu.NeMax+1), 0x90, 0x00),
		"status 0000":  {0x00, 0x00},
		"status 6000":  {0x60, 0x00},
		"status 60FF":  {0x60, 0xFF},
		"status 7000":  {0x70, 0x00},
		"status 5FFF":  {0x5F, 0xFF},
		"status A000":  {0xA0, 0x00},
		"data, no end": {0x6F, 0x01, 0x02},
	} {
		if _, err := apdu.ParseResponse(in); !errors.Is(err, apdu.ErrResponse) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestStatus(t *testing.T) {
	for s, want := range map[apdu.Status]string{
		0x9000: "9000 success",
		0x6985: "6985 conditions of use not satisfied",
		0x6A82: "6A82 file or application not found",
		0x63C2: "63C2 tries left: 2",
		0x63C0: "63C0 tries left: 0",
		0x6300: "6300 authentication failed",
		0x63D0: "63D0 warning, memory changed",
		0x6110: "6110 bytes left: 16",
		0x6100: "6100 bytes left: 256",
		0x6C0A: "6C0A wrong Le, expected: 10",
		0x69FF: "69FF command not allowed",
		0x6F42: "6F42 proprietary",
		0x9400: "9400 proprietary",
		0x0000: "0000 not a status",
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A status is an error to whoever wants one, and stays findable inside others.
func TestStatusAsError(t *testing.T) {
	if err := apdu.StatusOK.Err(); err != nil {
		t.Errorf("9000 is an error: %v", err)
	}
	err := fmt.Errorf("select PPSE: %w", apdu.StatusNotFound.Err())
	if got, want := err.Error(), "select PPSE: card answered 6A82 file or application not found"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var s apdu.Status
	if !errors.Is(err, apdu.StatusNotFound) || errors.Is(err, apdu.StatusConditions) || !errors.As(err, &s) || s != 0x6A82 {
		t.Errorf("the status is not found in %v", err)
	}
}

// What the counting statuses are made of is what they report, within what two
// hexadecimal digits can say.
func TestStatusCounters(t *testing.T) {
	for n := range 300 {
		if got, ok := apdu.Remaining(n).BytesLeft(); !ok || got != min(max(n, 1), 256) {
			t.Errorf("Remaining(%d) reports %d, %v", n, got, ok)
		}
		if got, ok := apdu.RetryWith(n).WrongLe(); !ok || got != min(max(n, 1), 256) {
			t.Errorf("RetryWith(%d) reports %d, %v", n, got, ok)
		}
		if got, ok := apdu.Tries(n).TriesLeft(); !ok || got != min(n, 15) {
			t.Errorf("Tries(%d) reports %d, %v", n, got, ok)
		}
	}
	for s := apdu.Status(0); s < 0xFFFF; s++ {
		_, tries := s.TriesLeft()
		_, left := s.BytesLeft()
		_, le := s.WrongLe()
		if (tries || s.Warning()) && (left || le) || left && le || (tries || left || le) && !s.Valid() || tries && !s.Warning() {
			t.Fatalf("%04X means two things", uint16(s))
		}
	}
}

func FuzzParseResponse(f *testing.F) {
	for _, seed := range []string{"9000", "6F009000", "6110", "6000", "90"} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := apdu.ParseResponse(in)
		if err != nil {
			return
		}
		if again := r.Bytes(); !bytes.Equal(again, in) {
			t.Errorf("%X is written as %X", in, again)
		}
	})
}

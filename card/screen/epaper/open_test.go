package epaper

import (
	"errors"
	"strings"
	"testing"
)

func TestParseWhere(t *testing.T) {
	got, err := ParseWhere("/dev/spidev0.0,dc=GPIO25,reset=GPIO17,busy=GPIO24")
	if want := (Where{"/dev/spidev0.0", "GPIO25", "GPIO17", "GPIO24"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, text := range []string{"", "/dev/spidev0.0", "x,dc=1,reset=2", "x,dc=1,reset=2,busy=3,busy=4", "x,dc=1,reset=2,led=3", "x,dc=,reset=2,busy=3", ",dc=1,reset=2,busy=3"} {
		if w, err := ParseWhere(text); !errors.Is(err, ErrWhere) {
			t.Errorf("%q: got %+v, %v", text, w, err)
		}
	}
}

// Nobody has a port or a line of these names, so the error must say which.
func TestOpenWithoutAPanel(t *testing.T) {
	_, _, err := Open(Where{"no-such-port", "no-such-line", "x", "y"})
	if err == nil || !strings.Contains(err.Error(), "no-such-port") {
		t.Errorf("got %v", err)
	}
	if _, err = wired(Where{"", "no-such-line", "x", "y"}, nil); err == nil || !strings.Contains(err.Error(), "no-such-line") {
		t.Errorf("got %v", err)
	}
}

func FuzzParseWhere(f *testing.F) {
	f.Add("/dev/spidev0.0,dc=GPIO25,reset=GPIO17,busy=GPIO24")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWhere(text)
		if whole := w.Port != "" && w.DataCommand != "" && w.Reset != "" && w.Busy != ""; whole != (err == nil) {
			t.Errorf("%q: got %+v, %v", text, w, err)
		}
	})
}

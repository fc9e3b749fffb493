package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The model against sums done by hand, in periods of the carrier: a frame is two
// bits and nine for each byte, of 128 periods; each block has three bytes more
// than it carries.
func TestAirModel(t *testing.T) {
	for _, c := range []struct {
		command, response int
		sent, received    periods
		waits             periods
		turns             int
	}{
		// READ RECORD with an answer of two bytes: 8 and 5 bytes in the field.
		{5, 2, (2 + 9*8) * 128, (2 + 9*5) * 128, 1236 + 1172, 1},
		// SEND POI INFORMATION as the design has it: 19 and 44.
		{16, 41, (2 + 9*19) * 128, (2 + 9*44) * 128, 1236 + 1172, 1},
		// An answer that just fits one block of 256.
		{5, 253, (2 + 9*8) * 128, (2 + 9*256) * 128, 1236 + 1172, 1},
		// One byte more: 256, an acknowledgement of 3, and a block of 4.
		{5, 254, (2 + 9*8) * 128, (2+9*256)*128 + (2+9*3)*128 + (2+9*4)*128, 2*1236 + 2*1172, 2},
		// A command in two blocks.
		{254, 2, (2+9*256)*128 + (2+9*3)*128 + (2+9*4)*128, (2 + 9*5) * 128, 2*1236 + 2*1172, 2},
		// Three blocks: 253, 253 and 2 bytes inside.
		{5, 508, (2 + 9*8) * 128, 2*(2+9*256)*128 + 2*(2+9*3)*128 + (2+9*5)*128, 3*1236 + 3*1172, 3},
	} {
		got := exchangeTime(c.command, c.response)
		if want := (airTime{sent: c.sent, received: c.received, waits: c.waits, turns: c.turns}); got != want {
			t.Errorf("%d and %d bytes: got %+v, want %+v", c.command, c.response, got, want)
		}
	}
	// 173 and 398 bits of 9.4395 µs, and 2408 periods of 13.56 MHz.
	if got, want := exchangeTime(16, 41).all().ms(), 5.568; got != want {
		t.Errorf("got %v ms for SEND POI INFORMATION, want %v", got, want)
	}
}

// Real taps keep the promise, and what the choice adds is what the model says of
// its bytes, and nothing else.
func TestAir(t *testing.T) {
	r, err := Air(t.Context(), AirOptions{Taps: 3, Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	tap := []string{"GET PROCESSING OPTIONS 9000", "READ RECORD 1 9000", "READ RECORD 2 9000", "READ RECORD 3 9000"}
	begin, spi, selected := "SELECT PPSE 9000", "SEND POI INFORMATION 9000", "SELECT 9000"
	for i, want := range [][]string{
		slices.Concat([]string{begin, spi, selected}, tap),
		slices.Concat([]string{begin, selected}, tap),
		slices.Concat([]string{begin, spi, selected}, tap),
		slices.Concat([]string{begin, selected, "GET PROCESSING OPTIONS 6985", selected}, tap),
	} {
		var got []string
		bytes := 0
		for _, c := range r.Taps[i].Commands {
			got = append(got, c.Name+" "+c.Status)
			bytes += c.Sent + c.Received
			if c.Name == nameSPI && c.Sent != 16 {
				t.Errorf("SEND POI INFORMATION has %d bytes", c.Sent)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s, class %s: got %q, want %q", r.Taps[i].Name, r.Taps[i].Class, got, want)
		}
		if bytes != r.Taps[i].Bytes || r.Taps[i].Air <= 0 || r.Taps[i].AirEMV <= r.Taps[i].Air || r.Taps[i].CPU <= 0 {
			t.Errorf("got %+v", r.Taps[i])
		}
	}
	a := r.Added
	if a.All > goalSPI || a.Percent > goalSPIShare || a.AllEMV > goalSPI || a.Exchange <= 0 || a.Directory != 0.765 {
		t.Errorf("got %+v", a)
	}
	if whole := round(a.Without+a.All, 2); whole != round(r.Taps[0].Air, 2) {
		t.Errorf("%v ms without and %v more are not the %v of the whole", a.Without, a.All, r.Taps[0].Air)
	}
	// Where the first applet cannot pay, the choice is quicker than to try.
	if r.Taps[2].Air >= r.Taps[3].Air {
		t.Errorf("with the choice %v ms, without %v", r.Taps[2].Air, r.Taps[3].Air)
	}
	if text := r.Text(); !strings.Contains(text, fmt.Sprintf("SPI adds  %.2f ms", a.All)) {
		t.Error(text)
	}
	drawn(t, AirSVG(r))
}

// A goal that is missed is an error, and so is a model that has come apart.
func TestAirThatIsTooSlow(t *testing.T) {
	spi := AirCommand{Name: nameSPI, times: airTime{sent: 100}}
	other := AirCommand{Name: "SELECT", times: airTime{sent: 900}}
	taps := []AirTap{{Commands: []AirCommand{spi, other}}, {Commands: []AirCommand{other}}}
	within := AirAdded{All: 6.9, Percent: 9.9, GoalMost: goalSPI, GoalShare: goalSPIShare}
	long, large := within, within
	long.All, large.Percent = 7.1, 10.1
	for _, c := range []struct {
		what string
		r    AirResult
		good bool
	}{
		{"within", AirResult{Taps: taps, Added: within}, true},
		{"more than 7 ms", AirResult{Taps: taps, Added: long}, false},
		{"more than a tenth", AirResult{Taps: taps, Added: large}, false},
		{"taps that differ in more", AirResult{Taps: []AirTap{taps[0], {Commands: []AirCommand{other, other}}}, Added: within}, false},
	} {
		if err := c.r.err(); (err == nil) != c.good {
			t.Errorf("%s: got %v", c.what, err)
		}
	}
	if _, err := Air(t.Context(), AirOptions{Data: t.TempDir()}); err == nil {
		t.Error("got no error for no taps")
	}
}

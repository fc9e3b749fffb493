package bench

import (
	"slices"
	"testing"
)

func TestScales(t *testing.T) {
	for _, c := range []struct {
		got, want scale
	}{
		{linear(7000 * 1.08), scale{high: 8000, ticks: []float64{0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000}}},
		{linear(1), scale{high: 1, ticks: []float64{0, 0.2, 0.4, 0.6, 0.8, 1}}},
		{logarithmic(3, 70), scale{low: 2, high: 100, ticks: []float64{2, 5, 10, 20, 50, 100}}},
		{logarithmic(1, 1), scale{low: 1, high: 2, ticks: []float64{1, 2}}},
	} {
		if len(c.got.ticks) != len(c.want.ticks) {
			t.Errorf("got ticks %v, want %v", c.got.ticks, c.want.ticks)
			continue
		}
		for i := range c.got.ticks {
			if diff := c.got.ticks[i] - c.want.ticks[i]; diff > 1e-9 || diff < -1e-9 {
				t.Errorf("got ticks %v, want %v", c.got.ticks, c.want.ticks)
			}
		}
		if !c.got.logarithmic && !slices.IsSorted(c.got.ticks) {
			t.Error("ticks are out of order")
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.5: "0.5", 12.346: "12.35", 250: "250", 7412.4: "7\u2009412", 1234567: "1\u2009234\u2009567"} {
		if got := number(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}

// Whatever was measured, there is something to draw.
func TestPanels(t *testing.T) {
	closed, open := Loop{Connections: 8, EachSecond: []int64{1, 2}}, Loop{Connections: 8, Rate: 500}
	for want, loops := range map[int][]Loop{
		1: {open}, 2: {closed, closed, closed}, 3: {closed, open}, 0: nil,
	} {
		if got := len(panelsOf(Result{Loops: loops})); got != want {
			t.Errorf("got %d panels for %d loops, want %d", got, len(loops), want)
		}
	}
	if len(SVG(Result{})) == 0 || len(SVG(Result{Loops: []Loop{closed, open}})) == 0 {
		t.Error("nothing was drawn")
	}
}

func TestDisturbance(t *testing.T) {
	quiet, busy := Loop{OthersCores: 0.05}, Loop{OthersCores: 1.2}
	if got := disturbance([]Loop{quiet}); got != "" {
		t.Errorf("got %q of a quiet machine", got)
	}
	if got, want := disturbance([]Loop{quiet, busy}), "; other programs used 0.1 to 1.2 cores meanwhile"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally collects one loop. One lock for all workers: it is taken a few thousand
// times a second, and a histogram for each worker would fill more memory than
// the bank has.
type tally struct {
	mu                             sync.Mutex
	create, onCard, confirm, whole *hdrhistogram.Histogram
	seconds                        []int64 // payments in each second
	payments                       int64
}

// Range and precision of the histograms: 1 µs to one minute, three digits.
const (
	latencyMax       = int64(time.Minute / time.Microsecond)
	latencyPrecision = 3
)

func newTally(d time.Duration) *tally {
	h := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, latencyMax, latencyPrecision) }
	return &tally{
		create: h(), onCard: h(), confirm: h(), whole: h(),
		seconds: make([]int64, (d+time.Second-1)/time.Second),
	}
}

func (t *tally) record(at time.Duration, r paid) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.payments++
	t.seconds[at/time.Second]++
	for _, one := range []struct {
		h *hdrhistogram.Histogram
		d time.Duration
	}{{t.create, r.create}, {t.onCard, r.onCard}, {t.confirm, r.confirm}, {t.whole, r.whole}} {
		// RecordValue refuses what is out of range: it is put at the end.
		_ = one.h.RecordValue(min(max(one.d.Microseconds(), 1), latencyMax))
	}
}

// loop sums up. Nobody records any more.
func (t *tally) loop(before, after reading) Loop {
	span := after.at.Sub(before.at).Seconds()
	l := Loop{
		Seconds: round(span, 3), Payments: t.payments, PaymentsPerSecond: round(float64(t.payments)/span, 1),
		EachSecond: t.seconds,
		Whole:      latencyOf(t.whole), Create: latencyOf(t.create), OnCard: latencyOf(t.onCard), Confirm: latencyOf(t.confirm),
	}
	l.fill(before, after, span)
	return l
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	at := func(q float64) float64 { return millis(h.ValueAtQuantile(q)) }
	return Latency{Mean: round(h.Mean()/1000, 3), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: millis(h.Max())}
}

func millis(micros int64) float64 { return round(float64(micros)/1000, 3) }

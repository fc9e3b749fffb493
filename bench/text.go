package bench

import (
	"fmt"
	"strings"
)

// Text is the result for a person.
func (r Result) Text() string {
	var b strings.Builder
	m := r.Machine
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("machine   %s, %d cores, %s, %s; %s, fsync p50 %.2f ms, p99 %.2f ms", m.CPU, m.Cores, m.OS, m.Go, m.Filesystem, m.Fsync.P50, m.Fsync.P99)
	line("load      %d cards, %d phones, %d merchants; %s", r.Setup.Cards, r.Setup.Phones, r.Setup.Merchants, haste(r.Setup.Hasty))
	for _, l := range r.Loops {
		b.WriteString("\n" + l.text())
	}
	c := r.Check
	line("\ncheck     %d payments acknowledged, %d succeeded; merchants own %d of %d", c.Acknowledged, c.Succeeded, c.MerchantsOwn, c.AcknowledgedAmount)
	line("          %d links, %d events, %d transfers, %d accounts, %d faults", c.Links, c.Events, c.Transfers, c.Accounts, len(c.Faults))
	for _, fault := range c.Faults {
		line("FAULT     %s", fault)
	}
	return b.String()
}

func haste(hasty bool) string {
	if hasty {
		return "codes are typed before the bank has the receipt"
	}
	return "codes are typed when the bank has the receipt"
}

func (l Loop) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	asked := ""
	if l.Rate > 0 {
		asked = fmt.Sprintf(" of %d asked for", l.Rate)
	}
	line("%.0f payments/s%s  on %d connections of %d merchants, %.1f s", l.PaymentsPerSecond, asked, l.Connections, l.Merchants, l.Seconds)
	line("                      p50      p90      p99    p99.9      max  ms")
	for _, row := range []struct {
		name string
		Latency
	}{{"whole payment", l.Whole}, {"create", l.Create}, {"create → on card", l.OnCard}, {"confirm", l.Confirm}} {
		line("%-16s %8.2f %8.2f %8.2f %8.2f %8.2f", row.name, row.P50, row.P90, row.P99, row.P999, row.Max)
	}
	line("commits          %.0f/s, each one fsync; %.1f ops each (%s)", float64(l.Commits)/l.Seconds, l.Batch, buckets(l.Batches))
	line("machine          %.2f cores used, %.2f by other programs; %.1f MB/s written; %d collections", l.Cores, l.OthersCores, float64(l.WrittenBytes)/l.Seconds/1e6, l.Collections)
	line("a payment        %.0f µs of CPU, %.1f KB allocated, %.1f KB written, bank and load generator together",
		l.CPU*1000, float64(l.Allocated)/1e3, float64(l.WrittenBytes)/1e3/float64(max(l.Payments, 1)))
	return b.String()
}

// buckets are the sizes of batches: "1: 20, 2–3: 5".
func buckets(counts []int64) string {
	var parts []string
	for i, n := range counts {
		if n == 0 {
			continue
		}
		low, high := 1<<i, 2<<i-1
		if low == high {
			parts = append(parts, fmt.Sprintf("%d: %d", low, n))
		} else {
			parts = append(parts, fmt.Sprintf("%d–%d: %d", low, high, n))
		}
	}
	return strings.Join(parts, ", ")
}

package bench

import (
	"fmt"
	"strings"
)

// Text is the result for a person.
func (r LinksResult) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("model     of the radios, seed %d; real seals, a real card; times in ms from the phone having a message\n", r.Seed)
	line("%-5s %5s %10s %8s %6s  %7s %7s  %8s %7s  %7s %7s %5s", "link", "lost", "delivered", "expired", "twice",
		"shown", "p99", "answered", "p99", "sealed", "on air", "x")
	for _, row := range r.Links {
		line("%-5s %3v %% %10d %8d %6d  %7.0f %7.0f  %8.0f %7.0f  %5.0f B %5.0f B %5.2f", row.Link, row.Loss, row.Delivered, row.Expired, row.Twice,
			row.Shown.P50, row.Shown.P99, row.Answered.P50, row.Answered.P99, row.Sealed, row.OnAir, row.OverSize)
	}
	line("\ncard comes late, after up to twice a code's life")
	for _, row := range r.Late {
		line("%-5s %3v %% %10d %8d          of the expired, %d were shown and their receipt was lost", row.Link, row.Loss, row.Delivered, row.Expired, row.Unheard)
	}
	line("\ncheck     %d faults: every picture on the card was the last whole payment or none", len(r.Faults))
	for _, fault := range r.Faults {
		line("FAULT     %s", fault)
	}
	return b.String()
}

// progress is a line while the others are still measured.
func (row LinkRow) progress() string {
	return fmt.Sprintf("%s, %v %% lost: %d of %d delivered", row.Link, row.Loss, row.Delivered, row.Deliveries)
}

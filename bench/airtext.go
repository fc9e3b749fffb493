package bench

import (
	"fmt"
	"strings"
)

// Text is the result for a person.
func (r AirResult) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("machine   %s, %d cores, %s, %s", r.Machine.CPU, r.Machine.Cores, r.Machine.OS, r.Machine.Go)
	line("model     ISO/IEC 14443 type A, 106 kbit/s: bits of 9.44 µs, 9 for a byte, blocks of at most 256 bytes")
	for _, t := range r.Taps {
		line("\n%-49s %6s %8s %8s %10s", "class "+t.Class+": "+t.Name, "sent", "received", "air ms", "chip's CPU")
		for _, c := range t.Commands {
			line("  %-47s %6d %8d %8.2f %7.2f ms", c.Name, c.Sent, c.Received, c.Air, c.CPU)
		}
		line("  %-47s %15d %8.2f %7.2f ms", "whole tap", t.Bytes, t.Air, t.CPU)
	}
	a := r.Added
	line("\nSPI adds  %.2f ms, %.1f %% of the %.2f ms without it (goal: %.0f ms, %.0f %%)", a.All, a.Percent, a.Without, a.GoalMost, a.GoalShare)
	line("          the command %.2f, asking for it in the directory %.2f; at readers that wait as EMV has it %.2f in all", a.Exchange, a.Directory, a.AllEMV)
	return b.String()
}

package bench

import (
	"fmt"
	"strings"
)

// Text is the result for a person.
func (r ChoiceResult) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("machine   %s, %d cores, %s, %s", r.Machine.CPU, r.Machine.Cores, r.Machine.OS, r.Machine.Go)
	line("wallets   %d of seed %d with %d applets, %.1f s%s\n", r.Wallets, r.Seed, r.Applets, r.Seconds, r.conditions())
	line("%-49s %12s %12s %12s", "taps that succeed", "default card", "the choice", "any could")
	for _, c := range r.Classes {
		line("%s  %-46s %10.2f %% %10.2f %% %10.2f %%", c.Class, c.Reader, c.percent(c.Default), c.percent(c.Choice), c.percent(c.Any))
	}
	line("\n%-49s %12s %12s %12s", "by applets in the wallet, class a", "default card", "the choice", "any could")
	for _, c := range r.ByApplets {
		line("%-49d %10.2f %% %10.2f %% %10.2f %%", c.Applets, c.percent(c.Default), c.percent(c.Choice), c.percent(c.Any))
	}
	c := r.Cost
	line("\nchoice    among %d applets: %.2f ms of CPU p50, %.2f ms p99; %.2f ms with all that the process does besides (goal %.0f ms); others used %.2f cores",
		c.Applets, c.P50, c.P99, c.Mean, c.GoalMost, c.OthersCores)
	line("check     %d taps ended otherwise than the oracle says", r.Differ)
	for _, fault := range r.Faults {
		line("FAULT     %s", fault)
	}
	return b.String()
}

func (r ChoiceResult) conditions() (text string) {
	if r.Offline {
		text += "; tills without a bank"
	}
	if r.Clockless {
		text += "; devices without a clock"
	}
	return text
}

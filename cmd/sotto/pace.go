package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// pace is an issue budget on the command line: a burst, then one an interval, as
// in 5/30s.
type pace struct {
	burst    int64
	interval time.Duration
}

// UnmarshalText reads BURST/INTERVAL.
func (p *pace) UnmarshalText(b []byte) error {
	burst, interval, ok := strings.Cut(string(b), "/")
	n, err := strconv.ParseInt(burst, 10, 64)
	d, wrong := time.ParseDuration(interval)
	if !ok || err != nil || wrong != nil || n < 1 || n > 1_000_000 || d < time.Millisecond || d > 24*time.Hour {
		return errors.New("write a pace as BURST/INTERVAL, as in 5/30s")
	}
	p.burst, p.interval = n, d
	return nil
}

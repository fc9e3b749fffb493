package main

import (
	"strings"
	"testing"
)

// A payment that never reached a chip leaves the trace of the last one.
func TestTheTraceOfTheLastTapStays(t *testing.T) {
	w := newWallet(t)
	if _, errs, err := attempt(t, w.dir, "", "pos", "trace", "--data", "till"); err == nil || !strings.Contains(errs, "nothing was tapped yet") {
		t.Errorf("without any: %v: %s", err, errs)
	}
	sim := start(t, w.dir, "sim", "run", "--data", "sim", "--listen", "127.0.0.1:0")
	w.pay("2.00", "--link="+sim.ready[0])
	trace := command(t, w.dir, "", "pos", "trace", "--data", "till")
	if _, _, err := attempt(t, w.dir, "", "pos", "pay", "--data", "till", "2.00", "--currency", "USD", "--link="+sim.ready[0]); err == nil {
		t.Error("paid in another currency")
	}
	if got := command(t, w.dir, "", "pos", "trace", "--data", "till"); got != trace || !strings.Contains(got, "GET PROCESSING OPTIONS") {
		t.Errorf("got %q", got)
	}
	w.write("till/trace.jsonl", "")
	if _, errs, err := attempt(t, w.dir, "", "pos", "trace", "--data", "till"); err == nil || !strings.Contains(errs, "nothing was tapped yet") {
		t.Errorf("of an empty file: %v: %s", err, errs)
	}
}

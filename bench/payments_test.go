package bench_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"sotto/bench"
)

// small is everything for real, and little of it.
func small(t *testing.T) bench.Options {
	t.Helper()
	return bench.Options{
		Connections: []int{2, 8}, Duration: 600 * time.Millisecond, WarmUp: 100 * time.Millisecond,
		Cards: 24, Phones: 3, Merchants: 2, Data: t.TempDir(), Progress: io.Discard,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	}
}

// A load ends with its books in order, and its result says what has happened.
// How fast it was is nobody's promise here.
func TestPayments(t *testing.T) {
	t.Parallel()
	o := small(t)
	o.Rate, o.RateConns = 40, 8
	r, err := bench.Payments(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Loops) != 3 || r.Loops[2].Rate != 40 {
		t.Fatalf("got %d loops, want two closed ones and an open one", len(r.Loops))
	}
	var measured int64
	for _, l := range r.Loops {
		measured += l.Payments
		checkLoop(t, l)
	}
	if got := r.Loops[2].Payments; got > 40 {
		t.Errorf("the open loop made %d payments in 0.6 s, at 40 a second", got)
	}
	c := r.Check
	if c.Acknowledged < measured || c.Acknowledged != c.Succeeded || c.MerchantsOwn != c.AcknowledgedAmount || len(c.Faults) > 0 {
		t.Errorf("measured %d payments, and the check says %+v", measured, c)
	}
	if c.Links == 0 || c.Transfers < c.Succeeded || c.DatabaseBytes == 0 {
		t.Errorf("the check looked at nothing: %+v", c)
	}
	wellFormed(t, bench.SVG(r))
	readsBack(t, r)
	for _, words := range []string{"2 connections", "of 40 asked for", "create → on card", "0 faults"} {
		if !strings.Contains(r.Text(), words) {
			t.Errorf("the text does not say %q:\n%s", words, r.Text())
		}
	}
}

func checkLoop(t *testing.T, l bench.Loop) {
	t.Helper()
	if l.Payments == 0 || l.PaymentsPerSecond <= 0 || l.Seconds <= 0 {
		t.Fatalf("nothing was measured: %+v", l)
	}
	var seconds, commits int64
	for _, n := range l.EachSecond {
		seconds += n
	}
	for _, n := range l.Batches {
		commits += n
	}
	if seconds != l.Payments {
		t.Errorf("each second adds up to %d, and %d payments were made", seconds, l.Payments)
	}
	if commits != l.Commits || l.Ops < l.Commits || l.Commits == 0 {
		t.Errorf("%d ops in %d commits, of which the buckets have %d", l.Ops, l.Commits, commits)
	}
	for name, one := range map[string]bench.Latency{"whole": l.Whole, "create": l.Create, "on card": l.OnCard, "confirm": l.Confirm} {
		if steps := []float64{one.P50, one.P90, one.P99, one.P999, one.Max}; one.P50 <= 0 || !slices.IsSorted(steps) {
			t.Errorf("%s: %v are no quantiles", name, steps)
		}
	}
	if l.Whole.P50 < l.Confirm.P50 || l.Whole.Max < l.OnCard.Max {
		t.Error("a part takes longer than the whole")
	}
}

// Payers who type at once race with the receipts. The books must not mind, nor
// that one account is credited by everybody.
func TestHastyPayersOfOneMerchant(t *testing.T) {
	t.Parallel()
	o := small(t)
	o.Connections, o.Merchants, o.Hasty = []int{8}, 1, true
	r, err := bench.Payments(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Loops[0].Merchants != 1 || r.Check.Succeeded == 0 {
		t.Errorf("got %+v", r.Check)
	}
	wellFormed(t, bench.SVG(r))
}

func TestPaymentsRefusesWhatCannotBeMeasured(t *testing.T) {
	for name, change := range map[string]func(*bench.Options){
		"nothing to do":           func(o *bench.Options) { o.Connections = nil },
		"more payers than cards":  func(o *bench.Options) { o.Connections = []int{25} },
		"no connection":           func(o *bench.Options) { o.Connections = []int{0} },
		"no phone":                func(o *bench.Options) { o.Phones = 0 },
		"no time":                 func(o *bench.Options) { o.Duration = 0 },
		"a rate without payers":   func(o *bench.Options) { o.Rate = 1 },
		"a rate with too many":    func(o *bench.Options) { o.Rate, o.RateConns = 1, 25 },
		"a rate below zero":       func(o *bench.Options) { o.Rate = -1 },
		"a warm-up before it all": func(o *bench.Options) { o.WarmUp = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			o := small(t)
			change(&o)
			if _, err := bench.Payments(t.Context(), o); err == nil {
				t.Error("it was measured all the same")
			}
		})
	}
}

func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	elements := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the drawing is no XML: %v", err)
		}
		if start, ok := token.(xml.StartElement); ok {
			elements[start.Name.Local]++
		}
	}
	if elements["svg"] != 1 || elements["polyline"] == 0 || elements["text"] < 10 {
		t.Errorf("the drawing shows little: %v", elements)
	}
	for _, bad := range []string{"NaN", "Inf"} {
		if bytes.Contains(svg, []byte(bad)) {
			t.Errorf("the drawing has %s in it", bad)
		}
	}
}

// The JSON has every field under its name, and says the same when read back.
func readsBack(t *testing.T, r bench.Result) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var same bench.Result
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&same); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(same)
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("got %s, want %s", again, text)
	}
	var loose struct {
		Loops []map[string]any `json:"loops"`
	}
	if err := json.Unmarshal(text, &loose); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"connections", "merchants", "payments", "payments_per_second", "whole", "create", "on_card", "confirm",
		"ops", "commits", "ops_per_commit", "batches", "cores_used", "cores_used_by_others", "cpu_per_payment",
	} {
		if _, ok := loose.Loops[0][name]; !ok {
			t.Errorf("a loop has no %s", name)
		}
	}
}

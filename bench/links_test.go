package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"sotto/card/screen"
	"sotto/dyncode"
	"sotto/link/mem"
)

// The figures and the drawing that are committed, and the table in the README, are
// what the command makes: 10,000 deliveries over each link at each loss.
func TestLinksAreThoseCommitted(t *testing.T) {
	r, err := Links(t.Context(), LinksOptions{Deliveries: 10_000, Loss: []float64{0, 5, 20}, Seed: 1, Progress: io.Discard})
	if err != nil {
		t.Fatalf("%v\n%s", err, r.Text())
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]byte{"links.json": append(text, '\n'), "links.svg": LinksSVG(r)} {
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is another (%v): sotto bench links --json --svg links.svg > links.json", file, err)
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Links {
		if row.Delivered != 10_000 || row.Sealed != 216 {
			t.Errorf("got %+v", row)
		}
		if line := tableRow(row); !strings.Contains(string(readme), line) {
			t.Errorf("README.md does not have\n%s", line)
		}
	}
}

// tableRow is a line of the README's table.
func tableRow(row LinkRow) string {
	return fmt.Sprintf("| %s | %v %% | %.0f | %.0f | %.0f | %.0f | %.0f | %.2f | %d |", linkNames[row.Link], row.Loss,
		row.Shown.P50, row.Shown.P99, row.Answered.P50, row.Answered.P99, row.OnAir, row.OverSize, row.Twice)
}

// Other draws, and losses at which nothing can be sure: each is delivered or has
// expired, the card shows what is true, and all of it can be printed and drawn.
func TestLinksWithAnySeed(t *testing.T) {
	o := LinksOptions{Deliveries: 40, Loss: []float64{0, 50, 90, 100}, Seed: rand.Uint64(), Progress: io.Discard}
	t.Log("seed", o.Seed)
	r, err := Links(t.Context(), o)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.Text())
	}
	if len(r.Links) != 12 || len(r.Late) != 3 {
		t.Errorf("got %d and %d rows", len(r.Links), len(r.Late))
	}
	for _, row := range r.Links {
		if none := row.Loss == 100; none && row.Expired != row.Deliveries || row.Loss == 0 && row.Delivered != row.Deliveries {
			t.Errorf("got %+v", row)
		}
	}
	drawn(t, LinksSVG(r))
}

func TestLinksRefuses(t *testing.T) {
	for _, o := range []LinksOptions{{Loss: []float64{0}}, {Deliveries: 1}, {Deliveries: 1, Loss: []float64{101}}, {Deliveries: 1, Loss: []float64{-1}}} {
		if _, err := Links(t.Context(), o); err == nil {
			t.Errorf("%+v: got no error", o)
		}
	}
}

// Whoever lies is found out: each of these is a fault, and the command fails.
func TestLinkFaultsAreFound(t *testing.T) {
	for name, lie := range map[string]func(e *linkEnds, message []byte){
		"a picture of nothing that was sent": func(e *linkEnds, message []byte) {
			e.expected.Set(100, 50, !e.expected.Ink(100, 50))
			e.Handle(message)
		},
		"a receipt for what is not shown": func(e *linkEnds, message []byte) {
			answer := e.Handle(message)
			e.now.Set(0, 0, !e.now.Ink(0, 0))
			e.Judge(answer)
		},
		"a receipt of another message": func(e *linkEnds, message []byte) {
			answer := e.Handle(message)
			e.Next()
			e.Judge(answer)
		},
		"a receipt that nobody made": func(e *linkEnds, message []byte) {
			e.Handle(message)
			e.Judge(dyncode.AppendBareReceipt(nil, dyncode.Receipt{Result: dyncode.Shown, Message: e.message, Counter: e.count}))
		},
		"a refusal": func(e *linkEnds, _ []byte) { e.Judge(e.Handle([]byte("what is this"))) },
		"a code that outlives its time": func(e *linkEnds, message []byte) {
			e.Handle(message)
			shown := e.now
			if err := e.clock.Wait(t.Context(), codeLife); err != nil {
				t.Fatal(err)
			}
			e.card.Tick(e.clock.Now())
			e.now = shown
			e.Next()
		},
		"the same picture twice": func(e *linkEnds, message []byte) {
			e.Handle(message)
			_ = e.Put(screen.Compose(e.card.View()), 0)
		},
	} {
		e := newLinkEnds(mem.NewClock(time.Unix(1_700_000_000, 0)), 1)
		lie(e, e.Next())
		if len(e.faults) == 0 {
			t.Errorf("%s: nobody noticed", name)
		}
		if r := (LinksResult{Faults: e.faults}); r.err() == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	for _, row := range []LinkRow{{Deliveries: 2, Delivered: 1}, {Deliveries: 1, Delivered: 1, Wrong: 1}} {
		if r := (LinksResult{Late: []LinkRow{row}}); r.err() == nil {
			t.Errorf("%+v: got no error", row)
		}
	}
}

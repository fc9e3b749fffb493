package card

import (
	"testing"

	"sotto/dyncode"
)

// ready is a card with a phone, and a message that it has not had.
func ready(tb testing.TB) (x machine, message []byte) {
	tb.Helper()
	d := newDesk(dyncode.CardSealed)
	p := d.bound(tb, 1)
	return d.device.rules, p.seal(raw(9), d.bank.part(raw(9), payment("123456")))
}

// Opening a message, from the bytes of a link to the content behind both seals,
// takes nothing from the heap.
func TestOpeningAllocatesNothing(t *testing.T) {
	x, message := ready(t)
	r := &room{}
	got := testing.AllocsPerRun(100, func() {
		m, err := dyncode.Parse(message)
		if err != nil {
			t.Fatal(err)
		}
		if o := x.open(m, r); o.refused != 0 || o.broken || o.content.Kind != dyncode.Payment {
			t.Fatal("the message does not open")
		}
		r.wipe()
	})
	if got != 0 {
		t.Errorf("got %.0f allocations, want none", got)
	}
}

func BenchmarkOpen(b *testing.B) {
	x, message := ready(b)
	r := &room{}
	b.ReportAllocs()
	for b.Loop() {
		m, err := dyncode.Parse(message)
		if err != nil {
			b.Fatal(err)
		}
		if o := x.open(m, r); o.refused != 0 {
			b.Fatal("the message does not open")
		}
		r.wipe()
	}
}

// Opening, judging, and making the view: all that the rules do.
func BenchmarkReceive(b *testing.B) {
	x, message := ready(b)
	r := &room{}
	b.ReportAllocs()
	for b.Loop() {
		if d := x.receive(message, start, r); d.refused != 0 {
			b.Fatal("the message is refused")
		}
	}
}

package pos_test

import (
	"os"
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/link"
	"sotto/pos"
)

const traceFile = "testdata/trace.txt"

// The trace of one tap, as people read it.
func TestTraceReads(t *testing.T) {
	w := newWorld(t, func(o *pos.Options) { o.Settings.Name = "" }, newPurse(1, 500), newPurse(2, 5_000))
	w.tap(yuan(1_234))
	if *update {
		if err := os.WriteFile(traceFile, []byte(w.trace()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(traceFile)
	if err != nil {
		t.Fatal(err)
	}
	if w.trace() != string(want) {
		t.Errorf("got\n%s", w.trace())
	}
}

// A trace names every command and object, has colours only if they are asked
// for, and never a whole card number, track or certificate of a card.
func TestTraceTellsNoCardNumber(t *testing.T) {
	looked := 0
	for _, k := range ways {
		for _, chunk := range []int{0, 7, 40, 200} {
			if chunk == 7 {
				continue // more parts than a chip may make
			}
			applets := k.applets()
			w := newWorld(t, k.change, applets...)
			w.reader.face, w.fake().chunk = k.face, chunk
			if r := w.tap(yuan(1_234)); r.Outcome != pos.Approved {
				t.Fatalf("%s in parts of %d: %s", k.name, chunk, r.Reason)
			}
			plain := w.trace()
			looked += len(plain)
			for _, a := range applets {
				secrets := []string{string(a.pan.Reveal()), hexOf(a.pan.Append(nil))[2:], hexOf(a.icc.Signature)[4:40], hexOf(a.contact.Signature)[4:40]}
				for _, s := range secrets {
					if strings.Contains(plain, s) {
						t.Errorf("%s in parts of %d: the trace has %s", k.name, chunk, s)
					}
				}
			}
			if strings.Contains(plain, "\x1b") || strings.Contains(plain, " ?") {
				t.Errorf("%s: colours, or an object without a name", k.name)
			}
			for _, e := range w.events {
				if !strings.Contains(e.Text(true), "\x1b[") {
					t.Fatalf("no colours in %q", e.Text(true))
				}
				if e.Exchange != nil && (e.Exchange.Why == "" || strings.HasPrefix(e.Exchange.Name, "command")) {
					t.Errorf("%s is not explained", e.Exchange.Name)
				}
			}
		}
	}
	if looked < 50_000 {
		t.Errorf("looked at %d characters", looked)
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789ABCDEF"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// What cannot be read is not shown at all.
func TestTraceHidesWhatItCannotRead(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000))
	w.fake().twist = at(gpo, 0, func(b []byte) []byte { return append(b, 0x5A) })
	w.tap(yuan(1_234))
	last := w.events[len(w.events)-2].Exchange
	if last == nil || strings.Trim(last.Answer, "*") != "" || len(last.Answer) < 100 || last.Received[0].Name != "Not understood" {
		t.Errorf("got %+v", last)
	}
	// An answer of which a part is missing.
	w = newWorld(t, nil, newPurse(1, 5_000))
	w.fake().chunk = 40
	w.reader.cutAt = 9
	w.tap(yuan(1_234))
	for _, e := range w.events {
		if e.Exchange != nil && e.Exchange.Status == 0 && e.Exchange.Received != nil {
			t.Errorf("fields of an answer that never came: %+v", e.Exchange)
		}
	}
}

// Whoever wants the trace as values finds objects inside each other, and the
// reason of a chip in words.
func TestTraceHasValues(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5))
	w.ends(yuan(1_234), pos.ShortBalance)
	var exchanges []*pos.Exchange
	for _, e := range w.events {
		if e.Exchange != nil {
			exchanges = append(exchanges, e.Exchange)
		}
	}
	if len(exchanges) != 2 || exchanges[1].Name != "SEND POI INFORMATION" || exchanges[1].Status != apdu.StatusOK {
		t.Fatalf("%d exchanges", len(exchanges))
	}
	amount := exchanges[1].Sent[0]
	if amount.Tag != emv.TagAmount || amount.Value != "12.34" {
		t.Errorf("sent %+v", amount)
	}
	reason := exchanges[1].Received[0].Fields[1].Fields[0].Fields[0]
	if reason.Tag != emv.TagReason || reason.Value != "01 balance too small" {
		t.Errorf("received %+v", reason)
	}
	if end := w.events[len(w.events)-1].End; end == nil || end.Reason != pos.ShortBalance || end.Interface != link.Contactless {
		t.Errorf("end %+v", end)
	}
}

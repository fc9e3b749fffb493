package phone

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link"
	"sotto/secret"
)

// What a phone makes of each kind of hostile or broken dispatch. "refused: …"
// is reported in the card's place; "" is silence. In no case is the card asked.
func TestHostileDispatches(t *testing.T) {
	id := dispatchID(0, 1)
	other := func(d bankapi.Dispatch, change func(*bankapi.Dispatch)) bankapi.Dispatch {
		change(&d)
		return d
	}
	right := func(p dyncode.Profile) bankapi.Dispatch { return codeDispatch(p, id, "123456") }
	boxOf := func(phone, card ident.Raw, key byte, dispatch string, plain []byte) []byte {
		return dyncode.NewBox(secret.New(fill(key)), phone).Seal(nil, [12]byte{7}, card, rawOf(dispatch), plain)
	}
	clearPart := dyncode.AppendClear(nil, 1, padded(paymentContent("123456")))
	sealedPart := right(dyncode.CardSealed).Body
	cases := []struct {
		name     string
		dispatch bankapi.Dispatch
		want     string
	}{
		{"a card that is not bound", other(right(dyncode.CardSealed), func(d *bankapi.Dispatch) { d.Card = otherCard }), "refused: unbound"},
		{"another profile, sealed", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) { d.Profile = uint8(dyncode.CardSealed); d.Body = sealedPart }), "refused: profile"},
		{"another profile, in clear", right(dyncode.Plain), "refused: profile"},
		{"expired", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) { d.ExpiresAt = start.UnixMilli() }), ""},
		{"expired long ago", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) { d.ExpiresAt = 0 }), ""},
		{"another phone's box", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) {
			d.Body = boxOf(ident.Raw{1}, cardRaw, 0x22, id, clearPart)
		}), "refused: seal"},
		{"a box under another key", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) {
			d.Body = boxOf(phoneRaw, cardRaw, 0x23, id, clearPart)
		}), "refused: seal"},
		{"a box for another card", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) {
			d.Body = boxOf(phoneRaw, ident.Raw{1}, 0x22, id, clearPart)
		}), "refused: seal"},
		{"a box of another dispatch", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) {
			d.Body = boxOf(phoneRaw, cardRaw, 0x22, dispatchID(0, 9), clearPart)
		}), "refused: seal"},
		{"no body", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) { d.Body = nil }), "refused: seal"},
		{"a box with no bank part", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) { d.Body = boxed(id, []byte("hello")) }), "refused: content"},
		{"a box with a sealed part", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) { d.Body = boxed(id, sealedPart) }), "refused: content"},
		{"a pairing that is none", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) {
			d.Kind, d.Body = bankapi.DispatchPair, boxed(id, []byte("hello"))
		}), "refused: content"},
		{"a pairing with a part in clear", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) {
			d.Kind, d.Body = bankapi.DispatchPair, boxed(id, bankapi.Pairing{Secret: fill(1), BankPart: clearPart}.Append(nil))
		}), "refused: content"},
		{"a pairing that is too long for a card", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) {
			long := dyncode.NewInner(secret.New(fill(0x11)), cardRaw).Seal(nil, dyncode.PhoneSealed, rawOf(id), 1, make([]byte, 1240))
			d.Kind, d.Body = bankapi.DispatchPair, boxed(id, bankapi.Pairing{Secret: fill(1), BankPart: long}.Append(nil))
		}), "refused: content"},
		{"a release that is none", other(right(dyncode.PhoneSealed), func(d *bankapi.Dispatch) {
			d.Kind, d.Body = bankapi.DispatchRelease, []byte("hello")
		}), "refused: content"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := inUse(dyncode.PhoneSealed)
			r := newRig(t, d, shown)
			r.give(t, c.dispatch)
			if got := reported(t, r); got != c.want {
				t.Errorf("reported %q, want %q", got, c.want)
			}
			if len(r.sent) != 0 {
				t.Error("the card was asked")
			}
			if kept := d.kept[cardText].Pending; !kept.None() {
				t.Error("a pairing was kept")
			}
		})
	}
}

// reported is what a rig has told the bank.
func reported(t *testing.T, r *rig) string {
	t.Helper()
	if len(r.reports) == 0 {
		return ""
	}
	answer := r.reports[len(r.reports)-1].Answer
	if refusal, err := dyncode.ParseRefusal(answer); err == nil {
		return "refused: " + refusal.Reason.String()
	}
	receipt, err := dyncode.ParseReceipt(answer)
	if err != nil {
		t.Fatalf("the report has no answer of a card: %v", err)
	}
	return resultName(receipt.Result)
}

// A dispatch that is cut, or named otherwise than the bus names it, is dropped
// without a word to card or bank.
func TestCutDispatches(t *testing.T) {
	r := newRig(t, inUse(dyncode.PhoneSealed), shown)
	d := codeDispatch(dyncode.PhoneSealed, dispatchID(0, 1), "123456")
	whole, err := d.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	give := func(id string, body []byte) {
		if err := r.Dispatch(t.Context(), id, body); err != nil {
			t.Errorf("not taken, and so it will come for ever: %v", err)
		}
		r.Turn(t.Context())
	}
	for n := range whole {
		give(d.ID, whole[:n])
	}
	give(d.ID, append(slices.Clone(whole), 0))
	give(dispatchID(0, 2), whole)
	give("dsp_x\nstate=shown", whole)
	kind := slices.Clone(whole)
	at := bytes.Index(kind, []byte{0x81, 1, byte(bankapi.DispatchCode)})
	kind[at+2] = 9
	give(d.ID, kind)
	if len(r.sent) != 0 || len(r.reports) != 0 {
		t.Errorf("%d messages to the card and %d to the bank, want none", len(r.sent), len(r.reports))
	}
	give(d.ID, whole)
	if len(r.sent) != 1 || reported(t, r) != "shown" {
		t.Errorf("the whole one: %d messages, reported %q", len(r.sent), reported(t, r))
	}
}

// Every flipped bit of a dispatch leads to no message, or to one that the card
// tells from a right one: the phone adds nothing that would mend it.
func TestFlippedDispatches(t *testing.T) {
	d := codeDispatch(dyncode.PhoneSealed, dispatchID(0, 1), "123456")
	whole, err := d.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	var asked int
	for i := range whole {
		for bit := range 8 {
			b := slices.Clone(whole)
			b[i] ^= 1 << bit
			r := newRig(t, inUse(dyncode.PhoneSealed), shown)
			flipped, err := bankapi.ParseDispatch(b)
			if err != nil {
				continue
			}
			if err := r.Dispatch(t.Context(), flipped.ID, b); err != nil {
				t.Fatal(err)
			}
			r.Turn(t.Context())
			if len(r.sent) > 0 {
				asked++
				if flipped.ExpiresAt == d.ExpiresAt {
					t.Errorf("bit %d of byte %d: the card was asked", bit, i)
				}
			}
		}
	}
	if asked == 0 {
		t.Error("the card was never asked: only the expiry is in clear, and some of its bits are harmless")
	}
}

// What the card answers decides what goes to the bank.
func TestAnswers(t *testing.T) {
	id := dispatchID(0, 1)
	message := rawOf(id)
	receipt := func(r dyncode.Result, m ident.Raw) []byte {
		return dyncode.AppendBareReceipt(nil, dyncode.Receipt{Result: r, Message: m, Counter: 1})
	}
	refusal := func(r dyncode.Reason, m ident.Raw) []byte { return dyncode.Refusal{Reason: r, Message: m}.Append(nil) }
	cases := []struct {
		name   string
		answer []byte
		err    error
		want   string
		note   string // of the first try
	}{
		{"shown", receipt(dyncode.Shown, message), nil, "shown", "shown"},
		{"another message's receipt", receipt(dyncode.Shown, ident.Raw{1}), nil, "", "waiting noise"},
		{"expired on the card", refusal(dyncode.RefusedExpired, message), nil, "refused: expired", "refused expired"},
		{"another message's refusal", refusal(dyncode.RefusedExpired, ident.Raw{1}), nil, "", "waiting noise"},
		{"it could not be read", refusal(dyncode.RefusedMalformed, ident.Raw{}), nil, "", "waiting garbled"},
		{"silence", nil, nil, "", "waiting noise"},
		{"noise", []byte("hello"), nil, "", "waiting noise"},
		{"endless noise", make([]byte, link.MessageMax+1), nil, "", "waiting noise"},
		{"out of reach", nil, link.ErrOutOfReach, "", "waiting out-of-reach"},
		{"lost", nil, errors.Join(errors.New("radio"), link.ErrLost), "", "waiting lost"},
		{"a link that says too much", nil, errors.New("sent 123456 to the tea shop"), "", "waiting link"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, inUse(dyncode.CardSealed), func(string, []byte) ([]byte, error) { return c.answer, c.err })
			r.give(t, codeDispatch(dyncode.CardSealed, id, "123456"))
			if got := reported(t, r); got != c.want {
				t.Errorf("reported %q, want %q", got, c.want)
			}
			if len(r.notes) < 2 || r.notes[1] != c.note {
				t.Errorf("the log has %q, want %q second", r.notes, c.note)
			}
			if c.want != "" && !bytes.Equal(r.reports[0].Answer, c.answer) {
				t.Error("the answer is not the card's own, byte for byte")
			}
		})
	}
}

// A card that again and again cannot read a message has the last word.
func TestGarbledInTheEnd(t *testing.T) {
	r := newRig(t, inUse(dyncode.CardSealed), func(string, []byte) ([]byte, error) {
		return dyncode.Refusal{Reason: dyncode.RefusedMalformed}.Append(nil), nil
	})
	r.give(t, codeDispatch(dyncode.CardSealed, dispatchID(0, 1), "123456"))
	for range garbledMax {
		r.now = r.now.Add(pauseMax)
		r.Turn(t.Context())
	}
	if got, want := reported(t, r), "refused: malformed"; got != want || len(r.sent) != garbledMax {
		t.Errorf("reported %q after %d tries, want %q after %d", got, len(r.sent), want, garbledMax)
	}
}

// A repetition is the same bytes: it takes no new counter.
func TestRepetitionIsTheSameBytes(t *testing.T) {
	for _, p := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed} {
		r := newRig(t, inUse(p), func(string, []byte) ([]byte, error) { return nil, link.ErrLost })
		r.give(t, codeDispatch(p, dispatchID(0, 1), "123456"))
		for range 5 {
			r.now = r.now.Add(pauseMax)
			r.Turn(t.Context())
		}
		if len(r.sent) != 6 {
			t.Fatalf("%v: %d tries, want 6", p, len(r.sent))
		}
		for i, m := range r.sent {
			if !bytes.Equal(m, r.sent[0]) {
				t.Errorf("%v: try %d has other bytes", p, i)
			}
		}
	}
}

// What is opened on the way is wiped before the phone does anything else, and
// what goes out in clear is wiped once it is out.
func TestOpenedIsWiped(t *testing.T) {
	id := dispatchID(0, 1)
	var held []byte
	r := newRig(t, inUse(dyncode.Plain), func(_ string, m []byte) ([]byte, error) {
		held = m // the phone's own buffer
		if !bytes.Contains(m, []byte("123456")) {
			t.Error("the message has no code: this test looks at the wrong bytes")
		}
		return nil, link.ErrLost
	})
	r.give(t, codeDispatch(dyncode.Plain, id, "123456"))
	if len(held) == 0 || bytes.Count(held, []byte{0}) != len(held) {
		t.Error("a message in clear was left in memory")
	}

	var opened []byte
	d := codeDispatch(dyncode.PhoneSealed, id, "123456")
	_, err := r.opened(d, rawOf(id), func(plain []byte) ([]byte, error) {
		opened = plain
		if !bytes.Contains(plain, []byte("123456")) {
			t.Error("the box has no code: this test looks at the wrong bytes")
		}
		return nil, nil
	})
	if err != nil || len(opened) == 0 || bytes.Count(opened, []byte{0}) != len(opened) {
		t.Errorf("what was in the box was left in memory (%v)", err)
	}
}

// The log of a whole day of trouble has ids and states, and nothing of a
// payment.
func TestLogHasIdsAndStates(t *testing.T) {
	var log strings.Builder
	r := newRig(t, inUse(dyncode.Plain), func(string, []byte) ([]byte, error) {
		return nil, errors.New("tried to send 123456")
	})
	r.Phone.desk.note = r.Phone.note
	r.Phone.c.Log = textLog(&log)
	r.give(t, codeDispatch(dyncode.Plain, dispatchID(0, 1), "123456"))
	r.now = r.now.Add(time.Hour)
	r.Turn(t.Context())
	want := "dispatch=" + dispatchID(0, 1) + " state=taken card=" + cardText + "\n" +
		"dispatch=" + dispatchID(0, 1) + " state=waiting card=" + cardText + " reason=link\n" +
		"dispatch=" + dispatchID(0, 1) + " state=expired card=" + cardText + "\n"
	if got := log.String(); got != want {
		t.Errorf("the log is\n%swant\n%s", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	right := Config{
		ID: phoneText, Key: phoneKey, State: &disk{}, Reach: reach(shown), Bank: sender(nil),
		Now: func() time.Time { return start }, Random: rand.NewChaCha8([32]byte{}),
	}
	if _, err := New(right); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no id":       func(c *Config) { c.ID = "" },
		"a card's id": func(c *Config) { c.ID = cardText },
		"no key":      func(c *Config) { c.Key = secret.Secret{} },
		"short key":   func(c *Config) { c.Key = secret.New([]byte("short")) },
		"no state":    func(c *Config) { c.State = nil },
		"no reach":    func(c *Config) { c.Reach = nil },
		"no bank":     func(c *Config) { c.Bank = nil },
		"no clock":    func(c *Config) { c.Now = nil },
		"no random":   func(c *Config) { c.Random = nil },
		"language":    func(c *Config) { c.Language = "fr" },
		"broken disk": func(c *Config) { c.State = broken{} },
	} {
		c := right
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

type broken struct{ *disk }

func (broken) Bindings() (map[string]Binding, error) { return nil, context.Canceled }

// FuzzDispatch: no dispatch makes a phone panic, and none makes it send a card
// what is no message.
func FuzzDispatch(f *testing.F) {
	for _, p := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed, dyncode.Plain} {
		b, err := codeDispatch(p, dispatchID(0, 1), "123456").Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := bankapi.ParseDispatch(b)
		if err != nil {
			d.ID = "dsp_"
		}
		r := newRig(t, inUse(dyncode.CardSealed), shown)
		if err := r.Dispatch(t.Context(), d.ID, b); err != nil {
			t.Errorf("not taken: %v", err)
		}
		r.Turn(t.Context())
		for _, m := range r.sent {
			if _, err := dyncode.Parse(m); err != nil {
				t.Errorf("the card was sent what is no message: %v", err)
			}
		}
	})
}

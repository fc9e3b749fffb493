package card

import (
	"bytes"
	"testing"

	"sotto/dyncode"
	"sotto/secret"
)

// FuzzHandle gives a bound card any bytes: it answers with a refusal, or with a
// receipt for one of the messages that were made for it, and a refusal changes
// nothing.
func FuzzHandle(f *testing.F) {
	identity := identity(dyncode.CardSealed)
	b, p := newBank(identity), newPhone(identity, 1)
	genuine := map[string]bool{}
	for _, m := range [][]byte{
		p.seal(raw(9), b.part(raw(9), payment("123456"))),
		b.direct(raw(10), newPhone(identity, 2).bind("222222")),
		b.direct(raw(11), release()),
	} {
		genuine[string(m)] = true
		f.Add(m)
	}
	plain, err := dyncode.AppendLines(nil, raw(9), dyncode.Lines{Lifetime: 9, Text: [][]byte{[]byte("hello")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	bound := NewMemory(identity)
	bound.Active = Pairing{Phone: p.id, Secret: secret.New(p.pairing), KeySource: p.source}
	f.Fuzz(func(t *testing.T, message []byte) {
		d := newDesk(dyncode.CardSealed)
		d.device = New(bound, d.flash, d.pane, d.clock)
		given := bytes.Clone(message)
		answer := d.device.Handle(message)
		if !bytes.Equal(given, message) {
			t.Error("the message was changed")
		}
		if _, err := dyncode.ParseRefusal(answer); err == nil {
			if d.flash.saves != 0 || len(d.pane.seen) != 0 || d.device.View().Scene != SceneIdle {
				t.Error("a refusal changed something")
			}
			return
		}
		if _, err := b.inner.Verify(answer); err != nil || !genuine[string(message)] {
			t.Errorf("got a receipt for a message that nobody made: %x", message)
		}
	})
}

// FuzzHandlePlain: a plain card shows what has the form, and its own invariants
// hold.
func FuzzHandlePlain(f *testing.F) {
	for _, lines := range []dyncode.Lines{
		{Lifetime: 9, Text: [][]byte{[]byte("hello")}},
		{Lifetime: 1, Code: []byte("123456"), Text: [][]byte{[]byte("CNY 1.00"), []byte(" ")}},
	} {
		m, err := dyncode.AppendLines(nil, raw(9), lines)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		d := newDesk(dyncode.Plain)
		answer := d.device.Handle(message)
		if _, err := dyncode.ParseReceipt(answer); err != nil {
			if len(d.pane.seen) != 0 {
				t.Error("a refusal was shown")
			}
			return
		}
		v := d.device.View()
		if v.Scene != ScenePlain || len(v.Lines) == 0 {
			t.Errorf("a receipt for %+v", v.Scene)
		}
		for _, line := range v.Lines {
			checkSanitized(t, line)
		}
	})
}

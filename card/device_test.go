package card

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"sotto/dyncode"
)

func TestPaymentIsShownAndAcknowledged(t *testing.T) {
	for _, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed} {
		t.Run(profile.String(), func(t *testing.T) {
			d := newDesk(profile)
			p := d.bound(t, 1)
			message := p.seal(raw(9), d.bank.part(raw(9), payment("123456")))
			got := d.wantReceipt(t, message, dyncode.Shown)
			want := dyncode.Receipt{Result: dyncode.Shown, Message: raw(9), Counter: d.bank.counter}
			if got != want {
				t.Errorf("receipt: got %+v, want %+v", got, want)
			}
			v := d.device.View()
			if v.Scene != ScenePayment || v.Code != "123456" || v.Amount != "CNY 128.00" || v.Payee != "Green Hill Tea" {
				t.Errorf("view: got %+v", v)
			}
			if v.Holder != "LIN MEI" || v.CardID != ShortID(raw(0xCA)) || v.Language != "en" {
				t.Errorf("view: got %+v", v)
			}
			details := []Detail{
				{DetailPlatform, "shop.example"}, {DetailOrder, "A-1001"},
				{DetailDescription, "Green tea, 250 g"}, {DetailCard, "621700******0001"},
			}
			if !slices.Equal(v.Details, details) {
				t.Errorf("details: got %v, want %v", v.Details, details)
			}
		})
	}
}

func TestHostileTextIsSanitised(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	c := payment("123456")
	c.Payee, c.Order = []byte("evil\u202Eeat neerG"), []byte("A\n\x00B")
	d.wantReceipt(t, p.seal(raw(9), d.bank.part(raw(9), c)), dyncode.Shown)
	v := d.device.View()
	if v.Payee != "evil\uFFFDeat neerG" || v.Details[1].Text != "A\uFFFD\uFFFDB" {
		t.Errorf("view: got %q, %q", v.Payee, v.Details[1].Text)
	}
}

func TestPlainCardShowsLinesAsTheyAre(t *testing.T) {
	d := newDesk(dyncode.Plain)
	message, err := dyncode.AppendLines(nil, raw(9), dyncode.Lines{
		Lifetime: 60, Code: []byte("123456"), Text: [][]byte{[]byte("CNY 128.00"), []byte("Green Hill Tea")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := d.wantReceipt(t, message, dyncode.Shown)
	if got.Message != raw(9) {
		t.Errorf("receipt: got %+v", got)
	}
	v := d.device.View()
	if v.Scene != ScenePlain || v.Code != "123456" || !slices.Equal(v.Lines, []string{"CNY 128.00", "Green Hill Tea"}) {
		t.Errorf("view: got %+v", v)
	}
	d.reboot(t)
	d.wantReceipt(t, message, dyncode.Shown) // a repetition
	if v := d.device.View(); v.Scene != SceneIdle {
		t.Errorf("after a repetition: got scene %d, want none", v.Scene)
	}
	sealed := withProfile(message, dyncode.CardSealed)
	d.wantRefusal(t, sealed, dyncode.RefusedMalformed)
}

// A choice of voice outlives the power and the messages, and leaves the screen
// as it is; one that was not kept, or is none, changes nothing.
func TestSetPresentation(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	shown := len(d.pane.seen)
	want := Presentation{Means: ByBoth, Pace: PaceSlow, Times: 3}
	if err := d.device.SetPresentation(want); err != nil || d.device.View().Code != "271828" || len(d.pane.seen) != shown {
		t.Fatalf("got %v, and a screen with %d views", err, len(d.pane.seen))
	}
	d.flash.fail = func(int) (bool, bool) { return true, false }
	for _, p := range []Presentation{{Means: ByVoice}, {Times: TimesMax + 1}, {Pace: 9}} {
		if err := d.device.SetPresentation(p); err == nil {
			t.Errorf("%+v was taken", p)
		}
	}
	d.flash.fail = nil
	d.wantReceipt(t, p.seal(raw(9), d.bank.part(raw(9), payment("123456"))), dyncode.Shown)
	if m, err := ParseMemory(d.flash.kept); err != nil || m.Presentation != want {
		t.Errorf("kept: got %+v, %v, want %+v", m.Presentation, err, want)
	}
}

// The order is the promise: counters are kept before the view is there, "shown"
// after it.
func TestOrderOfEffects(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	message := p.seal(raw(9), d.bank.part(raw(9), payment("123456")))
	var order []string
	d.pane.onShow = func() { order = append(order, "show") }
	d.flash.fail = func(int) (bool, bool) {
		order = append(order, "save")
		return false, true
	}
	shownBefore := len(d.pane.seen)
	d.flash.onSave = func(encoded []byte) {
		m, err := ParseMemory(encoded)
		if err != nil {
			t.Fatal(err)
		}
		seen := len(d.pane.seen) > shownBefore
		if marked := m.Shown.Message == raw(9); marked != seen || m.BankCounter != d.bank.counter || m.Active.Counter != p.counter {
			t.Errorf("saved with counter %d, marked %v, while seen %v", m.BankCounter, marked, seen)
		}
	}
	d.wantReceipt(t, message, dyncode.Shown)
	if want := "save show save"; strings.Join(order, " ") != want {
		t.Errorf("got %q, want %q", order, want)
	}
}

func TestRepetitionHasItsReceiptAgainAndChangesNothing(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	part := d.bank.part(raw(9), payment("123456"))
	message := p.seal(raw(9), part)
	first := d.device.Handle(message)
	view, saves, seen := d.device.View(), d.flash.saves, len(d.pane.seen)

	for name, again := range map[string][]byte{"the same bytes": message, "sealed anew": p.seal(raw(9), part)} {
		if got := d.device.Handle(again); !bytes.Equal(got, first) {
			t.Errorf("%s: got another answer", name)
		}
	}
	if d.flash.saves != saves || len(d.pane.seen) != seen || d.device.View().Code != view.Code {
		t.Error("a repetition changed something")
	}

	d.now = d.now.Add(time.Hour)
	d.device.Tick(d.now)
	if got := d.device.Handle(message); !bytes.Equal(got, first) {
		t.Error("after its end: got another answer")
	}
	d.reboot(t)
	if got := d.device.Handle(message); !bytes.Equal(got, first) {
		t.Error("after a loss of power: got another answer")
	}
	if v := d.device.View(); v.Scene != SceneIdle || v.Code != "" {
		t.Errorf("what was wiped came back: %+v", v.Scene)
	}
	// Once another message has been shown, this one is old.
	d.now = start
	d.wantReceipt(t, p.seal(raw(10), d.bank.part(raw(10), payment("654321"))), dyncode.Shown)
	d.wantRefusal(t, message, dyncode.RefusedCounter)
}

// A bank part that repeats must still come the way of its kind.
func TestRepetitionWithoutThePhonesSealIsRefused(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	part := d.bank.part(raw(9), payment("123456"))
	d.wantReceipt(t, p.seal(raw(9), part), dyncode.Shown)
	d.wantRefusal(t, dyncode.AppendDirect(nil, dyncode.CardSealed, raw(9), part), dyncode.RefusedCounter)
}

func TestConcurrentUse(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	var messages [][]byte
	for i := range byte(50) {
		messages = append(messages, p.seal(raw(i), d.bank.part(raw(i), payment("123456"))))
	}
	done := make(chan int)
	for g := range 4 {
		go func() {
			receipts := 0
			for i := g; i < len(messages); i += 4 {
				if _, err := d.bank.inner.Verify(d.device.Handle(messages[i])); err == nil {
					receipts++
				}
				d.device.Tick(start)
				d.device.View()
				d.device.PageNext()
			}
			done <- receipts
		}()
	}
	sum := 0
	for range 4 {
		sum += <-done
	}
	if sum == 0 || sum > len(messages) || d.device.rules.memory.BankCounter != d.bank.counter {
		t.Errorf("got %d receipts, counter %d of %d", sum, d.device.rules.memory.BankCounter, d.bank.counter)
	}
}

func BenchmarkHandleCardSealed(b *testing.B) {
	d := newDesk(dyncode.CardSealed)
	p := newPhone(d.identity, 1)
	d.device.Handle(d.bank.direct(raw(1), p.bind("314159")))
	messages := make([][]byte, 4096)
	handled := len(messages)
	b.ReportAllocs()
	for b.Loop() {
		if handled == len(messages) {
			b.StopTimer()
			d.pane.seen = nil
			for i := range messages {
				messages[i] = p.seal(raw(9), d.bank.part(raw(9), payment("123456")))
			}
			handled = 0
			b.StartTimer()
		}
		if answer := d.device.Handle(messages[handled]); answer[0] != 0xE4 {
			b.Fatal(refusalText(answer))
		}
		handled++
	}
}

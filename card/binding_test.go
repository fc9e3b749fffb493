package card

import (
	"math"
	"testing"
	"time"

	"sotto/dyncode"
	"sotto/secret"
)

func TestBindShowsNameAndCode(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := newPhone(d.identity, 1)
	d.wantReceipt(t, d.bank.direct(raw(1), p.bind("314159")), dyncode.Bound)
	if v := d.device.View(); v.Scene != SceneBind || v.Code != "314159" || v.Phone != "Mei's phone" {
		t.Errorf("view: got %+v", v)
	}
	m := d.device.rules.memory
	if m.Active.Present() || !m.Pending.Present() {
		t.Error("the phone shall be pending until it is proven")
	}
}

// A phone that is introduced and never proves itself does not disturb the one
// in use.
func TestOldPhoneWorksUntilTheNewOneIsProven(t *testing.T) {
	for _, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed} {
		d := newDesk(profile)
		old := d.bound(t, 1)
		next := newPhone(d.identity, 2)
		pay := func(p *phone, n byte) []byte { return p.seal(raw(n), d.bank.part(raw(n), payment("123456"))) }

		d.wantReceipt(t, d.bank.direct(raw(0x10), next.bind("111111")), dyncode.Bound)
		d.reboot(t)
		d.wantReceipt(t, pay(old, 0x11), dyncode.Shown)
		d.wantReceipt(t, pay(old, 0x12), dyncode.Shown)
		stale := pay(old, 0x13) // still in the air when the new phone is proven
		d.wantReceipt(t, pay(next, 0x14), dyncode.Shown)
		if m := d.device.rules.memory; m.Active.Phone != next.id || m.Pending.Present() {
			t.Error("the new phone shall be the active one")
		}
		d.wantRefusal(t, stale, dyncode.RefusedSeal)
		d.wantRefusal(t, pay(old, 0x15), dyncode.RefusedSeal)
		d.reboot(t)
		d.wantReceipt(t, pay(next, 0x16), dyncode.Shown)
		d.wantRefusal(t, pay(old, 0x17), dyncode.RefusedSeal)
	}
}

func TestLaterIntroductionReplacesTheFormer(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	active := d.bound(t, 1)
	second, third := newPhone(d.identity, 2), newPhone(d.identity, 3)
	d.wantReceipt(t, d.bank.direct(raw(0x10), second.bind("111111")), dyncode.Bound)
	d.wantReceipt(t, d.bank.direct(raw(0x11), third.bind("222222")), dyncode.Bound)
	if v := d.device.View(); v.Code != "222222" {
		t.Errorf("code: got %q", v.Code)
	}
	d.wantRefusal(t, second.seal(raw(0x12), d.bank.part(raw(0x12), payment("123456"))), dyncode.RefusedSeal)
	d.wantReceipt(t, active.seal(raw(0x13), d.bank.part(raw(0x13), payment("123456"))), dyncode.Shown)
	d.wantReceipt(t, third.seal(raw(0x14), d.bank.part(raw(0x14), payment("123456"))), dyncode.Shown)
}

// Binding the same phone again gives it a new secret; the old one ends with it.
func TestSamePhoneIsBoundAgain(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	before := d.bound(t, 1)
	after := newPhone(d.identity, 1)
	after.pairing = bytesOf(0x77, 32)
	after.outer = dyncode.NewOuter(secret.New(after.pairing), d.identity.Card, after.id, after.source)
	d.wantReceipt(t, d.bank.direct(raw(0x10), after.bind("111111")), dyncode.Bound)
	d.wantReceipt(t, after.seal(raw(0x11), d.bank.part(raw(0x11), payment("123456"))), dyncode.Shown)
	d.wantRefusal(t, before.seal(raw(0x12), d.bank.part(raw(0x12), payment("123456"))), dyncode.RefusedSeal)
}

func TestReleaseForgetsEveryPhone(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	active := d.bound(t, 1)
	pending := newPhone(d.identity, 2)
	d.wantReceipt(t, d.bank.direct(raw(0x10), pending.bind("111111")), dyncode.Bound)
	secrets := []secret.Secret{d.device.rules.memory.Active.Secret, d.device.rules.memory.Pending.Secret}

	message := d.bank.direct(raw(0x11), release())
	d.now = d.now.AddDate(1, 0, 0) // a release is never too late
	d.wantReceipt(t, message, dyncode.Released)
	d.wantReceipt(t, message, dyncode.Released) // a repetition
	if v := d.device.View(); v.Scene != SceneReleased || v.Code != "" {
		t.Errorf("view: got %+v", v)
	}
	for _, p := range []*phone{active, pending} {
		d.wantRefusal(t, p.seal(raw(0x12), d.bank.part(raw(0x12), payment("123456"))), dyncode.RefusedUnbound)
	}
	for i, s := range secrets {
		if !s.Equal(secret.New(make([]byte, 32))) {
			t.Errorf("secret %d is still in memory", i)
		}
	}
	d.now = d.now.Add(releasedFor)
	d.device.Tick(d.now)
	if v := d.device.View(); v.Scene != SceneIdle {
		t.Errorf("the notice stayed: scene %d", v.Scene)
	}
}

// In the phone-sealed profile a phone may say what it likes of the bank's
// counter. It cannot keep the bank from taking the card back.
func TestLyingPhoneCannotBlockItsRelease(t *testing.T) {
	d := newDesk(dyncode.PhoneSealed)
	liar := d.bound(t, 1)
	claim := dyncode.AppendClear(nil, math.MaxUint64-1, padded(payment("666666")))
	d.wantReceipt(t, liar.seal(raw(9), claim), dyncode.Shown)
	d.wantReceipt(t, d.bank.direct(raw(10), release()), dyncode.Released)
	honest := newPhone(d.identity, 2)
	d.wantReceipt(t, d.bank.direct(raw(11), honest.bind("111111")), dyncode.Bound)
	d.wantReceipt(t, honest.seal(raw(12), d.bank.part(raw(12), payment("123456"))), dyncode.Shown)
}

// Words about phones are the bank's; a phone cannot speak them for it.
func TestPhoneCannotBindOrRelease(t *testing.T) {
	for _, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed} {
		d := newDesk(profile)
		p := d.bound(t, 1)
		forged := newPhone(d.identity, 2)
		for _, c := range []dyncode.Content{forged.bind("111111"), release()} {
			d.wantRefusal(t, p.seal(raw(9), d.bank.part(raw(9), c)), dyncode.RefusedContent)
		}
		if m := d.device.rules.memory; m.Active.Phone != p.id || m.Pending.Present() {
			t.Error("the pairings changed")
		}
	}
}

func TestLifeOfACode(t *testing.T) {
	tests := []struct {
		name     string
		noClock  bool
		expires  time.Duration // from the start
		lifetime uint16
		at       time.Duration // of the tick
		gone     bool
	}{
		{"neither is over", false, 100 * time.Second, 50, 49 * time.Second, false},
		{"lifetime is over", false, 100 * time.Second, 50, 50 * time.Second, true},
		{"expiry comes first", false, 30 * time.Second, 50, 30 * time.Second, true},
		{"just before expiry", false, 30 * time.Second, 50, 29 * time.Second, false},
		{"no clock: expiry is not known", true, 30 * time.Second, 50, 49 * time.Second, false},
		{"no clock: lifetime is over", true, 30 * time.Second, 50, 50 * time.Second, true},
		{"the clock was set back", false, 100 * time.Second, 50, -time.Minute, true},
		{"two readings in the wrong order", false, 100 * time.Second, 50, -time.Millisecond, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(dyncode.CardSealed)
			p := d.bound(t, 1)
			if tt.noClock {
				d.device = New(d.device.rules.memory, d.flash, d.pane, nil)
				d.device.Tick(start)
			}
			c := payment("123456")
			c.ExpiresAt, c.Lifetime = uint64(start.Add(tt.expires).Unix()), tt.lifetime
			d.wantReceipt(t, p.seal(raw(9), d.bank.part(raw(9), c)), dyncode.Shown)
			kept := d.device.code
			d.now = start.Add(tt.at)
			d.device.Tick(d.now)
			if got := d.device.View().Scene == SceneIdle; got != tt.gone {
				t.Errorf("gone: got %v, want %v", got, tt.gone)
			}
			if got := d.pane.now.Code == ""; got != tt.gone {
				t.Errorf("gone from the prompt: got %v, want %v", got, tt.gone)
			}
			if got := string(kept) == string(make([]byte, 6)); got != tt.gone {
				t.Errorf("the device's copy is zeroes: got %v, want %v", got, tt.gone)
			}
		})
	}
}

// A card with no clock that has not heard a tick yet counts from the first.
func TestNoClockCountsFromTheFirstTick(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	d.device = New(d.device.rules.memory, d.flash, d.pane, nil)
	c := payment("123456")
	c.ExpiresAt = 1 // long ago; it cannot tell
	d.wantReceipt(t, p.seal(raw(9), d.bank.part(raw(9), c)), dyncode.Shown)
	for _, tick := range []struct {
		at   time.Duration
		gone bool
	}{{0, false}, {179 * time.Second, false}, {180 * time.Second, true}} {
		d.device.Tick(start.Add(tick.at))
		if got := d.device.View().Scene == SceneIdle; got != tick.gone {
			t.Errorf("tick at %v: gone: got %v, want %v", tick.at, got, tick.gone)
		}
	}
}

// A refused message, whoever sends it, does not take the code off the screen.
func TestRefusalLeavesTheScreen(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	d.wantReceipt(t, p.seal(raw(9), d.bank.part(raw(9), payment("123456"))), dyncode.Shown)
	d.wantRefusal(t, []byte("rubbish"), dyncode.RefusedMalformed)
	d.wantRefusal(t, newPhone(d.identity, 5).seal(raw(9), nil), dyncode.RefusedSeal)
	if v := d.device.View(); v.Code != "123456" {
		t.Errorf("code: got %q", v.Code)
	}
	d.wantReceipt(t, p.seal(raw(10), d.bank.part(raw(10), payment("654321"))), dyncode.Shown)
	if v := d.device.View(); v.Code != "654321" {
		t.Errorf("code: got %q", v.Code)
	}
}

package card

import (
	"errors"
	"math"
	"testing"
	"time"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// attempt is one message in the making: every fault that a card looks for can be
// put into it, alone or together.
type attempt struct {
	truncated, wrongVersion, wrongProfile bool
	unbound, wrongPhone, wrongCard        bool
	oldBank, oldPhone                     bool
	unknownCurrency, wrongWay             bool
	expired, bankEnd, phoneEnd            bool
	storage                               bool
}

// on makes the message for a desk that has accepted counters up to 100.
func (a attempt) on(d *desk) []byte {
	p := newPhone(d.identity, 1)
	d.flash.fail = func(int) (bool, bool) { return a.storage, !a.storage }
	m := NewMemory(d.identity)
	m.BankCounter = 100
	if !a.unbound {
		m.Active = Pairing{Phone: p.id, Secret: secret.New(p.pairing), KeySource: p.source, Counter: 100, Claimed: 100}
	}
	if a.wrongPhone {
		p = newPhone(d.identity, 2)
	}
	d.device = New(m, d.flash, d.pane, d.clock)

	c := payment("123456")
	if a.unknownCurrency {
		c.Currency = []byte("XXX")
	}
	if a.wrongWay { // a bind under a phone's seal
		c = p.bind("123456")
	}
	if a.expired {
		d.now = time.Unix(int64(c.ExpiresAt), 0)
	}
	sealer := *d.bank
	if a.wrongCard {
		sealer.inner = dyncode.NewInner(d.identity.Key, raw(0xCB))
	}
	sealer.counter = counterOf(a.oldBank, a.bankEnd)
	p.counter = counterOf(a.oldPhone, a.phoneEnd)
	p.profile = sealer.profile
	if a.wrongProfile {
		p.profile = dyncode.CardSealed + dyncode.PhoneSealed - p.profile
	}
	message := p.seal(raw(9), sealer.part(raw(9), c))
	if a.wrongVersion {
		message[versionAt(message)] = 2
	}
	if a.truncated {
		message = message[:len(message)-1]
	}
	return message
}

// counterOf is one below the counter that will be used.
func counterOf(old, end bool) uint64 {
	switch {
	case old:
		return 99
	case end:
		return math.MaxUint64 - 1
	}
	return 100
}

// versionAt finds the version's value in a message: E1, its length, 80 01 xx.
func versionAt(message []byte) int {
	for i := 1; i < 6; i++ {
		if message[i] == 0x80 && message[i+1] == 1 && message[i+2] == dyncode.Version {
			return i + 2
		}
	}
	panic("no version in a test's message")
}

// Each row has one fault and every later one that can stand beside it: the card
// answers the first. The last row has none.
func TestRefusalsInOrderOfPrecedence(t *testing.T) {
	tests := []struct {
		want dyncode.Reason
		attempt
	}{
		{dyncode.RefusedMalformed, attempt{truncated: true, wrongVersion: true, wrongProfile: true, unbound: true, oldBank: true, storage: true}},
		{dyncode.RefusedVersion, attempt{wrongVersion: true, wrongProfile: true, unbound: true, oldBank: true, expired: true, storage: true}},
		{dyncode.RefusedProfile, attempt{wrongProfile: true, unbound: true, wrongPhone: true, oldBank: true, expired: true, storage: true}},
		{dyncode.RefusedUnbound, attempt{unbound: true, wrongPhone: true, oldBank: true, unknownCurrency: true, expired: true, storage: true}},
		{dyncode.RefusedSeal, attempt{wrongPhone: true, oldBank: true, unknownCurrency: true, expired: true, storage: true}},
		{dyncode.RefusedSeal, attempt{wrongCard: true, oldPhone: true, unknownCurrency: true, expired: true, storage: true}},
		{dyncode.RefusedCounter, attempt{oldBank: true, unknownCurrency: true, expired: true, phoneEnd: true, storage: true}},
		{dyncode.RefusedCounter, attempt{oldPhone: true, unknownCurrency: true, expired: true, bankEnd: true, storage: true}},
		{dyncode.RefusedContent, attempt{unknownCurrency: true, expired: true, bankEnd: true, storage: true}},
		{dyncode.RefusedContent, attempt{wrongWay: true, expired: true, bankEnd: true, storage: true}},
		{dyncode.RefusedExpired, attempt{expired: true, bankEnd: true, phoneEnd: true, storage: true}},
		{dyncode.RefusedExhausted, attempt{bankEnd: true, storage: true}},
		{dyncode.RefusedExhausted, attempt{phoneEnd: true, storage: true}},
		{dyncode.RefusedStorage, attempt{storage: true}},
	}
	for _, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed} {
		for _, tt := range tests {
			if tt.wrongCard && profile == dyncode.PhoneSealed {
				continue // its payments have no bank's seal
			}
			d := newDesk(profile)
			message := tt.on(d)
			before := d.device.rules.memory
			d.wantRefusal(t, message, tt.want)
			if len(d.pane.seen) != 0 {
				t.Errorf("%v: something was shown", tt.want)
			}
			if after := d.device.rules.memory; after.BankCounter != before.BankCounter ||
				after.Active.Counter != before.Active.Counter || d.flash.kept != nil {
				t.Errorf("%v: a refusal changed the memory", tt.want)
			}
		}
		d := newDesk(profile)
		d.wantReceipt(t, attempt{}.on(d), dyncode.Shown)
	}
}

// A refusal names the message it could read, so that the bank knows which.
func TestRefusalNamesTheMessage(t *testing.T) {
	tests := []struct {
		attempt
		want ident.Raw
	}{
		{attempt{truncated: true}, ident.Raw{}},
		{attempt{wrongProfile: true}, raw(9)},
		{attempt{wrongPhone: true}, raw(9)},
		{attempt{expired: true}, raw(9)},
	}
	for _, tt := range tests {
		d := newDesk(dyncode.CardSealed)
		r, err := dyncode.ParseRefusal(d.device.Handle(tt.on(d)))
		if err != nil || r.Message != tt.want {
			t.Errorf("%+v: got %x, %v; want %x", tt.attempt, r.Message, err, tt.want)
		}
	}
}

// A message has the form of its profile, or it is malformed whatever the card.
func TestFormsThatDoNotFitTheirProfile(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	plain, err := dyncode.AppendLines(nil, raw(9), dyncode.Lines{Lifetime: 9, Text: [][]byte{[]byte("hello")}})
	if err != nil {
		t.Fatal(err)
	}
	clearPart := dyncode.AppendClear(nil, 90, padded(payment("123456")))
	sealedPart := d.bank.part(raw(9), payment("123456"))
	tests := []struct {
		name    string
		message []byte
		want    dyncode.Reason
	}{
		{"nothing", nil, dyncode.RefusedMalformed},
		{"plain to a sealed card", plain, dyncode.RefusedProfile},
		{"lines under a sealed profile", withProfile(plain, dyncode.CardSealed), dyncode.RefusedMalformed},
		{"a direct message that is no bank part", dyncode.AppendDirect(nil, dyncode.CardSealed, raw(9), []byte{0xE2, 0}), dyncode.RefusedMalformed},
		{"a payment with no phone's seal", dyncode.AppendDirect(nil, dyncode.CardSealed, raw(9), sealedPart), dyncode.RefusedContent},
		{"clear content with no seal at all", dyncode.AppendDirect(nil, dyncode.CardSealed, raw(9), clearPart), dyncode.RefusedMalformed},
		{"clear content under the phone's seal alone", p.seal(raw(9), clearPart), dyncode.RefusedSeal},
		{"rubbish under the phone's seal", p.seal(raw(9), []byte{1, 2, 3}), dyncode.RefusedContent},
		{"another message's bank part", p.seal(raw(8), sealedPart), dyncode.RefusedSeal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { d.wantRefusal(t, tt.message, tt.want) })
	}
	d.wantReceipt(t, p.seal(raw(9), sealedPart), dyncode.Shown) // no refusal used it up
}

// withProfile changes the profile that a message names.
func withProfile(message []byte, p dyncode.Profile) []byte {
	out := append([]byte(nil), message...)
	out[versionAt(out)+3] = byte(p)
	return out
}

func TestBrokenPromptIsNoReceipt(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	p := d.bound(t, 1)
	part := d.bank.part(raw(9), payment("123456"))
	d.pane.fail = true
	d.wantRefusal(t, p.seal(raw(9), part), dyncode.RefusedStorage)
	d.pane.fail = false
	if v := d.device.View(); v.Scene != SceneIdle || v.Code != "" {
		t.Errorf("view: got %+v, want the resting picture", v)
	}
	d.wantRefusal(t, p.seal(raw(9), part), dyncode.RefusedCounter)
}

func TestErrorsOfStoreDoNotEscape(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	answer := d.device.Handle(attempt{storage: true}.on(d))
	if r, err := dyncode.ParseRefusal(answer); err != nil || r.Reason != dyncode.RefusedStorage {
		t.Errorf("got %v, %v", r, err)
	}
	if !errors.Is(d.device.save(d.device.rules.memory), errFlash) {
		t.Error("the store of this test does not fail")
	}
}

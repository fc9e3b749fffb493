package card

import (
	"errors"
	"time"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// The other parties of these tests: a bank and phones that seal honestly, a
// store and a prompt that can be made to fail, and a clock that is set by hand.

// tester is a testing.TB or a rapid.T.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

var start = time.Unix(1_800_000_000, 0)

func raw(b byte) (r ident.Raw) {
	for i := range r {
		r[i] = b
	}
	return r
}

func bytesOf(b byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = b
	}
	return out
}

func identity(p dyncode.Profile) dyncode.Personalization {
	out := dyncode.Personalization{Card: raw(0xCA), Holder: "LIN MEI", Language: "en", Profile: p}
	if p != dyncode.Plain {
		out.Key = secret.New(bytesOf(0x4B, dyncode.KeySize))
	}
	return out
}

// bank seals for one card.
type bank struct {
	profile dyncode.Profile
	inner   dyncode.Inner
	counter uint64
}

func newBank(p dyncode.Personalization) *bank {
	return &bank{profile: p.Profile, inner: dyncode.NewInner(p.Key, p.Card)}
}

func padded(c dyncode.Content) []byte {
	b, err := c.Append(nil)
	if err != nil {
		panic("a test's content breaks its own rules: " + err.Error())
	}
	return b
}

// part is the next bank part in the card's profile.
func (b *bank) part(message ident.Raw, c dyncode.Content) []byte {
	b.counter++
	if b.profile == dyncode.PhoneSealed {
		return dyncode.AppendClear(nil, b.counter, padded(c))
	}
	return b.inner.Seal(nil, b.profile, message, b.counter, padded(c))
}

// direct is the next message that needs no phone's seal.
func (b *bank) direct(message ident.Raw, c dyncode.Content) []byte {
	b.counter++
	part := b.inner.Seal(nil, b.profile, message, b.counter, padded(c))
	return dyncode.AppendDirect(nil, b.profile, message, part)
}

// phone seals under one pairing.
type phone struct {
	profile dyncode.Profile
	id      ident.Raw
	pairing []byte
	source  [32]byte
	outer   dyncode.Outer
	counter uint64
}

func newPhone(p dyncode.Personalization, n byte) *phone {
	x := &phone{profile: p.Profile, id: raw(n), pairing: bytesOf(n+1, 32), source: [32]byte(bytesOf(n+2, 32))}
	x.outer = dyncode.NewOuter(secret.New(x.pairing), p.Card, x.id, x.source)
	return x
}

func (p *phone) seal(message ident.Raw, part []byte) []byte {
	p.counter++
	return p.outer.Seal(nil, p.profile, message, p.counter, part)
}

func (p *phone) bind(code string) dyncode.Content {
	return dyncode.Content{
		Kind: dyncode.Bind, Code: []byte(code), ExpiresAt: uint64(start.Unix()) + 180, Lifetime: 180,
		PhoneName: []byte("Mei's phone"), Phone: p.id, Pairing: p.pairing, KeySource: p.source[:],
	}
}

func payment(code string) dyncode.Content {
	return dyncode.Content{
		Kind: dyncode.Payment, Code: []byte(code), ExpiresAt: uint64(start.Unix()) + 180, Lifetime: 180,
		Amount: 12800, Currency: []byte("CNY"), Payee: []byte("Green Hill Tea"),
		Platform: []byte("shop.example"), Order: []byte("A-1001"),
		Description: []byte("Green tea, 250 g"), Account: []byte("621700******0001"),
	}
}

func release() dyncode.Content { return dyncode.Content{Kind: dyncode.Release} }

// flash is a store in memory. The bytes that are saved are there after a cut.
type flash struct {
	kept  []byte
	saves int
	// fail is asked at every save: whether it fails, and whether it was kept
	// all the same.
	fail   func(save int) (failed, kept bool)
	onSave func(encoded []byte)
	onKept func(save int)
}

var errFlash = errors.New("flash is worn out")

func (f *flash) Save(encoded []byte) error {
	f.saves++
	if f.onSave != nil {
		f.onSave(encoded)
	}
	failed, kept := false, true
	if f.fail != nil {
		failed, kept = f.fail(f.saves)
	}
	if kept {
		f.kept = append([]byte(nil), encoded...)
		if f.onKept != nil {
			f.onKept(f.saves)
		}
	}
	if failed {
		return errFlash
	}
	return nil
}

// pane is a prompt that remembers what a person has seen on it.
type pane struct {
	now    View
	seen   []View // every view but the resting picture
	fail   bool
	onShow func() // called at every Show, before anything is there
}

func (p *pane) Show(v View) error {
	if p.onShow != nil {
		p.onShow()
	}
	if p.fail {
		return errors.New("the panel does not answer")
	}
	p.now = v
	if v.Scene != SceneIdle {
		p.seen = append(p.seen, v)
	}
	return nil
}

func (p *pane) Clear() { p.now = View{} }

// desk is a card with everything around it.
type desk struct {
	identity dyncode.Personalization
	bank     *bank
	flash    *flash
	pane     *pane
	now      time.Time
	device   *Device
}

func newDesk(p dyncode.Profile) *desk {
	d := &desk{identity: identity(p), flash: &flash{}, pane: &pane{}, now: start}
	if p != dyncode.Plain {
		d.bank = newBank(d.identity)
	}
	d.device = New(NewMemory(d.identity), d.flash, d.pane, d.clock)
	return d
}

func (d *desk) clock() time.Time { return d.now }

// bound brings a phone to the desk and makes it the card's own.
func (d *desk) bound(t tester, n byte) *phone {
	t.Helper()
	p := newPhone(d.identity, n)
	d.wantReceipt(t, d.bank.direct(raw(n), p.bind("314159")), dyncode.Bound)
	d.wantReceipt(t, p.seal(raw(n+0x40), d.bank.part(raw(n+0x40), payment("271828"))), dyncode.Shown)
	return p
}

// reboot cuts the power and switches the card on again.
func (d *desk) reboot(t tester) {
	t.Helper()
	m := NewMemory(d.identity)
	if d.flash.kept != nil {
		var err error
		if m, err = ParseMemory(d.flash.kept); err != nil {
			t.Fatalf("memory after a loss of power: %v", err)
		}
	}
	d.pane.now = View{}
	d.device = New(m, d.flash, d.pane, d.clock)
}

func (d *desk) wantReceipt(t tester, message []byte, want dyncode.Result) dyncode.Receipt {
	t.Helper()
	answer := d.device.Handle(message)
	got, err := d.verify(answer)
	if err != nil {
		t.Fatalf("got %s, want a receipt", refusalText(answer))
	}
	if got.Result != want {
		t.Fatalf("receipt: got result %d, want %d", got.Result, want)
	}
	return got
}

func (d *desk) verify(answer []byte) (dyncode.Receipt, error) {
	if d.identity.Profile == dyncode.Plain {
		return dyncode.ParseReceipt(answer)
	}
	return d.bank.inner.Verify(answer)
}

func (d *desk) wantRefusal(t tester, message []byte, want dyncode.Reason) {
	t.Helper()
	answer := d.device.Handle(message)
	got, err := dyncode.ParseRefusal(answer)
	if err != nil {
		t.Fatalf("got an answer that is no refusal, want %v", want)
	}
	if got.Reason != want {
		t.Fatalf("refusal: got %v, want %v", got.Reason, want)
	}
}

func refusalText(answer []byte) string {
	r, err := dyncode.ParseRefusal(answer)
	if err != nil {
		return "an answer that is neither receipt nor refusal"
	}
	return "refusal " + r.Reason.String()
}

package bench

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	display "sotto/card"
	"sotto/card/screen"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link/mem"
	"sotto/money"
	"sotto/secret"
)

// linkEnds are a bank and a phone that seal, and a real card with a screen that is
// watched: whatever is put on it has to be, pixel by pixel, the payment that was
// sent last, or the resting picture. The pictures to compare with are drawn of
// what was sealed, and not of what was opened.
type linkEnds struct {
	clock  *mem.Clock
	random *rand.Rand
	draw   func(*rand.Rand) dyncode.Content
	memory display.Memory // the card's, when it is fresh
	who    dyncode.Personalization
	inner  dyncode.Inner
	outer  dyncode.Outer
	count  uint64 // of messages, which is the counter of both seals

	card     *display.Device
	resting  screen.Frame
	expected screen.Frame // of the present payment
	now      screen.Frame // what is on the card's screen
	puts     int          // that the present payment was put there

	message ident.Raw
	expires time.Time
	faults  []string // the first of them
}

func newLinkEnds(c *mem.Clock, seed uint64) *linkEnds {
	raw, err := ident.Parse(ident.Card, mem.TrialCard)
	if err != nil {
		panic("bench: the card of a trial has no id: " + err.Error())
	}
	e := &linkEnds{clock: c, draw: drawPayment, random: rand.New(rand.NewPCG(seed, 7))} //nolint:gosec // an experiment repeats itself; nothing here is secret
	e.who = dyncode.Personalization{Card: raw, Holder: "Lin Mei", Language: "en", Profile: dyncode.CardSealed, Key: e.key()}
	phone, pairing, source := ident.Raw{1}, e.key(), [32]byte{2}
	e.inner = dyncode.NewInner(e.who.Key, raw)
	e.outer = dyncode.NewOuter(pairing, raw, phone, source)
	e.memory = display.NewMemory(e.who)
	e.memory.Active = display.Pairing{Phone: phone, Secret: pairing, KeySource: source}
	e.resting = screen.Render(e.idle(), 0)
	e.card = display.New(e.memory, flashless{}, &screen.Prompt{Panel: e}, c.Now)
	return e
}

// linkFaults is how many faults are told.
const linkFaults = 5

// flashless forgets: nobody takes this card's power.
type flashless struct{}

func (flashless) Save([]byte) error { return nil }

func (e *linkEnds) key() secret.Secret {
	b := make([]byte, dyncode.KeySize)
	for i := range b {
		b[i] = byte(e.random.Uint32())
	}
	return secret.New(b)
}

// fault keeps what went wrong.
func (e *linkEnds) fault(what string) {
	if len(e.faults) < linkFaults {
		e.faults = append(e.faults, fmt.Sprintf("delivery %d: %s", e.count, what))
	}
}

// Next seals the next payment. What the card shows of the one before must be
// right, and gone if its time is over.
func (e *linkEnds) Next() []byte {
	e.settle()
	now := e.clock.Now()
	e.count++
	for i := range e.message {
		e.message[i] = byte(e.random.Uint32())
	}
	c := e.draw(e.random)
	e.expires = now.Truncate(time.Second).Add(codeLife)
	c.ExpiresAt, c.Lifetime = uint64(e.expires.Unix()), uint16(codeLife/time.Second)
	e.expected, e.puts = screen.Render(e.viewOf(c), 0), 0
	padded, err := c.Append(nil)
	if err != nil {
		panic("bench: a payment that was drawn cannot be sealed: " + err.Error())
	}
	part := e.inner.Seal(nil, e.who.Profile, e.message, e.count, padded)
	return e.outer.Seal(nil, e.who.Profile, e.message, e.count, part)
}

// codeLife is how long a code is good for.
const codeLife = 180 * time.Second

// settle looks at the card between two deliveries.
func (e *linkEnds) settle() {
	now := e.clock.Now()
	e.card.Tick(now)
	if e.count > 0 && !now.Before(e.expires) && e.now != e.resting {
		e.fault("the card shows a code whose time is over")
	}
}

// Handle implements link.Handler: it is the card.
func (e *linkEnds) Handle(message []byte) []byte { return e.card.Handle(message) }

// Shown implements mem.Ends.
func (e *linkEnds) Shown() bool { return e.puts > 0 && e.now == e.expected }

// Judge implements mem.Ends. A receipt is believed if the bank would believe it
// and the card shows what it says.
func (e *linkEnds) Judge(answer []byte) mem.Verdict {
	if r, err := dyncode.ParseRefusal(answer); err == nil {
		if r.Message == e.message && r.Reason == dyncode.RefusedExpired {
			return mem.TooLate
		}
		e.fault("the card refuses: " + r.Reason.String())
		return mem.Wrong
	}
	r, err := e.inner.Verify(answer)
	switch {
	case err != nil || r != dyncode.Receipt{Result: dyncode.Shown, Message: e.message, Counter: e.count}:
		e.fault("the phone got an answer that is no receipt for its message")
	case !e.Shown():
		e.fault("the card says that it shows a payment, and does not")
	default:
		return mem.Receipt
	}
	return mem.Wrong
}

var errLie = errors.New("the picture is not one that may be there")

// Put implements screen.Panel: the card's screen, looked at.
func (e *linkEnds) Put(l *screen.Layout, page int) error {
	e.now = l.Frame(page)
	switch {
	case e.now == e.resting:
		return nil
	case e.count == 0 || e.now != e.expected:
		e.fault("the card shows a picture that is not the last payment's")
		return errLie
	}
	if e.puts++; e.puts > 1 {
		e.fault("the card shows a payment twice")
	}
	return nil
}

// Blank implements screen.Panel.
func (e *linkEnds) Blank() error {
	e.now = screen.Frame{}
	return nil
}

func (e *linkEnds) idle() display.View {
	return display.View{CardID: display.ShortID(e.who.Card), Holder: e.who.Holder, Language: e.who.Language}
}

// viewOf is what a person must see of a payment.
func (e *linkEnds) viewOf(c dyncode.Content) display.View {
	v := e.idle()
	v.Scene, v.Code, v.Payee = display.ScenePayment, string(c.Code), string(c.Payee)
	v.Amount = money.Amount{Minor: int64(c.Amount), Currency: money.CNY}.String()
	v.Details = []display.Detail{
		{Kind: display.DetailPlatform, Text: string(c.Platform)}, {Kind: display.DetailOrder, Text: string(c.Order)},
		{Kind: display.DetailDescription, Text: string(c.Description)}, {Kind: display.DetailCard, Text: string(c.Account)},
	}
	return v
}

var (
	linkPayees = []string{"Blue Kiln Ceramics", "Green Hill Tea", "青瓷茶社", "杭州文具店", "Harbour Books"}
	linkGoods  = []string{"Green tea, 250 g", "Celadon bowl", "青瓷碗", "Two notebooks"}
)

// drawPayment draws a payment with all its details. All of them are of one length
// once they are sealed.
func drawPayment(r *rand.Rand) dyncode.Content {
	return dyncode.Content{
		Kind: dyncode.Payment, Code: fmt.Appendf(nil, "%06d", r.IntN(1_000_000)),
		Amount: 1 + r.Uint64N(100_000_00), Currency: []byte(money.CNY),
		Payee: []byte(linkPayees[r.IntN(len(linkPayees))]), Platform: []byte("shop.example"),
		Order: fmt.Appendf(nil, "A-%04d", r.IntN(10_000)), Description: []byte(linkGoods[r.IntN(len(linkGoods))]),
		Account: fmt.Appendf(nil, "621700******%04d", r.IntN(10_000)),
	}
}

package bench

import (
	"errors"
	"time"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// card is a display card with everything but the display: it opens both seals,
// keeps the counter, reads the content and answers with a receipt. One
// goroutine uses it at a time, that of its phone.
type card struct {
	id      string
	raw     ident.Raw
	inner   dyncode.Inner
	outer   dyncode.Outer
	counter uint64 // of the last message taken
	bufs    [2][]byte
	payer   chan shown
}

// shown is what a payer sees.
type shown struct {
	code [dyncode.CodeDigitsMax]byte
	n    int
	at   time.Time
}

func newCard(id string, master secret.Secret) (*card, error) {
	raw, err := ident.Parse(ident.Card, id)
	if err != nil {
		return nil, err
	}
	return &card{
		id: id, raw: raw, inner: dyncode.NewInner(dyncode.CardKey(master, raw), raw), payer: make(chan shown, 1),
		bufs: [2][]byte{make([]byte, 0, dyncode.BufferMax), make([]byte, 0, dyncode.BufferMax)},
	}, nil
}

// errSeen says that a message has come before; phones keep the first answer.
var errSeen = errors.New("the card has had this message")

// receive takes a message from the phone, and answers with its receipt.
func (c *card) receive(message []byte) (receipt []byte, s shown, err error) {
	m, err := dyncode.Parse(message)
	if err != nil {
		return nil, s, err
	}
	direct := m.Direct
	if direct == nil {
		if direct, err = c.outer.Open(c.bufs[0][:0], m); err != nil {
			return nil, s, err
		}
	}
	part, err := dyncode.ParseBankPart(direct)
	if err != nil {
		return nil, s, err
	}
	padded, err := c.inner.Open(c.bufs[1][:0], m.Profile, m.ID, part)
	if err != nil {
		return nil, s, err
	}
	if part.Counter <= c.counter {
		return nil, s, errSeen
	}
	content, err := dyncode.ParseContent(padded)
	if err != nil {
		return nil, s, err
	}
	c.counter = part.Counter
	result := dyncode.Shown
	if content.Kind == dyncode.Bind {
		c.outer = dyncode.NewOuter(secret.New(content.Pairing), c.raw, content.Phone, [32]byte(content.KeySource))
		result = dyncode.Bound
	}
	s = shown{n: len(content.Code), at: time.Now()}
	copy(s.code[:], content.Code)
	return c.inner.AppendReceipt(nil, dyncode.Receipt{Result: result, Message: m.ID, Counter: part.Counter}), s, nil
}

// show lets the payer read the code. Nobody may be looking.
func (c *card) show(s shown) {
	select {
	case c.payer <- s:
	default:
	}
}

package bench

import (
	"bytes"
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"sotto/dyncode"
)

// codePatience is how long a payer waits for a code. It is longer than the
// bank takes to send a dispatch again.
const codePatience = 20 * time.Second

var errNoCode = errors.New("no code has come to the card")

// payer buys again and again at one merchant with cards of his own, one payment
// at a time.
type payer struct {
	wire  *wire
	cards []*card
	next  int // card
	count int // payments begun
	timer *time.Timer

	random             *rand.ChaCha8
	body, key, confirm []byte
}

// paid is one payment: when it began, and how long its parts took.
type paid struct {
	amount                         int64
	create, onCard, confirm, whole time.Duration
}

func newPayer(w *wire, cards []*card) *payer {
	timer := time.NewTimer(codePatience)
	timer.Stop()
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	return &payer{wire: w, cards: cards, timer: timer, random: rand.NewChaCha8(seed)}
}

var (
	paymentsPath = []byte("/v1/payments")
	paymentPath  = []byte("/v1/payments/")
	confirmPath  = []byte("/confirm")
	idMember     = []byte(`"id":"`)
	succeeded    = []byte(`"status":"succeeded"`)
)

// pay creates a payment, waits for the code on the card, and confirms. The
// clock of the create and of the whole runs from began, which may be earlier
// than now when the load is late.
func (p *payer) pay(ctx context.Context, began time.Time) (r paid, err error) {
	c := p.cards[p.next]
	p.next = (p.next + 1) % len(p.cards)
	p.count++
	r.amount = int64(100 + p.count%9900)

	p.body = append(append(p.body[:0], `{"card":"`...), c.id...)
	p.body = strconv.AppendInt(append(p.body, `","amount":`...), r.amount, 10)
	p.body = append(p.body, `,"currency":"`+currency+`","order":"A-1001","description":"Green tea, 250 g"}`...)
	a, err := p.wire.post(paymentsPath, nil, nil, p.idempotency(), p.body)
	if err != nil {
		return r, err
	}
	r.create = time.Since(began)
	if a.status != http.StatusCreated {
		return r, refused("create", a)
	}
	id := member(a.body, idMember)
	if len(id) > 64 {
		return r, errHTTP
	}
	var kept [64]byte
	id = kept[:copy(kept[:], id)]

	s, err := p.look(ctx, c)
	if err != nil {
		return r, err
	}
	r.onCard = s.at.Sub(began)
	p.confirm = append(append(append(p.confirm[:0], `{"code":"`...), s.code[:s.n]...), `"}`...)
	confirming := time.Now()
	if a, err = p.wire.post(paymentPath, id, confirmPath, p.idempotency(), p.confirm); err != nil {
		return r, err
	}
	ended := time.Now()
	r.confirm, r.whole = ended.Sub(confirming), ended.Sub(began)
	if a.status != http.StatusOK || !bytes.Contains(a.body, succeeded) {
		return r, refused("confirm", a)
	}
	return r, nil
}

// look waits until the card shows a code.
func (p *payer) look(ctx context.Context, c *card) (shown, error) {
	select { // most often it is there already
	case s := <-c.payer:
		return p.read(s)
	default:
	}
	p.timer.Reset(codePatience)
	defer p.timer.Stop()
	select {
	case s := <-c.payer:
		return p.read(s)
	case <-p.timer.C:
		return shown{}, errNoCode
	case <-ctx.Done():
		return shown{}, ctx.Err()
	}
}

func (p *payer) read(s shown) (shown, error) {
	if s.n < dyncode.CodeDigitsMin {
		return s, errNoCode
	}
	return s, nil
}

// idempotency is a key that nobody has used before. It is random, as merchants'
// are: keys in order would spare the database's index the work that they make.
func (p *payer) idempotency() []byte {
	p.key = binary.BigEndian.AppendUint64(p.key[:0], p.random.Uint64())
	p.key = binary.BigEndian.AppendUint64(p.key, p.random.Uint64())
	p.key = hex.AppendEncode(p.key, p.key)[16:]
	return p.key
}

func refused(what string, a answer) error {
	return fmt.Errorf("%s: the bank answered %d: %s", what, a.status, a.body)
}

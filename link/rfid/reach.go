package rfid

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sotto/link"
	"sotto/link/frame"
)

// Config has what may be left out of a Reach.
type Config struct {
	// WaitMax is how long an exchange waits until the right card is in the
	// field; 0 is as long as its context lets it.
	WaitMax time.Duration
	// Source is the high half of the frames' ids; draw it at random.
	Source uint16
	// Now, Timeout and Wait stand in for the clock, context.WithTimeout and
	// waiting; a simulation turns its own.
	Now     func() time.Time
	Timeout func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	Wait    func(ctx context.Context, d time.Duration) error
}

// Reach is the phone's side. It is safe for concurrent use; exchanges wait for
// each other.
type Reach struct {
	radio Radio
	c     Config
	turn  chan struct{}

	mu    sync.Mutex
	known map[string]UID // the tags of cards that were met
	count uint16
}

// NewReach makes the way to the cards in a reader's field.
func NewReach(r Radio, c Config) *Reach {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Timeout == nil {
		c.Timeout = context.WithTimeout
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	return &Reach{radio: r, c: c, turn: make(chan struct{}, 1), known: make(map[string]UID)}
}

// Times and limits.
const (
	lookAgain = 100 * time.Millisecond // after the card was not in the field
	pollAgain = 5 * time.Millisecond   // after the card had nothing to say yet
	signMax   = time.Second            // for a card to say who it is
	knownMax  = 64
)

var (
	errSize   = errors.New("rfid: a message has 1 to link.MessageMax bytes")
	errAbsent = errors.New("rfid: the card is not in the field")
	errReader = errors.New("rfid: the reader's frames are too short")
)

// Exchange implements link.Reach.
func (r *Reach) Exchange(ctx context.Context, card string, message []byte) ([]byte, error) {
	if len(message) == 0 || len(message) > link.MessageMax {
		return nil, errSize
	}
	request, response := r.radio.Limits()
	size := min(mailboxSizeMax, request-(requestMax-mailboxSizeMax))
	if size < frame.SizeMin || response < frame.SizeMin {
		return nil, outOfReach(errReader)
	}
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, outOfReach(ctx.Err())
	}
	defer r.radio.Close()
	waiting := ctx
	if r.c.WaitMax > 0 {
		var cancel context.CancelFunc
		waiting, cancel = r.c.Timeout(ctx, r.c.WaitMax)
		defer cancel()
	}
	m, err := r.find(waiting, card)
	if err != nil {
		return nil, outOfReach(err)
	}
	return r.deliver(ctx, m, size, message)
}

// deliver carries the message by frames.
func (r *Reach) deliver(ctx context.Context, m mailbox, size int, message []byte) ([]byte, error) {
	r.mu.Lock()
	r.count++
	id := frame.NewID(r.c.Source, r.count)
	r.mu.Unlock()
	sender := frame.NewSender(frame.Config{Size: size, CRC: true, Timeout: 500 * time.Millisecond}, id, message)
	answer, err := sender.Run(&pipe{Reach: r, ctx: ctx, mailbox: m})
	switch {
	case err == nil:
		return bytes.Clone(answer), nil
	case errors.Is(sender.Unheard(), frame.ErrUnsent):
		return nil, outOfReach(err)
	}
	return nil, lost(err)
}

// find waits until the card is in the field.
func (r *Reach) find(ctx context.Context, card string) (mailbox, error) {
	for {
		m, err := r.look(ctx, card)
		if err == nil {
			return m, nil
		}
		if !faded(err) && !errors.Is(err, errAbsent) {
			return mailbox{}, err
		}
		if waited := r.c.Wait(ctx, lookAgain); waited != nil {
			return mailbox{}, fmt.Errorf("%w: %w", err, waited)
		}
	}
}

// look asks the tag that was the card the last time, and then all that are there.
func (r *Reach) look(ctx context.Context, card string) (mailbox, error) {
	r.mu.Lock()
	uid, met := r.known[card]
	r.mu.Unlock()
	if met {
		m := mailbox{reader{r.radio}, uid}
		if err := m.open(ctx); err == nil {
			return m, nil
		}
	}
	found, err := reader{r.radio}.inventory(ctx)
	if err != nil {
		return mailbox{}, err
	}
	for _, uid := range found {
		m := mailbox{reader{r.radio}, uid}
		if r.isCard(ctx, m, card) {
			r.remember(card, uid)
			return m, nil
		}
	}
	return mailbox{}, errAbsent
}

func (r *Reach) remember(card string, uid UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= knownMax {
		clear(r.known)
	}
	r.known[card] = uid
}

// isCard asks a tag who it is. Whatever goes wrong, it is not the card: the next
// round asks again.
func (r *Reach) isCard(ctx context.Context, m mailbox, card string) bool {
	if m.open(ctx) != nil || m.write(ctx, []byte{who}) != nil {
		return false
	}
	for end := r.c.Now().Add(signMax); r.c.Now().Before(end); {
		s, err := m.status(ctx)
		switch {
		case err != nil:
			return false
		case s&hostPut == 0:
			if r.c.Wait(ctx, pollAgain) != nil {
				return false
			}
			continue
		}
		b, err := m.read(ctx)
		return err == nil && len(b) == 1+frame.SignSize && b[0] == who && frame.Sign(b[1:]).Of(card)
	}
	return false
}

// pipe is the mailbox of the card as a frame.Pipe.
type pipe struct {
	*Reach

	ctx     context.Context //nolint:containedctx // a pipe lives for one exchange
	mailbox mailbox
	heard   [][]byte // what had to be read before something could be written
}

func (p *pipe) Now() time.Time { return p.c.Now() }

// Send waits until the mailbox is free, and reads what the card has put meanwhile.
func (p *pipe) Send(b []byte) error {
	for {
		s, err := p.mailbox.status(p.ctx)
		switch {
		case err != nil:
			return err
		case s&mailboxOn == 0: // the card has lost power
			err = p.mailbox.open(p.ctx)
		case s&hostPut != 0:
			var heard []byte
			if heard, err = p.mailbox.read(p.ctx); err == nil {
				p.heard = append(p.heard, heard)
			}
		case s&readerPut != 0:
			err = p.c.Wait(p.ctx, pollAgain)
		default:
			err = p.mailbox.write(p.ctx, b)
			if !errors.Is(err, CodeUnknown) { // the card was faster, or a repetition came too late
				return err
			}
			return nil
		}
		if err != nil && !errors.Is(err, CodeUnknown) {
			return err
		}
	}
}

func (p *pipe) Receive(until time.Time) ([]byte, error) {
	for {
		if len(p.heard) > 0 {
			b := p.heard[0]
			p.heard = p.heard[1:]
			return b, nil
		}
		s, err := p.mailbox.status(p.ctx)
		if err == nil && s&hostPut != 0 {
			b, err := p.mailbox.read(p.ctx)
			if err == nil || !errors.Is(err, CodeUnknown) {
				return b, err
			}
		}
		if err != nil {
			return nil, err
		}
		left := until.Sub(p.c.Now())
		if left <= 0 {
			return nil, nil
		}
		if err := p.c.Wait(p.ctx, min(left, pollAgain)); err != nil {
			return nil, err
		}
	}
}

// outOfReach and lost say both what it means to a phone and what happened.
func outOfReach(err error) error { return fmt.Errorf("%w: %w", link.ErrOutOfReach, err) }
func lost(err error) error       { return fmt.Errorf("%w: %w", link.ErrLost, err) }

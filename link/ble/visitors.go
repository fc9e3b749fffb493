package ble

import (
	"crypto/subtle"
	"io"
	"sync"
	"time"

	"sotto/link"
	"sotto/link/frame"
)

// Limits that keep one phone, or a stranger, from holding the card.
const (
	placesMax   = 4 // phones that know the card and may send at the same time
	visitorsMax = 16
	knocksMax   = 3                // wrong ones, then the card hangs up
	strangerMax = 10 * time.Second // until a phone has knocked
	idleMax     = time.Minute      // between two frames of a phone
)

// visitors are the phones that are connected, as the card sees them. It is the
// Visits of every session, one after the other.
type visitors struct {
	c    Card
	mark mark

	mu      sync.Mutex
	session Session // nil when there is none
	by      map[string]*visitor
	named   uint32 // peers so far
	peers   *frame.Peers
	lanes   map[*frame.Receiver]lane

	running sync.WaitGroup
	turn    chan struct{} // whoever has put into it may call the handler
}

// visitor is one phone that is connected.
type visitor struct {
	peer      uint32
	challenge [challengeSize]byte
	asked     bool // the challenge has been read and not been answered
	knows     bool // this card: it has given the right answer
	wrong     int  // knocks
	last      time.Time
}

// lane is what a Receiver is used for.
type lane struct {
	peer uint32
	size int // of its frames
}

func newVisitors(c Card) *visitors {
	v := &visitors{
		c: c, mark: markOf(c.ID), turn: make(chan struct{}, 1),
		peers: frame.NewPeers(placesMax, frame.Config{Size: FrameMax}),
	}
	v.forget()
	return v
}

// forget ends with a session, and with all that is known of its phones.
func (v *visitors) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, p := range v.by {
		v.peers.Gone(p.peer)
	}
	v.session = nil
	v.by = make(map[string]*visitor)
	v.lanes = make(map[*frame.Receiver]lane)
}

// use begins with a session. Phones may have come since it started.
func (v *visitors) use(s Session) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.session = s
}

// Came implements Visits.
func (v *visitors) Came(phone string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.visitor(phone)
}

// Gone implements Visits. What the phone has begun is forgotten: half a message
// never meets another half.
func (v *visitors) Gone(phone string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if p := v.by[phone]; p != nil {
		v.peers.Gone(p.peer)
		delete(v.by, phone)
	}
}

// visitor is the one of this name, who may have come unannounced; nil if there
// are too many.
func (v *visitors) visitor(phone string) *visitor {
	p := v.by[phone]
	if p == nil && len(v.by) < visitorsMax {
		v.named++
		p = &visitor{peer: v.named, last: time.Now()}
		v.by[phone] = p
	}
	return p
}

// ReadInfo implements Visits.
func (v *visitors) ReadInfo(phone string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.visitor(phone)
	if p == nil {
		return nil, ErrBusy
	}
	if _, err := io.ReadFull(v.c.Random, p.challenge[:]); err != nil {
		return nil, errRandom
	}
	p.asked = true
	return Info{FrameMax: FrameMax, Challenge: p.challenge}.Append(nil), nil
}

// WriteInfo implements Visits: it is a knock. A challenge is good for one.
func (v *visitors) WriteInfo(phone string, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.visitor(phone)
	if p == nil {
		return ErrBusy
	}
	want := v.mark.knock(p.challenge)
	right := p.asked && subtle.ConstantTimeCompare(value, want[:]) == 1
	p.asked = false
	switch {
	case !right:
		if p.wrong++; p.wrong >= knocksMax {
			v.hangUp(phone)
		}
		return ErrStranger
	case !p.knows && v.known() >= placesMax:
		return ErrBusy
	}
	p.knows, p.last = true, time.Now()
	return nil
}

// known is how many phones know the card.
func (v *visitors) known() (n int) {
	for _, p := range v.by {
		if p.knows {
			n++
		}
	}
	return n
}

// MayPair implements Visits. Pairing gives a phone the key to the card's private
// addresses, so it is for those who can recognise the card without it.
func (v *visitors) MayPair(phone string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.by[phone]
	return p != nil && p.knows
}

// WriteMessage implements Visits.
func (v *visitors) WriteMessage(phone string, size int, f []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.by[phone]
	if p == nil || !p.knows {
		return ErrStranger
	}
	p.last = time.Now()
	r, message := v.peers.Receive(p.last, p.peer, f)
	if r == nil {
		return nil // no frame, or all places are taken: the phone sends it again
	}
	if now := (lane{p.peer, size}); v.lanes[r] != now {
		v.lanes[r] = now
		r.Resize(size)
	}
	if message != nil {
		v.running.Go(func() { v.handle(r, message) })
		return nil
	}
	v.drain(r)
	return nil
}

// handle has a message answered. Until there is an answer, the Receiver takes no
// other message.
func (v *visitors) handle(r *frame.Receiver, message []byte) {
	v.turn <- struct{}{}
	answer := v.c.Handler.Handle(message)
	<-v.turn
	if len(answer) > link.MessageMax {
		answer = nil // a fault of ours must not look like something to the phone
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	r.Answer(time.Now(), answer)
	v.drain(r)
}

// drain sends what a Receiver has to say.
func (v *visitors) drain(r *frame.Receiver) {
	var room [FrameMax]byte
	for {
		f, ok := r.Next(room[:0])
		if !ok || v.session == nil {
			return
		}
		if err := v.session.Send(f); err != nil {
			v.c.Log.Debug("a frame was not sent", "reason", err)
			return // the session fails, or the phone polls again
		}
	}
}

// sweep forgets what is too old and hangs up on those who only hold the line.
func (v *visitors) sweep() {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	v.peers.Expire(now)
	for phone, p := range v.by {
		patience := strangerMax
		if p.knows {
			patience = idleMax
		}
		if now.Sub(p.last) > patience {
			p.last = now
			v.hangUp(phone)
		}
	}
}

func (v *visitors) hangUp(phone string) {
	if v.session != nil {
		v.session.HangUp(phone)
	}
}

package rfid

import (
	"io"
	"time"

	"sotto/link"
	"sotto/link/frame"
)

// Of the mailbox's messages, one kind is not a frame: a byte 00 asks which card
// this is, and a byte 00 with a frame.Sign behind it says so. A frame never begins
// with 00.
const who = 0x00

// Card is a card with a dynamic tag: what it has in the mailbox goes to its
// handler, and back. Put it into a Field. Calls come one after the other.
type Card struct {
	tag     tag
	id      string
	handler link.Handler
	random  io.Reader
	now     func() time.Time
	peers   *frame.Peers
	serving *frame.Receiver // who has more to say
	signing bool            // the reader has asked who this is
	buffer  [mailboxSizeMax]byte
}

// CardConfig is what a Card is made of.
type CardConfig struct {
	ID      string // the card's, as a link.Reach gets it
	UID     UID    // the tag's
	Handler link.Handler
	Random  io.Reader        // makes the card's signs unlike each other
	Now     func() time.Time // nil: time.Now
}

// peersMax is how many phones have a place. One reader has the field at a time,
// but what the last one said may still be wanted.
const peersMax = 2

// NewCard makes a card.
func NewCard(c CardConfig) *Card {
	if c.Now == nil {
		c.Now = time.Now
	}
	k := &Card{id: c.ID, handler: c.Handler, random: c.Random, now: c.Now}
	k.tag.uid = c.UID
	k.Power()
	return k
}

// Power is a battery that was pulled and put back: nothing is left but the UID.
func (k *Card) Power() {
	k.tag = tag{uid: k.tag.uid}
	k.peers = frame.NewPeers(peersMax, frame.Config{Size: mailboxSizeMax, CRC: true})
	k.serving, k.signing = nil, false
}

// Leave is the end of the field: the tag forgets that it was to be quiet. The
// mailbox has its own power.
func (k *Card) Leave() { k.tag.quiet = false }

// Answer takes a frame from the air and gives the response; nil is silence.
func (k *Card) Answer(frame []byte) []byte {
	response := k.tag.answer(frame)
	k.work() // the processor is woken by the tag
	return response
}

// work is the card's processor: it empties the mailbox, and fills it with what it
// has to say when it is free.
func (k *Card) work() {
	if b, waits := k.tag.take(); waits {
		k.receive(b)
	}
	if !k.tag.free() {
		return
	}
	switch {
	case k.signing:
		k.signing = false
		k.sign()
	case k.serving != nil:
		b, more := k.serving.Next(k.buffer[:0])
		if !more {
			k.serving = nil
			return
		}
		k.tag.put(b)
	}
}

func (k *Card) receive(b []byte) {
	if len(b) == 1 && b[0] == who {
		k.signing = true
		return
	}
	now := k.now()
	r, message := k.peers.Receive(now, 0, b)
	if r == nil {
		return
	}
	if message != nil {
		r.Answer(k.now(), k.handler.Handle(message))
	}
	k.serving = r
}

// sign says which card this is, to those who know it. Without a random number it
// says nothing.
func (k *Card) sign() {
	var nonce [frame.SignSize / 2]byte
	if _, err := io.ReadFull(k.random, nonce[:]); err != nil {
		return
	}
	s := frame.NewSign(k.id, nonce)
	k.tag.put(append([]byte{who}, s[:]...))
}

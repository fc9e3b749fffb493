package frame

import "time"

// Receiver is the card's side of one phone: it joins messages, and cuts and
// repeats answers. Make it with NewReceiver, or let Peers make it.
type Receiver struct {
	c      Config
	phase  phase
	id     ID // of the message in hand, or of the answer
	in     assembly
	began  time.Time
	last   time.Time // of the last piece, or of the answer
	out    [MessageMax]byte
	length int // of the answer
	size   int // of its pieces

	say   saying
	asked ID  // of what nothing is known
	heard set // what the phone has of the answer
	next  int // piece of the answer to go out
	left  int // frames left of this burst
}

type phase byte

const (
	resting   phase = iota // nothing is known
	joining                // half a message
	working                // the handler has it
	answering              // the answer is stored
)

// saying is what Next still has to bring.
type saying byte

const (
	nothing saying = iota
	have
	pieceOfAnswer
	unknown
)

// NewReceiver makes a Receiver with all its buffers.
func NewReceiver(c Config) *Receiver { return &Receiver{c: c.complete()} }

// Receive takes one frame. If that completes a message, the message is returned:
// handle it and call Answer. It aliases the Receiver's buffer, which Answer
// wipes. After Receive, and after Answer, send what Next gives.
func (r *Receiver) Receive(now time.Time, frame []byte) (message []byte) {
	r.Expire(now)
	h, payload, err := parse(frame, r.c.CRC)
	if err != nil {
		return nil
	}
	switch h.kind {
	case messagePart:
		return r.receivePart(now, h, payload)
	case haveAnswer:
		r.receiveHave(h, payload)
	default: // the card's own
	}
	return nil
}

func (r *Receiver) receivePart(now time.Time, h header, piece []byte) []byte {
	if r.phase == resting || h.id != r.id {
		if h.length == 0 || r.phase == working || r.phase != resting && h.id.before(r.id) {
			return nil
		}
		r.forget()
		if !r.in.add(h, piece) {
			return nil
		}
		r.phase, r.id, r.began = joining, h.id, now
	} else if r.phase == joining && !r.in.add(h, piece) {
		return nil
	}
	if r.phase == joining {
		r.last = now
		if r.in.whole() {
			r.phase, r.say = working, nothing
			return r.in.message()
		}
	}
	if h.poll {
		r.report(set{})
	}
	return nil
}

func (r *Receiver) receiveHave(h header, payload []byte) {
	if r.phase == resting || h.id != r.id {
		r.say, r.asked = unknown, h.id
		return
	}
	var heard set
	if r.phase == answering && int(h.length) == r.length {
		heard.addHave(int(h.number), pieces(r.length, r.size), payload)
	}
	r.report(heard)
}

// report makes Next say how things stand: what has come of the message, or, once
// there is one, the answer without what the phone has of it.
func (r *Receiver) report(heard set) {
	if r.phase != answering {
		r.say = have
		return
	}
	r.say, r.heard, r.left = pieceOfAnswer, heard, r.c.Window
	r.next = r.heard.missing(0, pieces(r.length, r.size))
}

// Answer takes the answer to the message that Receive returned; nil is silence,
// and it panics on more than MessageMax bytes. The time is when the answer was
// ready. An answer that nothing waits for any more is dropped.
func (r *Receiver) Answer(now time.Time, answer []byte) {
	if len(answer) > MessageMax {
		panic("frame: an answer has at most MessageMax bytes")
	}
	if r.phase != working {
		return
	}
	r.phase, r.last = answering, now
	r.length = copy(r.out[:], answer) // which may be the message itself
	r.in.wipe()
	r.cut()
	r.report(set{})
}

// cut says how large the pieces of the answer are.
func (r *Receiver) cut() { r.size = min(max(r.length, 1), r.c.payloadMax()) }

// Next writes the next frame to be sent to the phone behind dst; false when there
// is none.
func (r *Receiver) Next(dst []byte) (frame []byte, ok bool) {
	switch r.say {
	case have:
		r.say = nothing
		count := r.in.count
		first, payload := r.in.got.have(count)
		h := header{kind: haveMessage, number: byte(first), length: uint16(r.in.length), id: r.id}
		return appendFrame(dst, h, payload[:], r.c.CRC), true
	case unknown:
		r.say = nothing
		h := header{kind: haveMessage, id: r.asked}
		return appendFrame(dst, h, make([]byte, haveSize), r.c.CRC), true
	case pieceOfAnswer:
		return r.nextPiece(dst)
	case nothing:
	}
	return dst, false
}

func (r *Receiver) nextPiece(dst []byte) ([]byte, bool) {
	count := pieces(r.length, r.size)
	if r.next >= count {
		r.say = nothing
		return dst, false
	}
	number := r.next
	r.next = r.heard.missing(number+1, count)
	r.left--
	more := r.next < count && r.left > 0
	if !more {
		r.say = nothing
	}
	h := header{
		kind: answerPart, last: number == count-1, poll: !more,
		number: byte(number), length: uint16(r.length), id: r.id,
	}
	piece := r.out[number*r.size : min((number+1)*r.size, r.length)]
	return appendFrame(dst, h, piece, r.c.CRC), true
}

// Resize is for a link whose frames change their size, as after a negotiation.
// A burst that has begun is cut short.
func (r *Receiver) Resize(size int) {
	r.c.Size = max(size, SizeMin)
	if r.phase == answering {
		r.cut()
		r.say = nothing
	}
}

// Expire forgets what has become too old. Call it now and then when no frames
// come, so that half a message does not stay.
func (r *Receiver) Expire(now time.Time) {
	switch r.phase {
	case joining:
		if now.Sub(r.last) > r.c.IdleMax || now.Sub(r.began) > r.c.WholeMax {
			r.forget()
		}
	case answering:
		if now.Sub(r.last) > r.c.AnswerMax {
			r.forget()
		}
	case resting, working:
	}
}

// Reset forgets everything, as when the phone is gone.
func (r *Receiver) Reset() { r.forget() }

func (r *Receiver) forget() {
	if r.in.open {
		r.in.wipe()
	}
	clear(r.out[:r.length])
	r.phase, r.say, r.length = resting, nothing, 0
}

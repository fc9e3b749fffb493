package frame

import "time"

// lapsesMax is how often a card may have less of a message than it had before: it
// has lost power, or needed the place. An old have that comes late counts too.
const lapsesMax = 16

// Sender is the phone's side of one exchange. It keeps the message by reference
// until the exchange is over.
type Sender struct {
	c       Config
	id      ID
	message []byte
	size    int
	count   int

	acked set // what the card has
	sent  set // what was sent at all
	in    assembly

	next    int  // piece to go out
	left    int  // frames left of this burst; 0: wait
	ask     bool // a have is to go out instead
	due     time.Time
	timeout time.Duration
	tries   int // polls in a row after which nothing came
	lapses  int

	over bool
	err  error
}

// NewSender begins an exchange. The message has 1 to MessageMax bytes. A fresh
// id for a fresh exchange; the same id, and the same message, to go on with one
// whose connection broke.
func NewSender(c Config, id ID, message []byte) *Sender {
	if len(message) == 0 || len(message) > MessageMax {
		panic("frame: a message has 1 to MessageMax bytes")
	}
	c = c.complete()
	size := min(c.payloadMax(), len(message))
	s := &Sender{
		c: c, id: id, message: message, size: size, count: pieces(len(message), size),
		timeout: c.Timeout, left: c.Window,
	}
	return s
}

// Next writes the next frame to be sent to the card behind dst; false when there
// is none for now: then wait for a frame, at most until Due, and call Next again.
func (s *Sender) Next(now time.Time, dst []byte) (frame []byte, ok bool) {
	if s.over {
		return dst, false
	}
	if s.left == 0 && !s.ask && !now.Before(s.due) {
		s.timedOut()
	}
	switch {
	case s.over:
		return dst, false
	case s.ask:
		return s.nextHave(now, dst), true
	case s.left > 0:
		return s.nextPiece(now, dst), true
	}
	return dst, false
}

// timedOut polls again, with one frame: what comes back tells what is missing.
func (s *Sender) timedOut() {
	s.tries++
	if s.tries >= s.c.TriesMax {
		s.end(s.unheard())
		return
	}
	s.timeout = min(2*s.timeout, s.c.TimeoutMax)
	if s.arrived() {
		s.ask = true
		return
	}
	s.next, s.left = s.acked.missing(0, s.count), 1
}

// unheard is what can be said of the message when nothing is heard any more.
func (s *Sender) unheard() error {
	if s.sent.missing(0, s.count) < s.count {
		return ErrUnsent
	}
	return ErrLost
}

// arrived reports whether the card has the message.
func (s *Sender) arrived() bool { return s.acked.missing(0, s.count) == s.count }

func (s *Sender) nextPiece(now time.Time, dst []byte) []byte {
	number := s.next
	s.next = s.acked.missing(number+1, s.count)
	s.left--
	if s.next == s.count {
		s.left = 0
	}
	s.sent.add(number)
	h := header{
		kind: messagePart, last: number == s.count-1, poll: s.left == 0,
		number: byte(number), length: uint16(len(s.message)), id: s.id,
	}
	s.wait(now)
	piece := s.message[number*s.size : min((number+1)*s.size, len(s.message))]
	return appendFrame(dst, h, piece, s.c.CRC)
}

func (s *Sender) nextHave(now time.Time, dst []byte) []byte {
	s.ask = false
	first, payload := s.in.got.have(s.in.count)
	h := header{kind: haveAnswer, poll: true, number: byte(first), length: uint16(s.in.length), id: s.id}
	s.wait(now)
	return appendFrame(dst, h, payload[:], s.c.CRC)
}

func (s *Sender) wait(now time.Time) { s.due = now.Add(s.timeout) }

// Due is when to call Next if nothing is heard until then.
func (s *Sender) Due() time.Time { return s.due }

// Sent tells that the last frame of a burst has left only now: a slow link calls
// it so that the wait begins when the card can have heard.
func (s *Sender) Sent(now time.Time) { s.wait(now) }

// Receive takes a frame that came from the card, and reports whether it was of
// this exchange.
func (s *Sender) Receive(now time.Time, frame []byte) bool {
	h, payload, err := parse(frame, s.c.CRC)
	if s.over || err != nil || h.id != s.id {
		return false
	}
	switch h.kind {
	case haveMessage:
		return s.receiveHave(now, h, payload)
	case answerPart:
		return s.receiveAnswer(now, h, payload)
	default: // the phone's own
		return false
	}
}

// receiveHave believes the card: what it had before it may have lost.
func (s *Sender) receiveHave(now time.Time, h header, payload []byte) bool {
	var acked set
	switch {
	case h.length == 0: // nothing is known there
	case int(h.length) != len(s.message) || int(h.number) > s.count:
		return false
	default:
		acked.addHave(int(h.number), s.count, payload)
	}
	if !acked.covers(s.acked) {
		s.lapses++
	}
	if s.lapses > lapsesMax {
		s.end(ErrLost)
		return true
	}
	s.acked = acked
	s.alive(now)
	if !s.arrived() && s.left == 0 {
		s.next, s.left, s.ask = s.acked.missing(0, s.count), s.c.Window, false
	}
	return true
}

func (s *Sender) receiveAnswer(now time.Time, h header, piece []byte) bool {
	if !s.in.add(h, piece) {
		return false
	}
	s.acked.addFirst(s.count)
	s.sent.addFirst(s.count)
	s.left = 0
	s.alive(now)
	if s.in.whole() {
		s.end(nil)
		if s.in.length == 0 {
			s.err = ErrSilence
		}
		return true
	}
	s.ask = s.ask || h.poll
	return true
}

// alive begins the patience anew: the card is there.
func (s *Sender) alive(now time.Time) {
	s.tries, s.timeout = 0, s.c.Timeout
	s.wait(now)
}

func (s *Sender) end(err error) { s.over, s.err, s.message = true, err, nil }

// Unheard is what is true of the message now, should the exchange be given up:
// ErrUnsent or ErrLost.
func (s *Sender) Unheard() error { return s.unheard() }

// Over reports whether the exchange has ended.
func (s *Sender) Over() bool { return s.over }

// Answer is how the exchange ended. The answer aliases the Sender's buffer.
func (s *Sender) Answer() (answer []byte, err error) {
	if !s.over || s.err != nil {
		return nil, s.err
	}
	return s.in.message(), nil
}

package bench

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"sotto/link"
	"sotto/link/frame"
	"sotto/link/mem"
	"sotto/link/nfc"
	"sotto/link/rfid"
)

// stormWays are the links, from the card's side.
var stormWays = map[string]func(*storm) wayIn{
	"frames": func(s *storm) wayIn { return &frameWay{storm: s} },
	"nfc":    func(s *storm) wayIn { return &chipWay{storm: s} },
	"rfid":   func(s *storm) wayIn { return &tagWay{storm: s} },
}

// recorder keeps what a phone sends.
type recorder struct{ pieces [][]byte }

func (r *recorder) keep(b []byte) { r.pieces = append(r.pieces, bytes.Clone(b)) }

// frameWay is Bluetooth's: frames of package frame, from connections of their own.
type frameWay struct {
	*storm

	peers *frame.Peers
	count uint16
}

var stormFrames = frame.Config{Size: 60, CRC: true}

func (w *frameWay) power() { w.peers = frame.NewPeers(2, stormFrames) }

func (w *frameWay) sender(phone int, message []byte) *frame.Sender {
	w.count++
	return frame.NewSender(stormFrames, frame.NewID(uint16(phone), w.count), message)
}

func (w *frameWay) transcript(phone int, message []byte) [][]byte {
	p := &framePipe{w: &frameWay{storm: w.storm, peers: frame.NewPeers(1, stormFrames)}, handler: answered}
	_, _ = w.sender(phone, message).Run(p)
	return p.pieces
}

func (w *frameWay) feed(phone int, piece []byte) { w.receive(phone, piece, w.storm) }

// receive gives a frame to the card and returns what it says.
func (w *frameWay) receive(phone int, piece []byte, h link.Handler) (said [][]byte) {
	r, message := w.peers.Receive(w.clock.Now(), uint32(phone), piece)
	if r == nil {
		return nil
	}
	if message != nil {
		r.Answer(w.clock.Now(), h.Handle(message))
	}
	for f, ok := r.Next(nil); ok; f, ok = r.Next(nil) {
		said = append(said, f)
	}
	return said
}

func (w *frameWay) mangle(r *rand.Rand, a, b [][]byte) []arrival { return damage(r, mixed(r, a, b)) }

// deliver comes on a connection made anew, after the old one was found gone.
func (w *frameWay) deliver(message []byte) ([]byte, error) {
	w.peers.Gone(0)
	w.peers.Gone(1)
	return w.sender(0, message).Run(&framePipe{w: w, handler: w.storm})
}

// framePipe is a frame.Pipe to a card at hand.
type framePipe struct {
	recorder

	w       *frameWay
	handler link.Handler
	said    [][]byte
}

func (p *framePipe) Now() time.Time { return p.w.clock.Now() }

func (p *framePipe) Send(b []byte) error {
	p.keep(b)
	p.said = append(p.said, p.w.receive(0, b, p.handler)...)
	return nil
}

func (p *framePipe) Receive(until time.Time) ([]byte, error) {
	if len(p.said) == 0 {
		return nil, p.w.clock.Wait(p.w.t.Context(), until.Sub(p.Now()))
	}
	f := p.said[0]
	p.said = p.said[1:]
	return f, nil
}

// chipWay is NFC's: commands to a chip, in stays of one phone after the other.
type chipWay struct {
	*storm

	chip *nfc.Card
}

func (w *chipWay) power() { w.chip = nfc.NewCard(mem.TrialCard, w.storm, chaos(w.random)) }

func (w *chipWay) transcript(_ int, message []byte) [][]byte {
	f := &chipReader{chip: nfc.NewCard(mem.TrialCard, answered, chaos(w.random))}
	_, _ = nfc.NewReach(f, nfc.Config{}).Exchange(w.t.Context(), mem.TrialCard, message)
	return f.pieces
}

func (w *chipWay) feed(_ int, piece []byte) {
	if piece == nil {
		w.chip.Reset(link.Contactless)
		return
	}
	w.chip.Transmit(piece)
}

// mangle is stays that end too early: below the commands nothing is lost, doubled
// or reordered without the stay being over (ISO/IEC 14443-4:2018, 7.5). To a card
// that opens seals a reader may say anything in any order besides.
func (w *chipWay) mangle(r *rand.Rand, a, b [][]byte) (all []arrival) {
	for range 2 + r.IntN(6) {
		stay := a
		if r.IntN(2) == 0 {
			stay = b
		}
		all = append(all, arrival{})
		for _, piece := range stay[:r.IntN(len(stay)+1)] {
			all = append(all, arrival{piece: piece})
		}
		if r.IntN(4) == 0 && len(stay) > 2 { // a chain without end
			for range 100 {
				all = append(all, arrival{piece: stay[1]})
			}
		}
	}
	if w.plain {
		return all
	}
	return damage(r, append(all, mixed(r, a, b)...))
}

func (w *chipWay) deliver(message []byte) ([]byte, error) {
	return nfc.NewReach(&chipReader{chip: w.chip}, nfc.Config{}).Exchange(w.t.Context(), mem.TrialCard, message)
}

// chipReader is a reader with the chip in its field.
type chipReader struct {
	recorder

	chip link.Chip
}

func (f *chipReader) Connect(context.Context) (link.Connection, error) {
	f.chip.Reset(link.Contactless)
	return f, nil
}
func (*chipReader) Interface() link.Interface { return link.Contactless }
func (*chipReader) Close() error              { return nil }
func (f *chipReader) Transmit(_ context.Context, command []byte) ([]byte, error) {
	f.keep(command)
	return f.chip.Transmit(command), nil
}

// tagWay is RFID's: requests to a tag, from two readers in one field.
type tagWay struct {
	*storm

	tag   *rfid.Card
	count uint16
}

func (w *tagWay) newTag(h link.Handler) *rfid.Card {
	return rfid.NewCard(rfid.CardConfig{ID: mem.TrialCard, UID: rfid.NewUID(7), Handler: h, Random: chaos(w.random), Now: w.clock.Now})
}

func (w *tagWay) power() {
	if w.tag == nil {
		w.tag = w.newTag(w.storm)
	}
	w.tag.Power()
}

func (w *tagWay) reach(t rfid.Tag, phone int) *rfid.Reach {
	field := rfid.NewField(rfid.FieldConfig{Wait: w.clock.Wait})
	field.Put(t, 0)
	w.count++ // each is a phone that has begun to count anew
	return rfid.NewReach(field, rfid.Config{Source: uint16(phone)<<15 | w.count, Now: w.clock.Now, Timeout: w.clock.Timeout, Wait: w.clock.Wait})
}

func (w *tagWay) transcript(phone int, message []byte) [][]byte {
	t := &tagTap{Card: w.newTag(answered)}
	_, _ = w.reach(t, phone).Exchange(w.t.Context(), mem.TrialCard, message)
	return t.pieces
}

// tagTap records what a tag is asked.
type tagTap struct {
	recorder
	*rfid.Card
}

func (t *tagTap) Answer(b []byte) []byte {
	t.keep(b)
	return t.Card.Answer(b)
}

func (w *tagWay) feed(_ int, piece []byte) { w.tag.Answer(piece) }

func (w *tagWay) mangle(r *rand.Rand, a, b [][]byte) []arrival { return damage(r, mixed(r, a, b)) }

// deliver may need a second try: what the storm has left in the mailbox is fetched
// first.
func (w *tagWay) deliver(message []byte) (answer []byte, err error) {
	for range 2 {
		ctx, cancel := w.clock.Timeout(w.t.Context(), 30*time.Second)
		answer, err = w.reach(w.tag, 0).Exchange(ctx, mem.TrialCard, message)
		cancel()
		if !errors.Is(err, link.ErrLost) && !errors.Is(err, link.ErrOutOfReach) {
			return answer, err
		}
	}
	return answer, err
}

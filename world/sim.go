package world

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sotto/emv/cps"
	"sotto/link"
	"sotto/secret"
	"sotto/sim"
	"sotto/sim/host"
	"sotto/sim/mem"
)

// SIM is a device whose power goes when it is told to: inside a commit, before
// or after that is kept. It is there again at the next reset, with what was kept.
type SIM struct {
	Device *sim.Device

	flash  *flash
	key    secret.Secret
	random io.Reader
}

// flash is the memory of a SIM.
type flash struct {
	sim.Store
	commits int
	cutAt   int // the commit at which the power goes; 0: never
	after   bool
}

// powerGone is everything above the memory ceasing to be.
type powerGone struct{}

// Update implements sim.Store.
func (f *flash) Update(change func(sim.Writer) error) error {
	f.commits++
	cut := f.commits == f.cutAt
	if cut && !f.after {
		panic(powerGone{})
	}
	err := f.Store.Update(change)
	if cut {
		panic(powerGone{})
	}
	return err
}

func newSIM(o Options) (*SIM, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(o.Random, raw); err != nil {
		return nil, err
	}
	store := o.Store
	if store == nil {
		store = mem.New()
	}
	s := &SIM{flash: &flash{Store: store}, key: secret.New(raw), random: o.Random}
	return s, s.boot()
}

// boot starts the device from its memory.
func (s *SIM) boot() (err error) {
	s.Device, err = sim.Open(s.flash, sim.Options{Key: s.key, Random: s.random})
	return err
}

// CutPower lets the power go at the n-th commit from now.
func (s *SIM) CutPower(n int, after bool) {
	s.flash.commits, s.flash.cutAt, s.flash.after = 0, n, after
}

// transmit is one command, unless the power goes.
func (s *SIM) transmit(command []byte) (answer []byte, ok bool) {
	defer func() {
		switch x := recover(); x.(type) {
		case nil:
		case powerGone:
			s.flash.cutAt = 0
			if err := s.boot(); err != nil {
				panic(fmt.Sprint("world: the SIM does not start again: ", err))
			}
			answer, ok = nil, false
		default:
			panic(x)
		}
	}()
	return s.Device.Transmit(command), true
}

func (s *SIM) install(ctx context.Context, a cps.Applet) error {
	issuer, err := sim.IssuerKeys(s.key)
	if err != nil {
		return err
	}
	reader := Reader{SIM: s, Face: link.Contact}
	connection, err := reader.Connect(ctx)
	if err != nil {
		return err
	}
	domain, err := host.Open(ctx, connection, issuer, s.random)
	if err != nil {
		return err
	}
	return domain.Install(ctx, a)
}

// Reader is a place for the SIM, from which it is pulled when it is told to.
type Reader struct {
	SIM  *SIM
	Face link.Interface

	commands int
	cutAt    int
	after    bool
}

// Pull pulls the SIM away at the n-th command of its next presence: the command
// is not heard, or its answer is lost. 0 is never.
func (r *Reader) Pull(n int, answerLost bool) { r.cutAt, r.after = n, answerLost }

// Commands is how many commands were sent in the last presence.
func (r *Reader) Commands() int { return r.commands }

// Connect implements link.Reader.
func (r *Reader) Connect(ctx context.Context) (link.Connection, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.commands = 0
	r.SIM.Device.Reset(r.Face)
	return &presence{reader: r, face: r.Face}, nil
}

type presence struct {
	reader *Reader
	face   link.Interface
	gone   bool
}

func (p *presence) Interface() link.Interface { return p.face }
func (p *presence) Close() error              { return nil }

// Transmit implements link.Connection.
func (p *presence) Transmit(_ context.Context, command []byte) ([]byte, error) {
	r := p.reader
	r.commands++
	cut := r.commands == r.cutAt
	if p.gone || cut && !r.after {
		p.gone = true
		return nil, link.ErrGone
	}
	answer, ok := r.SIM.transmit(command)
	if !ok || cut {
		p.gone = true
		return nil, errors.Join(link.ErrGone)
	}
	return answer, nil
}

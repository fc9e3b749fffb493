package ble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"sotto/ident"
	"sotto/link"
)

// air is Bluetooth without a radio: cards and phones that hear each other, in a
// time that testing/synctest turns. What goes wrong in it is decided by a test.
type air struct {
	mu    sync.Mutex
	cards []*fakeSession
	conns int // made so far
}

const (
	hearTime  = 50 * time.Millisecond // from one advert to the next
	crossTime = 2 * time.Millisecond  // for each packet
)

// fakePeripheral is a card's radio.
type fakePeripheral struct {
	air    *air
	mu     sync.Mutex
	starts int
	broken error        // what Start says
	now    *fakeSession // the last one
	hints  chan Hint    // if not nil, hears each
	hold   func() int   // if not nil, says how often the next frame is heard
}

func (p *fakePeripheral) Start(_ context.Context, v Visits) (Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starts++
	if p.broken != nil {
		return nil, p.broken
	}
	s := &fakeSession{p: p, visits: v, failed: make(chan struct{}), conns: make(map[string]*fakeConn)}
	p.now = s
	p.air.mu.Lock()
	defer p.air.mu.Unlock()
	p.air.cards = append(p.air.cards, s)
	return s, nil
}

func (p *fakePeripheral) session() *fakeSession {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

type fakeSession struct {
	p      *fakePeripheral
	visits Visits
	failed chan struct{}

	mu     sync.Mutex
	hint   *Hint
	conns  map[string]*fakeConn
	why    error
	closed bool
	sizes  []int // of the frames that were sent
}

func (s *fakeSession) Advertise(_ context.Context, h Hint) error {
	s.mu.Lock()
	s.hint = &h
	s.mu.Unlock()
	if s.p.hints != nil {
		s.p.hints <- h
	}
	return nil
}

func (s *fakeSession) Send(frame []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes = append(s.sizes, len(frame))
	times := 1
	if s.p.hold != nil {
		times = s.p.hold()
	}
	for _, c := range s.conns {
		for range times {
			c.hear(bytes.Clone(frame))
		}
	}
	return nil
}

func (s *fakeSession) HangUp(phone string) {
	go func() {
		s.mu.Lock()
		c := s.conns[phone]
		s.mu.Unlock()
		if c != nil {
			c.Close()
		}
	}()
}

func (s *fakeSession) Failed() <-chan struct{} { return s.failed }

func (s *fakeSession) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// fail is what happens when the stack goes away.
func (s *fakeSession) fail(why error) {
	s.mu.Lock()
	s.why = why
	s.mu.Unlock()
	s.Close()
	close(s.failed)
}

func (s *fakeSession) Close() {
	s.mu.Lock()
	s.closed, s.hint = true, nil
	s.mu.Unlock()
	s.hangUpAll()
}

func (s *fakeSession) hangUpAll() {
	s.mu.Lock()
	conns := slices.Collect(maps.Values(s.conns))
	s.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// held is how many phones are connected.
func (s *fakeSession) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *fakeSession) advertised() (Hint, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hint == nil {
		return Hint{}, false
	}
	return *s.hint, true
}

// fakeCentral is a phone's radio.
type fakeCentral struct {
	air  *air
	mtu  int
	mu   sync.Mutex
	off  error
	pair func(*fakeConn) error
	// write decides about the nth frame of all: cross lets it through.
	write  func(n int, c *fakeConn, cross func() error) error
	wrote  int
	made   int
	paired int
}

func (f *fakeCentral) Find(ctx context.Context, wanted func(string, Hint) bool) (string, error) {
	for {
		f.mu.Lock()
		off := f.off
		f.mu.Unlock()
		if off != nil {
			return "", off
		}
		f.air.mu.Lock()
		cards := append([]*fakeSession(nil), f.air.cards...)
		f.air.mu.Unlock()
		for i, s := range cards {
			address := fmt.Sprint("card ", i)
			if h, ok := s.advertised(); ok && wanted(address, h) {
				return address, nil
			}
		}
		if !pause(ctx, hearTime) {
			return "", ctx.Err()
		}
	}
}

func (f *fakeCentral) Connect(_ context.Context, address string) (Conn, error) {
	var i int
	if _, err := fmt.Sscanf(address, "card %d", &i); err != nil {
		return nil, err
	}
	f.air.mu.Lock()
	s := f.air.cards[i]
	f.air.conns++
	name := fmt.Sprint("phone ", f.air.conns)
	f.air.mu.Unlock()
	f.mu.Lock()
	f.made++
	f.mu.Unlock()
	time.Sleep(20 * crossTime)
	c := &fakeConn{central: f, session: s, name: name, frames: make(chan []byte, 256)}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.conns[name] = c
	}
	s.mu.Unlock()
	if closed {
		return nil, errors.New("nobody there")
	}
	s.visits.Came(name)
	return c, nil
}

// plug takes the radio away, or brings it back.
func (f *fakeCentral) plug(off error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = off
}

func (f *fakeCentral) connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.made
}

type fakeConn struct {
	central *fakeCentral
	session *fakeSession
	name    string
	frames  chan []byte
	last    []byte // frame that the phone has written
	mu      sync.Mutex
	ended   bool
}

var errFakeGone = errors.New("the connection is gone")

func (c *fakeConn) cross() error {
	time.Sleep(crossTime)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errFakeGone
	}
	return nil
}

func (c *fakeConn) Info(context.Context) ([]byte, error) {
	if err := c.cross(); err != nil {
		return nil, err
	}
	return c.session.visits.ReadInfo(c.name)
}

func (c *fakeConn) Knock(_ context.Context, proof []byte) error {
	if err := c.cross(); err != nil {
		return err
	}
	return c.session.visits.WriteInfo(c.name, proof)
}

func (c *fakeConn) Pair(context.Context) error {
	if err := c.cross(); err != nil {
		return err
	}
	if c.central.pair != nil {
		return c.central.pair(c)
	}
	if !c.session.visits.MayPair(c.name) {
		return errors.New("the card does not let me pair")
	}
	c.central.mu.Lock()
	defer c.central.mu.Unlock()
	c.central.paired++
	return nil
}

func (c *fakeConn) Write(ctx context.Context, frame []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(frame) > FrameSize(c.central.mtu) {
		return errors.New("larger than the MTU")
	}
	c.last = frame
	pass := func() error {
		if err := c.cross(); err != nil {
			return err
		}
		return c.session.visits.WriteMessage(c.name, FrameSize(c.central.mtu), bytes.Clone(frame))
	}
	c.central.mu.Lock()
	c.central.wrote++
	n, write := c.central.wrote, c.central.write
	c.central.mu.Unlock()
	if write != nil {
		return write(n, c, pass)
	}
	return pass()
}

func (c *fakeConn) hear(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	select {
	case c.frames <- frame:
	default:
	}
}

func (c *fakeConn) Frames() <-chan []byte { return c.frames }
func (c *fakeConn) FrameSize() int        { return FrameSize(c.central.mtu) }

func (c *fakeConn) Close() {
	c.mu.Lock()
	was := c.ended
	if !was {
		c.ended = true
		close(c.frames)
	}
	c.mu.Unlock()
	if was {
		return
	}
	c.session.mu.Lock()
	delete(c.session.conns, c.name)
	c.session.mu.Unlock()
	c.session.visits.Gone(c.name)
}

// The cards of these tests.
var (
	thisID  = ident.Raw{0: 1, 15: 7}
	otherID = ident.Raw{0: 1, 15: 8}
	this    = ident.Text(ident.Card, thisID)
	other   = ident.Text(ident.Card, otherID)
)

// randomness is the same in every run.
func randomness(seed uint64) io.Reader {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	return &lockedReader{r: rand.NewChaCha8(key)}
}

type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serve runs a card until the test or stop ends it, and waits until it is found.
func serve(t *testing.T, p *fakePeripheral, id ident.Raw, h link.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		c := Card{ID: id, Handler: h, Random: randomness(uint64(id[15])), Log: quiet(), Ready: func() { close(ready) }}
		done <- Serve(ctx, p, c)
	}()
	<-ready
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("serve: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func reach(t *testing.T, f *fakeCentral, seed uint64) *Reach {
	t.Helper()
	r, err := NewReach(f, randomness(seed), quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// echo answers with what it got, and remembers it.
type echo struct {
	mu    sync.Mutex
	heard [][]byte
}

func (e *echo) Handle(m []byte) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, bytes.Clone(m))
	return append([]byte("re: "), m...)
}

func (e *echo) times() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.heard)
}

func text(seed, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(uint64(seed), uint64(n)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

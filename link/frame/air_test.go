package frame

import (
	"bytes"
	"container/heap"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// air is a link that does to frames whatever a link can do, in a time of its own:
// it loses, doubles, and lets a later frame overtake.
type air struct {
	random    *rand.Rand
	loss      float64
	doubled   float64
	spread    time.Duration // the latency is up to this, so that frames overtake
	now       time.Time
	queue     flights
	launched  int
	bytes     int
	sentCount int
}

type flight struct {
	at     time.Time
	order  int
	toCard bool
	phone  int
	frame  []byte
}

type flights []flight

func (q flights) Len() int { return len(q) }
func (q flights) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].order < q[j].order
}
func (q flights) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *flights) Push(x any)   { *q = append(*q, x.(flight)) } //nolint:errcheck,forcetypeassert // a flight
func (q *flights) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

func newAir(seed uint64) *air {
	return &air{random: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_000_000, 0), spread: 40 * time.Millisecond}
}

func (a *air) launch(toCard bool, phone int, frame []byte) {
	a.sentCount++
	a.bytes += len(frame)
	copies := 1
	if a.random.Float64() < a.doubled {
		copies = 2
	}
	for range copies {
		if a.random.Float64() < a.loss {
			continue
		}
		a.launched++
		at := a.now.Add(time.Millisecond + time.Duration(a.random.Int64N(int64(a.spread)+1)))
		heap.Push(&a.queue, flight{at, a.launched, toCard, phone, bytes.Clone(frame)})
	}
}

// scene is one card and some phones in the air.
type scene struct {
	*air
	t       *testing.T
	card    *Peers
	phones  []*Sender
	handled map[string]int // how often each message was delivered
	handle  func(message []byte) []byte
	peer    func(phone int) uint32 // the link's name for a phone
	each    func()                 // before every step
}

func newScene(t *testing.T, a *air, c Config, places int) *scene {
	t.Helper()
	s := &scene{air: a, t: t, card: NewPeers(places, c), handled: map[string]int{}}
	s.handle = func(m []byte) []byte { return append([]byte("re: "), m...) }
	s.peer = func(phone int) uint32 { return uint32(phone) }
	return s
}

// run goes on until all exchanges are over or the time is.
func (s *scene) run(limit time.Duration) {
	end := s.now.Add(limit)
	for {
		if s.each != nil {
			s.each()
		}
		open := false
		wake := end
		for i, p := range s.phones {
			for {
				frame, ok := p.Next(s.now, nil)
				if !ok {
					break
				}
				s.launch(true, i, frame)
			}
			if !p.Over() {
				open = true
				if p.Due().Before(wake) {
					wake = p.Due()
				}
			}
		}
		if !open {
			return
		}
		if len(s.queue) > 0 && s.queue[0].at.Before(wake) {
			s.land(heap.Pop(&s.queue).(flight)) //nolint:errcheck,forcetypeassert // a flight
			continue
		}
		if !wake.Before(end) {
			return
		}
		s.now = wake
	}
}

func (s *scene) land(f flight) {
	s.now = f.at
	if !f.toCard {
		s.phones[f.phone].Receive(s.now, f.frame)
		return
	}
	r, message := s.card.Receive(s.now, s.peer(f.phone), f.frame)
	if r == nil {
		return
	}
	if message != nil {
		s.handled[string(message)]++
		r.Answer(s.now, s.handle(message))
	}
	for {
		frame, ok := r.Next(nil)
		if !ok {
			return
		}
		s.launch(false, f.phone, frame)
	}
}

func text(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Whatever the air does, an exchange brings the right answer or says that it did
// not, and the card has handled the message once at most.
func TestExchangeOverBadAir(t *testing.T) {
	const runs = 3000
	ended := map[error]int{}
	for seed := range uint64(runs) {
		a := newAir(seed)
		a.loss, a.doubled = a.random.Float64()*0.5, a.random.Float64()*0.3
		c := Config{Size: SizeMin + a.random.IntN(240), Window: 1 + a.random.IntN(WindowMax), CRC: a.random.IntN(2) == 0}
		s := newScene(t, a, c, 1)
		message := text(a.random, 1+a.random.IntN(MessageMax-4))
		s.phones = []*Sender{NewSender(c, ID(a.random.Uint32()), message)}
		s.run(5 * time.Minute)
		answer, err := s.phones[0].Answer()
		ended[err]++
		switch times := s.handled[string(message)]; {
		case !s.phones[0].Over():
			t.Errorf("seed %d: no end", seed)
		case err == nil && (times != 1 || !bytes.Equal(answer, append([]byte("re: "), message...))):
			t.Errorf("seed %d: handled %d times, answer of %d bytes for a message of %d", seed, times, len(answer), len(message))
		case errors.Is(err, ErrUnsent) && times != 0, times > 1, len(s.handled) > 1:
			t.Errorf("seed %d: %v, handled %d times", seed, err, times)
		}
	}
	t.Logf("ended: %v", ended)
	if ended[nil] < runs*9/10 {
		t.Errorf("delivered: got %d of %d", ended[nil], runs)
	}
}

// Two phones at once, on connections of their own or on one channel: each gets
// its own answer, and no message is ever made of both.
func TestTwoPhones(t *testing.T) {
	for seed := range uint64(600) {
		a := newAir(seed)
		a.loss, a.doubled = 0.1, 0.1
		c := Config{Size: 60, Window: 1 + a.random.IntN(8)}
		s := newScene(t, a, c, 2)
		if seed%2 == 0 {
			s.peer = func(int) uint32 { return 7 } // the channel does not tell them apart
		}
		length := 400 // the same, which is the hardest to tell apart
		for i := range 2 {
			message := bytes.Repeat([]byte{byte(i + 1)}, length)
			s.phones = append(s.phones, NewSender(c, NewID(uint16(100+i), 5), message))
		}
		s.run(time.Minute)
		for i, p := range s.phones {
			want := append([]byte("re: "), bytes.Repeat([]byte{byte(i + 1)}, length)...)
			if answer, err := p.Answer(); err != nil || !bytes.Equal(answer, want) {
				t.Errorf("seed %d, phone %d: got %d bytes, %v", seed, i, len(answer), err)
			}
		}
		if len(s.handled) != 2 {
			t.Errorf("seed %d: %d messages were delivered", seed, len(s.handled))
		}
	}
}

// A third phone waits its turn: places are not taken from those who are in the
// middle of something.
func TestMorePhonesThanPlaces(t *testing.T) {
	for seed := range uint64(200) {
		a := newAir(seed)
		a.loss = 0.05
		c := Config{Size: 60, TriesMax: 12}
		s := newScene(t, a, c, 2)
		for i := range 5 {
			s.phones = append(s.phones, NewSender(c, NewID(uint16(i), 1), bytes.Repeat([]byte{byte(i)}, 500)))
		}
		s.run(time.Minute)
		for i, p := range s.phones {
			if _, err := p.Answer(); err != nil || !p.Over() {
				t.Errorf("seed %d, phone %d: %v", seed, i, err)
			}
		}
	}
}

// The battery is pulled at any moment: the card forgets all, the phone sends it
// all again, and half a message is never delivered.
func TestCardLosesPower(t *testing.T) {
	delivered, again := 0, 0
	for seed := range uint64(600) {
		a := newAir(seed)
		a.loss = 0.1
		c := Config{Size: 40, Window: 4}
		s := newScene(t, a, c, 1)
		message := text(a.random, 600)
		s.phones = []*Sender{NewSender(c, 1, message)}
		cuts := 1 + a.random.IntN(3)
		s.each = func() {
			if cuts > 0 && a.random.IntN(20) == 0 {
				cuts--
				s.card = NewPeers(1, c)
			}
		}
		s.run(5 * time.Minute)
		answer, err := s.phones[0].Answer()
		if err == nil && bytes.Equal(answer, append([]byte("re: "), message...)) {
			delivered++
		} else if err == nil {
			t.Errorf("seed %d: a wrong answer of %d bytes", seed, len(answer))
		}
		if len(s.handled) > 1 {
			t.Errorf("seed %d: %d messages were delivered", seed, len(s.handled))
		}
		if s.handled[string(message)] > 1 {
			again++
		}
	}
	t.Logf("delivered %d of 600, handled again %d", delivered, again)
	if delivered < 580 || again == 0 {
		t.Errorf("delivered %d of 600, handled again %d", delivered, again)
	}
}

// Without loss a message costs its frames, one poll at the end of each window,
// and the answer.
func TestFramesOfAnExchange(t *testing.T) {
	a := newAir(1)
	a.spread = 0
	c := Config{Size: 108, Window: 8}
	s := newScene(t, a, c, 1)
	s.handle = func([]byte) []byte { return make([]byte, 90) }
	s.phones = []*Sender{NewSender(c, 1, make([]byte, 1000))}
	s.run(time.Minute)
	if _, err := s.phones[0].Answer(); err != nil {
		t.Fatal(err)
	}
	const want = 10 + 1 + 1 // pieces, one have after the window of 8, the answer
	if a.sentCount != want {
		t.Errorf("frames: got %d, want %d", a.sentCount, want)
	}
	if want := 10*108 + 12 + 98; a.bytes != want {
		t.Errorf("bytes: got %d, want %d", a.bytes, want)
	}
}

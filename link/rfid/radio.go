package rfid

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Radio is a reader's way into its field. One goroutine at a time uses it.
type Radio interface {
	// Exchange sends one request and returns the one response to it, both
	// without their CRC, which the Radio writes and checks. ErrNoAnswer and
	// ErrGarbled are what the field does; any other error is the reader's.
	Exchange(ctx context.Context, request []byte) (response []byte, err error)
	// Limits are the largest request and response, in bytes without CRC.
	Limits() (request, response int)
	// Close lets the reader go until the next Exchange.
	Close() error
}

// What the field does.
var (
	// ErrNoAnswer: nobody answered in time.
	ErrNoAnswer = errors.New("rfid: no tag answers")
	// ErrGarbled: what came was damaged, or came from several tags at once.
	ErrGarbled = errors.New("rfid: the response was garbled")
)

// The largest frames of ours, in bytes without CRC: Write Message with an address
// and all of the mailbox, and the response to Read Message.
const (
	requestMax  = 3 + UIDSize + 1 + mailboxSizeMax
	responseMax = 1 + mailboxSizeMax
)

// Air times (ISO/IEC 15693-2:2019, 8 and 9): one out of four to the tag, high data
// rate from it. A start and an end of frame take as long as three bits, about.
const (
	defaultRate = 26_480                 // bits per second
	turnAround  = 433 * time.Microsecond // start and end of frame, and t1 of 320 µs
)

// Tag is what a Field may hold: a Card.
type Tag interface {
	// Answer takes a frame with its CRC and gives the response, with its own;
	// nil is silence.
	Answer(frame []byte) []byte
	// Leave is the end of the field.
	Leave()
}

// FieldConfig has what may be left out of a Field. The zero FieldConfig is air
// that loses nothing, at the rate of the standard.
type FieldConfig struct {
	Rate     int     // bits per second, either way
	RangeMax float64 // metres; 0: 0.7
	Loss     float64 // share of frames that are damaged, 0 to 1
	Seed     uint64
	// Carry, if there is one, says what the air does to a frame, instead of
	// Rate, RangeMax and Loss. A frame that is lost is damaged.
	Carry func(toTag bool, frame []byte) (took time.Duration, lost bool)
	// Wait stands in for waiting; a simulation turns its own clock.
	Wait func(ctx context.Context, d time.Duration) error
}

// Field is simulated air around a reader: a Radio. It is safe for concurrent use.
type Field struct {
	c      FieldConfig
	mu     sync.Mutex
	random *rand.Rand
	tags   []spot
}

type spot struct {
	tag    Tag
	metres float64
}

// NewField makes a field with nothing in it.
func NewField(c FieldConfig) *Field {
	if c.Rate <= 0 {
		c.Rate = defaultRate
	}
	if c.RangeMax <= 0 {
		c.RangeMax = 0.7
	}
	if c.Wait == nil {
		c.Wait = wait
	}
	return &Field{c: c, random: rand.New(rand.NewPCG(c.Seed, 2))} //nolint:gosec // a simulation repeats itself; nothing here is secret
}

// Put brings a tag so many metres from the reader, or moves it there. Beyond the
// range it has no field.
func (f *Field) Put(t Tag, metres float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if metres > f.c.RangeMax {
		t.Leave()
	}
	for i := range f.tags {
		if f.tags[i].tag == t {
			f.tags[i].metres = metres
			return
		}
	}
	f.tags = append(f.tags, spot{t, metres})
}

// Remove takes a tag away.
func (f *Field) Remove(t Tag) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tags = slices.DeleteFunc(f.tags, func(s spot) bool { return s.tag == t })
	t.Leave()
}

// Limits implements Radio.
func (*Field) Limits() (request, response int) { return requestMax, responseMax }

// Close implements Radio: air is nobody's.
func (*Field) Close() error { return nil }

// Exchange implements Radio.
func (f *Field) Exchange(ctx context.Context, request []byte) ([]byte, error) {
	if len(request) > requestMax {
		return nil, errLong
	}
	frame, took := f.carry(true, appendCRC(request))
	if err := f.c.Wait(ctx, took); err != nil {
		return nil, err
	}
	answers := f.answers(frame)
	if len(answers) == 0 {
		if err := f.c.Wait(ctx, turnAround); err != nil {
			return nil, err
		}
		return nil, ErrNoAnswer
	}
	response, took := f.carry(false, answers[0])
	if err := f.c.Wait(ctx, took); err != nil {
		return nil, err
	}
	b, intact := checked(response)
	if !intact || len(answers) > 1 { // several answers at once are noise
		return nil, ErrGarbled
	}
	return b, nil
}

var errLong = errors.New("rfid: the request is too long for the reader")

// answers are those of all tags in range.
func (f *Field) answers(frame []byte) (answers [][]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.tags {
		if s.metres > f.c.RangeMax {
			continue
		}
		if b := s.tag.Answer(slices.Clone(frame)); b != nil {
			answers = append(answers, b)
		}
	}
	return answers
}

// carry damages a frame, or not, and says how long it took.
func (f *Field) carry(toTag bool, b []byte) ([]byte, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var took time.Duration
	var lost bool
	if f.c.Carry != nil {
		took, lost = f.c.Carry(toTag, b)
	} else {
		took = turnAround + time.Duration(len(b))*8*time.Second/time.Duration(f.c.Rate)
		lost = f.random.Float64() < f.c.Loss
	}
	if lost {
		b = slices.Clone(b)
		b[f.random.IntN(len(b))] ^= 1 << f.random.IntN(8)
	}
	return b, took
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Package mobile is the phone as a library, for an app that is the mobile
// payment terminal: docs/phone-library.md walks through it.
//
// Enrolment makes a folder the phone's, Open opens it with a Link of the app's
// own, Start and Stop let it work. That is all: the library keeps the phone's
// keys and pairings, speaks to the bank, and hands the app sealed bytes for a
// card and takes the card's answer.
//
// The face is made for gobind: strings, integers, booleans, byte slices, errors,
// pointers to the structs here, and interfaces of the same. It is stable:
// methods may come, none goes or changes.
//
// It promises that no code and no fact of a payment crosses it, in the profiles
// that seal: what a Link is given opens on one card alone. A card that cannot
// decrypt (profile plain) gets its text as it is, so such messages are held back
// unless the app calls AllowPlain.
package mobile

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"sotto/bankapi/client"
	"sotto/phone"
	"sotto/phone/vault"
)

// Link brings messages to cards; the app implements it over the radio it has.
type Link interface {
	// Exchange brings one message to the card with this id and returns the
	// card's answer, within so many milliseconds. No answer and no error mean
	// that the card is out of reach; an error, that the message may or may not
	// have arrived. Both are tried again. It is called for several cards at once,
	// but not for a card whose last Exchange has not returned.
	Exchange(card string, message []byte, milliseconds int64) ([]byte, error)
}

// Log hears what the phone does: ids, states and reasons, never a code or fact.
type Log interface {
	Line(text string)
}

// Phone is a phone in this process. Its methods may be called from any thread.
type Phone struct {
	vault *vault.Vault
	link  *carrier

	mu       sync.Mutex
	language string
	log      *slog.Logger
	work     *work // nil: stopped
	closed   bool
}

// work is what runs between Start and Stop.
type work struct {
	phone *phone.Phone
	bus   *client.Bus
	stop  context.CancelFunc
	ended chan struct{}
}

// Errors of a phone's life.
var (
	ErrStarted = errors.New("the phone is at work already: stop it first")
	ErrClosed  = errors.New("the phone is closed: open it again")
	errLink    = errors.New("a phone needs a Link to its cards")
)

// Open opens the folder of an enrolled phone. One process has it at a time.
func Open(dir string, l Link) (*Phone, error) {
	if l == nil {
		return nil, errLink
	}
	v, err := vault.Open(dir)
	if err != nil {
		return nil, err
	}
	return &Phone{vault: v, link: &carrier{to: l, busy: map[string]bool{}}, language: "en", log: slog.New(slog.DiscardHandler)}, nil
}

// ID is the phone's id at the bank, "ph_…".
func (p *Phone) ID() string { return p.vault.Identity().Phone }

// SetLanguage chooses the labels for cards that cannot decrypt: "en" or "zh". It
// takes effect at the next Start, as does SetLog.
func (p *Phone) SetLanguage(language string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.language = language
}

// SetLog lets l hear what the phone does.
func (p *Phone) SetLog(l Log) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = slog.New(slog.DiscardHandler)
	if l != nil {
		p.log = slog.New(slog.NewTextHandler(lines{l}, nil))
	}
}

// AllowPlain lets messages for cards that cannot decrypt cross the Link. They
// hold code and payment in clear.
func (p *Phone) AllowPlain() { p.link.allow() }

// Start begins to work and returns at once; see Online. It fails for what
// waiting will not mend.
func (p *Phone) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return ErrClosed
	case p.work != nil:
		return ErrStarted
	}
	id := p.vault.Identity()
	line := &line{up: make(chan struct{})}
	inside, err := phone.New(phone.Config{
		ID: id.Phone, Key: id.Key, KeySource: id.KeySource, State: p.vault, Reach: p.link, Bank: line,
		Now: time.Now, After: time.After, Random: rand.Reader, Language: p.language, Log: p.log,
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	bus, err := client.Dial(ctx, client.BusConfig{
		URL: id.Bus, CAPEM: authority(id.CA), Seed: id.Seed, PhoneID: id.Phone,
		OnDispatch: inside.Dispatch, Logger: p.log,
	})
	if err != nil {
		stop()
		return err
	}
	line.connect(bus)
	w := &work{phone: inside, bus: bus, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		inside.Run(ctx)
	}()
	p.work = w
	return nil
}

// authority is nil when there is none: the system's own are then trusted.
func authority(pem string) []byte {
	if pem == "" {
		return nil
	}
	return []byte(pem)
}

// Stop ends the work. An Exchange that is under way is not waited for, and its
// answer is lost. What has not been passed on waits at the bank. The phone can
// start again.
func (p *Phone) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halt()
}

func (p *Phone) halt() {
	if p.work == nil {
		return
	}
	p.work.stop()
	p.work.bus.Close()
	<-p.work.ended
	p.work = nil
}

// Close stops the phone and gives its folder free.
func (p *Phone) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.halt()
	p.closed = true
	return p.vault.Close()
}

// Online reports whether the bank is reached now.
func (p *Phone) Online() bool {
	w := p.at()
	return w != nil && w.bus.Connected()
}

// WaitOnline waits until the phone has heard from the bank what waits for it, or
// so many milliseconds, and reports which.
func (p *Phone) WaitOnline(milliseconds int64) bool {
	w := p.at()
	if w == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(milliseconds)*time.Millisecond)
	defer cancel()
	return w.bus.Ready(ctx) == nil
}

// InReach tells the phone that the app sees this card: what waits for it is
// tried at once. With NFC that is when the payer holds the card to the phone.
func (p *Phone) InReach(card string) {
	if w := p.at(); w != nil {
		w.phone.InReach(card)
	}
}

// at is the work under way, if there is any.
func (p *Phone) at() *work {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.work
}

package main

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"sotto/dyncode"
	"sotto/link/tcp"
	"sotto/phone/mobile"
)

// app is a host app: a link that can be out of reach and hears all that crosses
// the face, and a log.
type app struct {
	reach *tcp.Reach

	mu      sync.Mutex
	away    bool
	crossed bytes.Buffer // messages, answers and lines of the log
	logged  bytes.Buffer
	calls   int
}

func (a *app) Exchange(card string, message []byte, milliseconds int64) ([]byte, error) {
	a.mu.Lock()
	a.calls++
	a.crossed.WriteString(card)
	a.crossed.Write(message)
	away := a.away
	a.mu.Unlock()
	if away {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(milliseconds)*time.Millisecond)
	defer cancel()
	answer, err := a.reach.Exchange(ctx, card, message)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.crossed.Write(answer)
	return answer, err
}

func (a *app) Line(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.crossed.WriteString(text)
	a.logged.WriteString(text + "\n")
}

func (a *app) move(away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away = away
}

func (a *app) tries() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls
}

func (a *app) everything() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bytes.Clone(a.crossed.Bytes())
}

// embedded is a phone in an app, enrolled and at work, and its card, bound.
func (w *town) embedded(profile dyncode.Profile, prepare func(*mobile.Phone)) (*mobile.Phone, *app, *plastic) {
	w.t.Helper()
	c := w.card(profile)
	id, ticket := w.ticket()
	e := mobile.Enrolment{Dir: w.t.TempDir() + "/phone", Ticket: ticket, DeviceID: "random", Fingerprint: []byte("a template")}
	if got := may(e.Enrol())(w.t); got != id {
		w.t.Fatalf("enrolled %s, want %s", got, id)
	}
	a := &app{reach: tcp.NewReach(tcp.At(c.address))}
	p := may(mobile.Open(e.Dir, a))(w.t)
	w.t.Cleanup(func() { p.Close() })
	p.SetLog(a)
	if prepare != nil {
		prepare(p)
	}
	if err := p.Start(); err != nil {
		w.t.Fatal(err)
	}
	if !p.WaitOnline(20_000) || !p.Online() {
		w.t.Fatal("the bank is not reached")
	}
	w.bind(c, id)
	return p, a, c
}

// A payment with everything real, in both profiles that seal: nothing of it
// crosses the face of the library.
func TestNothingOfAPaymentCrossesTheFace(t *testing.T) {
	for _, profile := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed} {
		t.Run(profile.String(), func(t *testing.T) {
			w := newTown(t)
			p, a, c := w.embedded(profile, nil)
			code := w.pay(c)
			cards := p.Cards()
			if cards.Count() != 1 || cards.At(1) != nil || *cards.At(0) != (mobile.Card{ID: c.id, Profile: profile.String(), Bound: true}) {
				t.Errorf("got %d cards, %+v", cards.Count(), cards.At(0))
			}
			p.Stop()
			if a.logged.Len() == 0 || !bytes.Contains(a.everything(), []byte(c.id)) {
				t.Error("this test looks at nothing")
			}
			wantNothing(t, "the face", a.everything(), code)
		})
	}
}

// A card that cannot decrypt gets its code in clear, so nothing crosses the face
// until the app has said that it may. That test knows what to look for: here it
// is found.
func TestPlainCardsNeedTheAppsWord(t *testing.T) {
	w := newTown(t)
	p, a, c := w.embedded(dyncode.Plain, (*mobile.Phone).AllowPlain)
	code := w.pay(c)
	if !bytes.Contains(a.everything(), []byte(code)) || !bytes.Contains(a.everything(), []byte(shopName)) {
		t.Error("a plain message has no code in it: what do the other tests look for?")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// A code for a card that is away waits, and is there at once when the app says
// that the card is in reach.
func TestCardThatComesIntoReach(t *testing.T) {
	w := newTown(t)
	p, a, c := w.embedded(dyncode.CardSealed, nil)
	a.move(true)
	before := a.tries()
	order := w.order(c)
	w.eventually("it was tried in vain, and the pauses are long", func() bool { return a.tries() > before+3 })
	a.move(false)
	p.InReach(c.id)
	p.InReach("card_nobody_knows")
	if w.confirm(c, order) == "" {
		t.Error("no code")
	}
}

// An app that goes to the background stops the phone, and starts it again.
func TestStopAndStart(t *testing.T) {
	w := newTown(t)
	p, _, c := w.embedded(dyncode.CardSealed, nil)
	if err := p.Start(); !errors.Is(err, mobile.ErrStarted) {
		t.Errorf("started twice: got %v", err)
	}
	p.Stop()
	p.Stop()
	if p.Online() || p.WaitOnline(10) || p.Cards().Count() != 0 {
		t.Error("a phone that is stopped does something")
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if w.pay(c) == "" {
		t.Error("no code")
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if err := p.Start(); !errors.Is(err, mobile.ErrClosed) {
		t.Errorf("started after Close: got %v", err)
	}
}

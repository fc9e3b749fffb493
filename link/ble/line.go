package ble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sotto/link"
	"sotto/link/frame"
)

// line is the way to one card. Whoever has put into turn owns the rest.
type line struct {
	central Central
	mark    mark
	log     *slog.Logger
	turn    chan struct{}

	conn    Conn // nil when there is none
	size    int  // of its frames
	idle    *time.Timer
	strange map[string]time.Time // who had the card's hint and was not the card, until when
	unpair  time.Time            // until when pairing is not tried
}

func newLine(c Central, m mark, log *slog.Logger) *line {
	l := &line{central: c, mark: m, log: log, turn: make(chan struct{}, 1), strange: make(map[string]time.Time)}
	l.idle = time.AfterFunc(keepMax, l.leave)
	l.idle.Stop()
	return l
}

// exchange carries one message, over as many connections as it takes. Once the
// whole message has been sent over any of them, failure means that it is lost.
func (l *line) exchange(ctx context.Context, id frame.ID, message []byte) ([]byte, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, outOfReach(ctx.Err())
	}
	l.idle.Stop()
	meaning := outOfReach
	for again := againMin; ; again = min(2*again, againMax) {
		if err := l.connect(ctx); err != nil {
			if ctx.Err() != nil || errors.Is(err, ErrNoRadio) || !pause(ctx, again) {
				return nil, meaning(err)
			}
			l.log.Debug("a connection to the card was not made and is tried again", "reason", err)
			continue
		}
		began := time.Now()
		s := frame.NewSender(l.config(), id, message)
		answer, err := s.Run(pipe{ctx, l.conn})
		if err == nil {
			l.idle.Reset(keepMax)
			l.log.Debug("the card has answered", "message", len(message), "answer", len(answer), "after", time.Since(began))
			return append([]byte(nil), answer...), nil // the Sender's buffer is large
		}
		if !errors.Is(err, frame.ErrSilence) {
			l.drop() // what comes late on it would be for the next exchange to sort out
		} else {
			l.idle.Reset(keepMax)
		}
		if !errors.Is(s.Unheard(), frame.ErrUnsent) {
			meaning = lost
		}
		l.log.Debug("an exchange with the card has failed", "reason", err)
		if s.Over() || !pause(ctx, again) {
			return nil, meaning(err)
		}
	}
}

func (l *line) config() frame.Config {
	c := frames
	c.Size = l.size
	return c
}

// connect makes sure that there is a connection to the card.
func (l *line) connect(ctx context.Context) error {
	if l.conn != nil && !ended(l.conn) {
		return nil
	}
	l.drop()
	began := time.Now()
	address, err := l.central.Find(ctx, l.wanted)
	if err != nil {
		return fmt.Errorf("look for the card: %w", err)
	}
	found := time.Now()
	conn, err := l.central.Connect(ctx, address)
	if err != nil {
		return err
	}
	connected := time.Now()
	if err := l.introduce(ctx, conn, address); err != nil {
		conn.Close()
		return err
	}
	l.conn = conn
	l.log.Debug("connected to the card", "found", found.Sub(began), "connected", connected.Sub(found),
		"introduced", time.Since(connected), "frame", l.size)
	return nil
}

// ended reports whether a connection that was kept has gone. What the card has
// sent meanwhile was for exchanges that are over.
func ended(c Conn) bool {
	for {
		select {
		case _, open := <-c.Frames():
			if !open {
				return true
			}
		default:
			return false
		}
	}
}

// wanted picks the card among all that are heard.
func (l *line) wanted(address string, h Hint) bool {
	return l.mark.is(h) && !time.Now().Before(l.strange[address])
}

// introduce shows the card that this phone knows it, and has the link encrypted
// if that can be had.
func (l *line) introduce(ctx context.Context, c Conn, address string) error {
	b, err := c.Info(ctx)
	if err != nil {
		return fmt.Errorf("read the card's info: %w", err)
	}
	info, err := ParseInfo(b)
	if err != nil {
		l.avoid(address)
		return err
	}
	proof := l.mark.knock(info.Challenge)
	if err := c.Knock(ctx, proof[:]); err != nil {
		if errors.Is(err, ErrStranger) {
			l.avoid(address)
		}
		return fmt.Errorf("knock at the card: %w", err)
	}
	l.size = min(c.FrameSize(), info.FrameMax)
	l.pair(ctx, c)
	return nil
}

// avoid stays away from somebody who has the card's hint and is not the card.
func (l *line) avoid(address string) {
	now := time.Now()
	for a, until := range l.strange {
		if now.After(until) {
			delete(l.strange, a)
		}
	}
	l.strange[address] = now.Add(strangeMax)
}

// pair is for the link what a lid is for a sealed letter: good to have.
func (l *line) pair(ctx context.Context, c Conn) {
	if time.Now().Before(l.unpair) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pairMax)
	defer cancel()
	if err := c.Pair(ctx); err != nil {
		l.unpair = time.Now().Add(unpairMax)
		l.log.Info("the link to the card is not encrypted; messages are sealed either way", "reason", err)
	}
}

// drop hangs up.
func (l *line) drop() {
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
}

// leave hangs up when nothing has happened for a while.
func (l *line) leave() {
	select {
	case l.turn <- struct{}{}:
		l.drop()
		<-l.turn
	default: // somebody is at work, and will set the clock again
	}
}

// pipe is a connection as package frame wants it.
type pipe struct {
	ctx  context.Context
	conn Conn
}

func (pipe) Now() time.Time            { return time.Now() }
func (p pipe) Send(frame []byte) error { return p.conn.Write(p.ctx, frame) }

var errEnded = errors.New("ble: the connection has ended")

func (p pipe) Receive(until time.Time) ([]byte, error) {
	wait := time.NewTimer(time.Until(until))
	defer wait.Stop()
	select {
	case f, open := <-p.conn.Frames():
		if !open {
			return nil, errEnded
		}
		return f, nil
	case <-wait.C:
		return nil, nil
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
}

// outOfReach and lost say both what it means to a phone and what happened.
func outOfReach(err error) error { return fmt.Errorf("%w: %w", link.ErrOutOfReach, err) }
func lost(err error) error       { return fmt.Errorf("%w: %w", link.ErrLost, err) }

package lab

import (
	"context"

	"sotto/link/mem"
)

// Switch turns one of the lab's "what if" on or off: reach (the phone is too far
// from the card), offline (it has no network), stolen (a thief carried it off),
// absent (the card is not here).
func (l *Lab) Switch(ctx context.Context, name string, on bool) error {
	l.switching.Lock()
	defer l.switching.Unlock()
	switch name {
	case "reach":
		l.change(func(w *world) { w.near = !on })
	case "stolen":
		l.change(func(w *world) { w.stolen = on })
	case "absent":
		l.change(func(w *world) { w.here = !on })
	case "offline":
		return l.setOffline(ctx, on)
	default:
		return errAsk("there is no such switch: use reach, offline, stolen or absent")
	}
	l.place()
	return nil
}

// place puts the card where the switches say.
func (l *Lab) place() {
	l.mu.Lock()
	w := &l.world
	to := mem.InReach
	if !w.near || !w.here || w.stolen {
		to = mem.OutOfReach
	}
	l.mu.Unlock()
	l.air.Move(l.kept.Card, to)
}

func (l *Lab) setOffline(ctx context.Context, off bool) error {
	defer l.news.tell()
	if off {
		l.phone.disconnect()
		return nil
	}
	return l.phone.connect(ctx)
}

// Speak chooses the language of page, shop and card.
func (l *Lab) Speak(language string) error {
	if language != "en" && language != "zh" {
		return errAsk("choose en or zh")
	}
	l.change(func(w *world) { w.language = language })
	l.card.panel.speak(language)
	return nil
}

// TurnPage presses the button on the card.
func (l *Lab) TurnPage() error {
	l.mu.Lock()
	here := l.world.here
	l.mu.Unlock()
	if !here {
		return errAsk("the card is not here")
	}
	l.card.pageNext()
	return nil
}

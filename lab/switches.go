package lab

import "context"

// Switch turns one of the lab's "what if" on or off. Of the phone and the card:
// reach (the phone is too far from the card, whatever the link), offline (it has no network), off
// (it has no power), stolen (a thief carried it off), absent (the card is not
// here). Of the till: cut (it has no network).
func (l *Lab) Switch(ctx context.Context, name string, on bool) error {
	if name == "cut" {
		_, class, _ := l.counter.now()
		return l.atTill(ctx, func(context.Context) error { return l.counter.set(class, on) })
	}
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
		l.change(func(w *world) { w.offline = on })
	case "off":
		l.change(func(w *world) { w.off = on })
	default:
		return errAsk("there is no such switch: use reach, offline, off, stolen, absent or cut")
	}
	l.place()
	return l.power(ctx)
}

// reachable reports whether no switch keeps the phone's radio from the card.
func (w *world) reachable() bool { return w.near && w.here && !w.stolen && !w.off }

// power connects the phone to the bank, or not, as the switches say.
func (l *Lab) power(ctx context.Context) error {
	l.mu.Lock()
	up := !l.world.off && !l.world.offline
	l.mu.Unlock()
	defer l.news.tell()
	if !up {
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
	return l.card.face.speak(language)
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

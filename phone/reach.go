package phone

import "time"

// InReach says that a card has come into reach: what waits for it is tried at
// once, however long the pause would have been. An unknown card is no matter.
func (p *Phone) InReach(card string) {
	p.mu.Lock()
	p.desk.inReach(p.c.Now(), card)
	p.mu.Unlock()
	p.kick()
}

func (k *desk) inReach(now time.Time, card string) {
	if l := k.lane(card); l != nil {
		l.jobs[0].next, l.jobs[0].tries = now, 0
	}
}

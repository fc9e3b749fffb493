package frame

import "time"

// Peers is the card's side of several phones at once, a Receiver for each. A
// phone is known by the link's own name for it, such as a connection handle, and
// by the source in its ids, so that two phones on one channel are kept apart.
type Peers struct {
	at []place
}

type place struct {
	r      *Receiver
	peer   uint32
	source uint16
	used   time.Time
}

// NewPeers makes room for n phones, each with all its buffers: about 3 KiB.
func NewPeers(n int, c Config) *Peers {
	p := &Peers{at: make([]place, max(n, 1))}
	for i := range p.at {
		p.at[i].r = NewReceiver(c)
	}
	return p
}

// Receive gives a frame that came from a peer to its Receiver. If message is not
// nil, handle it and give the answer to that Receiver. Then send what its Next
// gives. The Receiver is nil when the frame is none, or when all places are
// taken by others who are in the middle of something.
func (p *Peers) Receive(now time.Time, peer uint32, frame []byte) (r *Receiver, message []byte) {
	from, ok := source(frame)
	if !ok {
		return nil, nil
	}
	at := p.find(now, peer, from)
	if at == nil {
		return nil, nil
	}
	at.used = now
	return at.r, at.r.Receive(now, frame)
}

// find is the place of a phone, or the one it may have: an empty one, else the
// one with the oldest answer.
func (p *Peers) find(now time.Time, peer uint32, from uint16) *place {
	var free *place
	for i := range p.at {
		at := &p.at[i]
		at.r.Expire(now)
		switch {
		case at.r.phase != resting && at.peer == peer && at.source == from:
			return at
		case at.r.phase == joining || at.r.phase == working:
		case free == nil || at.r.phase < free.r.phase || at.r.phase == free.r.phase && at.used.Before(free.used):
			free = at
		}
	}
	if free != nil {
		free.r.Reset()
		free.peer, free.source = peer, from
	}
	return free
}

// Resize is Receiver.Resize for all places of a peer that come to be used later
// too, if the link has one size for all.
func (p *Peers) Resize(size int) {
	for i := range p.at {
		p.at[i].r.Resize(size)
	}
}

// Gone forgets a peer whose connection has ended.
func (p *Peers) Gone(peer uint32) {
	for i := range p.at {
		if at := &p.at[i]; at.peer == peer && at.r.phase != working {
			at.r.Reset()
		}
	}
}

// Expire forgets what has become too old.
func (p *Peers) Expire(now time.Time) {
	for i := range p.at {
		p.at[i].r.Expire(now)
	}
}

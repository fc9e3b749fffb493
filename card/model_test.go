package card

import (
	"math"
	"time"

	"sotto/dyncode"
	"sotto/ident"
)

// The model of a card that traffic_test.go runs beside the card. It knows each
// message by what its sender meant and never looks at its bytes.

// post is one message and what is true of it.
type post struct {
	bytes   []byte
	kind    dyncode.Kind
	id      ident.Raw
	bank    uint64 // the bank's counter
	phone   int    // who sealed it; -1: nobody
	counter uint64 // the phone's
	intro   int    // for Bind: the phone it introduces
	code    string
	expires time.Time
	spoiled bool // a bit of it turned, or it is for another card
	foreign bool // its currency does not exist
}

// bound is the model's pairing; phone -1 is none.
type bound struct {
	phone            int
	counter, claimed uint64
}

var nobody = bound{phone: -1}

// model is what a card must be. kept is the part that outlives its power.
type model struct {
	clear bool // the bank's counter in payments is the phone's word
	kept  keptModel
	live  keptModel

	screen  string // the code, or a word for a notice
	arrived time.Time
	expires time.Time
}

type keptModel struct {
	bank            uint64
	active, pending bound
	shown           ident.Raw
	shownCounter    uint64
	hasShown        bool
}

const lifetime = 60 * time.Second

// verdict is what the card must answer: a reason, or 0 and whether it repeats.
func (m *model) verdict(p post, now time.Time) (why dyncode.Reason, repeat bool) {
	k := m.live
	phone := k.pairingOf(p.phone)
	direct := p.phone < 0
	switch {
	case !direct && k.active == nobody && k.pending == nobody:
		return dyncode.RefusedUnbound, false
	case p.spoiled || !direct && phone == nil:
		return dyncode.RefusedSeal, false
	case k.hasShown && k.shown == p.id && k.shownCounter == p.bank:
		return 0, true
	case !direct && p.counter <= phone.counter:
		return dyncode.RefusedCounter, false
	case p.bank <= k.bank || m.clear && !direct && p.bank <= phone.claimed:
		return dyncode.RefusedCounter, false
	case p.foreign:
		return dyncode.RefusedContent, false
	case p.kind != dyncode.Release && !now.Before(p.expires):
		return dyncode.RefusedExpired, false
	case p.bank == math.MaxUint64 || p.counter == math.MaxUint64:
		return dyncode.RefusedExhausted, false
	}
	return 0, false
}

func (k *keptModel) pairingOf(phone int) *bound {
	switch {
	case phone < 0:
		return nil
	case k.active.phone == phone:
		return &k.active
	case k.pending.phone == phone:
		return &k.pending
	}
	return nil
}

// accept is what a fresh message makes of the memory before it is shown.
func (m *model) accept(p post) keptModel {
	k := m.live
	if p.phone >= 0 {
		if k.pending.phone == p.phone {
			k.active, k.pending = k.pending, nobody
		}
		k.active.counter = p.counter
	}
	if m.clear && p.phone >= 0 {
		k.active.claimed = p.bank
	} else {
		k.bank = p.bank
	}
	switch p.kind {
	case dyncode.Bind:
		k.pending = bound{phone: p.intro}
	case dyncode.Release:
		k.active, k.pending = nobody, nobody
	case dyncode.Payment:
	}
	return k
}

func (k keptModel) marked(p post) keptModel {
	k.shown, k.shownCounter, k.hasShown = p.id, p.bank, true
	return k
}

func (m *model) show(p post, now time.Time) {
	m.screen, m.arrived, m.expires = p.code, now, p.expires
	if p.kind == dyncode.Release {
		m.screen, m.expires = "released", now.Add(lifetime)
	}
}

func (m *model) pass(now time.Time) {
	if m.screen != "" && (!now.Before(m.arrived.Add(lifetime)) || !now.Before(m.expires)) {
		m.screen = ""
	}
}

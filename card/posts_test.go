package card

import (
	"fmt"
	"math"
	"time"

	"pgregory.net/rapid"

	"sotto/dyncode"
)

// make draws a fresh message.
func (x *traffic) make(t *rapid.T) post {
	p := post{id: x.id(), phone: -1}
	p.code = fmt.Sprintf("%06d", x.next)
	p.expires = x.now.Add(time.Duration(rapid.SampledFrom([]int{-1, 0, 1, 30, 90}).Draw(t, "expiry")) * time.Second)
	p.foreign = rapid.IntRange(0, 9).Draw(t, "foreign") == 0
	b := *x.bank
	elsewhere := false
	switch rapid.IntRange(0, 19).Draw(t, "bank") {
	case 0:
		b.counter = math.MaxUint64 - 1
	case 1:
		b.inner = dyncode.NewInner(x.identity.Key, raw(0xCB))
		elsewhere = true
	}
	p.kind = rapid.SampledFrom([]dyncode.Kind{
		dyncode.Payment, dyncode.Payment, dyncode.Payment, dyncode.Payment, dyncode.Bind, dyncode.Bind, dyncode.Release,
	}).Draw(t, "kind")
	if len(x.phones) == 0 && p.kind == dyncode.Payment {
		p.kind = dyncode.Bind
	}
	p.spoiled = elsewhere
	switch p.kind {
	case dyncode.Payment:
		p.spoiled = elsewhere && !x.model.clear // a phone-sealed payment has no bank's seal
		c := payment(p.code)
		if p.foreign {
			c.Currency = []byte("XXX")
		}
		p.sealBy(x, t, b.part(p.id, limited(c, p)))
	case dyncode.Bind:
		p.foreign = false
		p.intro = len(x.phones)
		x.phones = append(x.phones, newPhone(x.identity, byte(3*p.intro)))
		p.bytes = b.direct(p.id, limited(x.phones[p.intro].bind(p.code), p))
	case dyncode.Release:
		p.foreign, p.code = false, ""
		p.bytes = b.direct(p.id, release())
	}
	p.bank = b.counter
	x.bank.counter++ // the bank has used a counter even if this one was mad
	if rapid.IntRange(0, 14).Draw(t, "flip") == 0 {
		p.spoiled = true
		p.bytes[len(p.bytes)-1] ^= 1 // of the tag: the form stays
	}
	x.sent = append(x.sent, p)
	return p
}

func limited(c dyncode.Content, p post) dyncode.Content {
	c.ExpiresAt, c.Lifetime = uint64(p.expires.Unix()), uint16(lifetime/time.Second)
	return c
}

// sealBy seals a bank part by any phone there ever was.
func (p *post) sealBy(x *traffic, t *rapid.T, part []byte) {
	p.phone = rapid.IntRange(0, len(x.phones)-1).Draw(t, "phone")
	sealer := x.phones[p.phone]
	if rapid.IntRange(0, 29).Draw(t, "phone at its end") == 0 {
		mad := *sealer
		mad.counter = math.MaxUint64 - 1
		sealer = &mad
	}
	p.bytes = sealer.seal(p.id, part)
	p.counter = sealer.counter
}

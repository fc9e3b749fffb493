package main

import (
	"bytes"
	"math/rand/v2"
	"time"

	"sotto/card"
	"sotto/card/screen"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

var start = time.Unix(1_800_000_000, 0)

// issuer seals what goes to one card, as the bank and two phones would.
type issuer struct {
	who     dyncode.Personalization
	inner   dyncode.Inner
	outer   [2]dyncode.Outer
	counter uint64    // the bank's
	phones  [2]uint64 // the phones'
	next    byte
}

func newIssuer(profile dyncode.Profile, language string) *issuer {
	x := &issuer{who: dyncode.Personalization{
		Card: ident.Raw{0xCA}, Holder: "LIN MEI", Language: language, Profile: profile, Key: secret.New(bytes.Repeat([]byte{0x4B}, 32)),
	}}
	x.inner = dyncode.NewInner(x.who.Key, x.who.Card)
	for i := range x.outer {
		x.outer[i] = dyncode.NewOuter(x.pairing(i), x.who.Card, x.phone(i), [32]byte{byte(i)})
	}
	return x
}

func (x *issuer) pairing(i int) secret.Secret {
	return secret.New(bytes.Repeat([]byte{byte(i + 1)}, 32))
}
func (x *issuer) phone(i int) ident.Raw { return ident.Raw{0xF0, byte(i)} }

func (x *issuer) id() ident.Raw {
	x.next++
	return ident.Raw{0xD1, x.next}
}

func (x *issuer) content(now time.Time, c dyncode.Content) []byte {
	c.ExpiresAt, c.Lifetime = uint64(now.Unix())+180, 180
	b, err := c.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

func (x *issuer) bind(now time.Time, i int) []byte {
	id := x.id()
	x.counter++
	c := x.content(now, dyncode.Content{
		Kind: dyncode.Bind, Code: []byte("314159"), PhoneName: []byte("林美的手机"), Phone: x.phone(i),
		Pairing: x.pairing(i).Reveal(), KeySource: append([]byte{byte(i)}, make([]byte, 31)...),
	})
	return dyncode.AppendDirect(nil, x.who.Profile, id, x.inner.Seal(nil, x.who.Profile, id, x.counter, c))
}

func (x *issuer) release(now time.Time) []byte {
	id := x.id()
	x.counter++
	b, err := dyncode.Content{Kind: dyncode.Release}.Append(nil)
	if err != nil {
		panic(err)
	}
	return dyncode.AppendDirect(nil, x.who.Profile, id, x.inner.Seal(nil, x.who.Profile, id, x.counter, b))
}

func (x *issuer) pay(now time.Time, i int, code, payee string, amount uint64) []byte {
	id := x.id()
	x.counter++
	x.phones[i]++
	c := x.content(now, dyncode.Content{
		Kind: dyncode.Payment, Code: []byte(code), Amount: amount, Currency: []byte("CNY"), Payee: []byte(payee),
		Platform: []byte("shop.example"), Order: []byte("A-1001"),
	})
	part := dyncode.AppendClear(nil, x.counter, c)
	if x.who.Profile == dyncode.CardSealed {
		part = x.inner.Seal(nil, x.who.Profile, id, x.counter, c)
	}
	return x.outer[i].Seal(nil, x.who.Profile, id, x.phones[i], part)
}

// bound is the memory of a card that has the first phone.
func (x *issuer) bound() card.Memory {
	m := card.NewMemory(x.who)
	m.Active = card.Pairing{Phone: x.phone(0), Secret: x.pairing(0), KeySource: [32]byte{}}
	return m
}

var payees = []string{"Tea House", "杭州青瓷文化有限公司", "a\u202eb\u200b", "The Worshipful Company of Porcelain, Stoneware and Earthenware Makers of the Eastern Provinces"}

// traffic is what somebody sends next: good, old, damaged, or nothing.
func (x *issuer) traffic(random *rand.Rand, now time.Time, sent [][]byte) []byte {
	switch n := random.IntN(12); {
	case n < 5:
		code := []byte("000000")
		for i := range code {
			code[i] += byte(random.IntN(10))
		}
		return x.pay(now, random.IntN(2), string(code), payees[random.IntN(len(payees))], 1+random.Uint64N(1_000_000_000))
	case n == 5:
		return x.bind(now, random.IntN(2))
	case n == 6 && random.IntN(4) == 0:
		return x.release(now)
	case n < 9 && len(sent) > 0:
		return sent[random.IntN(len(sent))]
	case n < 11 && len(sent) > 0:
		m := bytes.Clone(sent[random.IntN(len(sent))])
		m[random.IntN(len(m))] ^= 1 << random.IntN(8)
		return m
	}
	m := make([]byte, random.IntN(100))
	for i := range m {
		m[i] = byte(random.Uint32())
	}
	return m
}

// native is the card on this machine, with none of the firmware's own code.
type native struct {
	device *card.Device
	panel  screen.Memory
	kept   []byte
	now    time.Time
}

func newNative(m card.Memory) *native {
	n := &native{}
	n.device = card.New(m, n, &screen.Prompt{Panel: &n.panel}, func() time.Time { return n.now })
	return n
}

func (n *native) Save(encoded []byte) error {
	n.kept = bytes.Clone(encoded)
	return nil
}

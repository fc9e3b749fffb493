package dyncode_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"sotto/dyncode"
)

const vectorHeader = `# Test vectors of dynamic data, version 1 of the format (docs/protocol/dynamic-data.md).
#
# A vector is a block of lines "name: value"; an empty line ends it, and a line
# that begins with # explains. Keys, ids, digests, nonces and encoded objects are
# hexadecimal; numbers are decimal; text is UTF-8 up to the end of the line. What
# is absent has no line.
#
# "op" says what to do, and "expect" what must come of it:
#
#   keys             derive the keys from master, transport and pairing: ok
#   key-source       read encoded, write it again, digest it: ok, malformed
#   code-mac         compute mac: ok
#   phone-box        open sealed into plain, and seal it again with random: ok, seal
#   personalization  read encoded, write it again: ok
#   receipt          verify receipt with the card's key, write it again: ok, seal,
#                    malformed, version
#   read             read message as a card does that knows master, card, profile
#                    and, if it is bound, phone, pairing and key-source-digest,
#                    has accepted the counters -seen, and has the time now: show,
#                    or the name of the reason why it refuses; answer is what it
#                    sends back
#
# How the message of a read vector was made:
#
#   form: sealed     content, padded, in a bank part with the bank's seal, in the
#                    phone's seal
#   form: clear      content, padded, in a bank part in clear, in the phone's seal
#   form: direct     content, padded, in a bank part with the bank's seal
#   form: lines      lines for a card that cannot decrypt
#   from, change     the message of an earlier vector, changed: "xor 5 01" changes
#                    the byte at offset 5, "cut 1" takes the last byte away,
#                    "append 00" puts one behind it, "none" changes nothing
#
# With "kind" the padded content is made from the fields of the vector; without,
# padded is given, and is something that an honest sender would not seal. A
# vector with neither form nor from gives the message alone.
#
# All keys here are public: they are for tests.
`

// making is a vector being made.
type making struct {
	t *testing.T
	vector
}

func (m *making) set(name, value string) *making {
	if slices.Contains(m.names, name) {
		m.t.Fatalf("%s: %s is set twice", m.values["vector"], name)
	}
	m.names = append(m.names, name)
	m.values[name] = value
	return m
}

// hex sets nothing for no bytes: what is absent has no line.
func (m *making) hex(name string, value []byte) *making {
	if len(value) == 0 {
		return m
	}
	return m.set(name, hex.EncodeToString(value))
}

func (m *making) number(name string, value uint64) *making {
	return m.set(name, strconv.FormatUint(value, 10))
}

func (m *making) optional(name string, value []byte) *making {
	if len(value) > 0 {
		m.set(name, string(value))
	}
	return m
}

// maker collects the vectors.
type maker struct {
	t   *testing.T
	all []*making
}

func (k *maker) add(op, name, note string) *making {
	m := &making{t: k.t, vector: vector{values: map[string]string{}}}
	k.all = append(k.all, m)
	return m.set("vector", name).set("op", op).set("note", note)
}

const (
	now       = 1_767_225_600 // 2026-01-01T00:00:00Z
	bankNext  = 7
	phoneNext = 3
)

// read begins a read vector: the card that reads, and what it knows.
func (k *maker) read(p dyncode.Profile, name, note string) *making {
	m := k.add("read", name, note).set("profile", p.String())
	if p != dyncode.Plain {
		m.hex("master", master.Reveal())
	}
	m.hex("card", cardID[:])
	if p != dyncode.Plain {
		m.hex("phone", phoneID[:]).hex("pairing", pairing.Reveal()).hex("key-source-digest", source[:])
		m.number("bank-counter-seen", bankNext-1).number("phone-counter-seen", phoneNext-1).number("now", now)
	}
	return m
}

// replace gives a card state that read has set another value; "" takes it away.
func (m *making) replace(name, value string) *making {
	if value == "" {
		m.names = slices.DeleteFunc(m.names, func(n string) bool { return n == name })
		delete(m.values, name)
		return m
	}
	m.values[name] = value
	return m
}

// counters of a message, if they are not the next ones.
type counters struct{ bank, phone uint64 }

// made finishes a read vector whose message is made from content.
func (m *making) made(form string, c dyncode.Content, expect string) *making {
	m.hex("id", message[:]).fields(c)
	b, err := c.Append(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	return m.sealed(form, b, counters{bankNext, phoneNext}, expect)
}

func (m *making) fields(c dyncode.Content) *making {
	m.set("kind", [...]string{1: "payment", "bind", "release"}[c.Kind])
	m.optional("code", c.Code).number("expires-at", c.ExpiresAt).number("lifetime", uint64(c.Lifetime))
	switch c.Kind {
	case dyncode.Payment:
		m.number("amount", c.Amount).set("currency", string(c.Currency)).set("payee", string(c.Payee))
		m.optional("platform", c.Platform).optional("order", c.Order)
		m.optional("description", c.Description).optional("account", c.Account)
	case dyncode.Bind:
		m.set("phone-name", string(c.PhoneName)).hex("new-phone", c.Phone[:])
		m.hex("new-pairing", c.Pairing).hex("new-key-source-digest", c.KeySource)
	case dyncode.Release:
	}
	return m
}

func (m *making) sealed(form string, padded []byte, n counters, expect string) *making {
	if !slices.Contains(m.names, "id") {
		m.hex("id", message[:])
	}
	m.set("form", form).number("bank-counter", n.bank)
	if form != "direct" {
		m.number("phone-counter", n.phone)
	}
	p, _ := dyncode.ParseProfile(m.values["profile"])
	m.hex("padded", padded)
	part := cardSeal().Seal(nil, p, message, n.bank, padded)
	if form == "clear" {
		part = dyncode.AppendClear(nil, n.bank, padded)
	}
	m.hex("bank-part", part)
	if form == "direct" {
		return m.message(dyncode.AppendDirect(nil, p, message, part), expect)
	}
	return m.message(phoneSeal().Seal(nil, p, message, n.phone, part), expect)
}

// message ends a read vector: the card's reading itself makes the answer.
func (m *making) message(b []byte, expect string) *making {
	m.hex("message", b)
	in := &inputs{t: m.t, v: m.vector, used: map[string]bool{}}
	_, answer := in.read()
	return m.set("expect", expect).hex("answer", answer)
}

// from ends a read vector with another's message, changed.
func (m *making) from(k *maker, name, change, expect string) *making {
	m.set("from", name).set("change", change)
	at := slices.IndexFunc(k.all, func(o *making) bool { return o.values["vector"] == name })
	in := &inputs{t: m.t, v: m.vector, used: map[string]bool{}}
	return m.message(in.change(unhex(m.t, k.all[at].values["message"])), expect)
}

func makeVectors(t *testing.T) []vector {
	t.Helper()
	k := &maker{t: t}
	k.keys()
	k.keySources()
	k.shown()
	k.refusedForm()
	k.refusedSeal()
	k.refusedAfter()
	k.receipts()
	k.bank()
	out := make([]vector, len(k.all))
	for i, m := range k.all {
		out[i] = m.vector
	}
	return out
}

func (k *maker) keys() {
	derive := func(key, salt []byte, info string) []byte {
		b, err := hkdf.Key(sha256.New, key, salt, info, 32)
		if err != nil {
			k.t.Fatal(err)
		}
		return b
	}
	cardKey := derive(master.Reveal(), cardID[:], "sotto v1 card")
	k.add("keys", "all derivations", "HKDF-SHA-256 with the salts and labels of the document").
		hex("master", master.Reveal()).hex("transport", transport.Reveal()).hex("pairing", pairing.Reveal()).
		hex("card", cardID[:]).hex("phone", phoneID[:]).hex("key-source-digest", source[:]).
		hex("card-key", cardKey).
		hex("seal-key", derive(cardKey, cardID[:], "sotto v1 seal")).
		hex("receipt-key", derive(cardKey, cardID[:], "sotto v1 receipt")).
		hex("outer-key", derive(pairing.Reveal(), slices.Concat(cardID[:], phoneID[:]), "sotto v1 outer"+string(source[:]))).
		hex("phone-key", derive(transport.Reveal(), phoneID[:], "sotto v1 phone")).
		set("expect", "ok")
}

func (k *maker) keySources() {
	add := func(name, note string, s dyncode.KeySource) {
		encoded, err := s.Encode()
		if err != nil {
			k.t.Fatal(err)
		}
		digest := sha256.Sum256(encoded)
		k.add("key-source", name, note).
			hex("device", s.Device).hex("account", s.Account).hex("fingerprint", s.Fingerprint).hex("face", s.Face).
			hex("encoded", encoded).hex("digest", digest[:]).set("expect", "ok")
	}
	add("key source of four items", "device identifier, account datum, fingerprint and face template", dyncode.KeySource{
		Device: []byte("device-0001"), Account: []byte("customer 4711"), Fingerprint: run(0x11, 130), Face: run(0x77, 40),
	})
	add("key source of one item", "device identifier alone", dyncode.KeySource{Device: []byte("device-0001")})
	add("the same bytes as another item", "the digest differs from that of the vector before",
		dyncode.KeySource{Face: []byte("device-0001")})
	refuse := func(name string, encoded []byte) {
		k.add("key-source", name, "not canonical").hex("encoded", encoded).set("expect", "malformed")
	}
	refuse("key source of nothing", object(0xE7))
	refuse("key source out of order", object(0xE7, object(0x81, []byte("b")), object(0x80, []byte("a"))))
	refuse("key source with an empty item", object(0xE7, object(0x80), object(0x81, []byte("b"))))
}

// shown are the messages that a card shows.
func (k *maker) shown() {
	k.read(dyncode.CardSealed, "card-sealed payment, all details", "the default profile; this one is worked through in the document").
		made("sealed", payment(), "show")

	minimal := payment()
	minimal.Platform, minimal.Order, minimal.Description, minimal.Account = nil, nil, nil, nil
	minimal.Amount, minimal.Payee = 1, []byte("X")
	k.read(dyncode.CardSealed, "card-sealed payment, no details", "the shortest there is").made("sealed", minimal, "show")

	chinese := payment()
	chinese.Payee, chinese.Platform = []byte("杭州绿茶馆有限公司"), []byte("云上集市")
	chinese.Description = []byte("龙井茶 250 克")
	k.read(dyncode.CardSealed, "payee in Chinese", "three bytes a character").made("sealed", chinese, "show")

	long := payment()
	long.Code, long.Amount, long.Currency = []byte("00481516"), dyncode.AmountMax, []byte("JPY")
	k.read(dyncode.CardSealed, "code of 8 digits, largest amount", "leading zeroes are digits of the code").made("sealed", long, "show")

	k.read(dyncode.CardSealed, "bind", "sealed by the bank alone: the card is not bound yet").
		replace("phone", "").replace("pairing", "").replace("key-source-digest", "").
		made("direct", binding(), "show")
	k.read(dyncode.CardSealed, "release", "no code, and lifetime and time may be anything").
		replace("now", "1900000000").made("direct", release(), "show")
	k.read(dyncode.PhoneSealed, "phone-sealed payment", "the phone's seal alone").made("clear", payment(), "show")
	k.read(dyncode.PhoneSealed, "bind of a phone-sealed card", "the bank seals bindings in this profile too").
		made("direct", binding(), "show")

	lines := dyncode.Lines{Lifetime: 180, Code: []byte("493027"), Text: [][]byte{[]byte("CNY 128.00"), []byte("绿茶馆"), []byte("A-1001")}}
	k.lines("lines with a code", "for a card that cannot decrypt", lines)
	k.lines("lines with no code", "a notice", dyncode.Lines{Lifetime: 60, Text: [][]byte{[]byte("Card released")}})
}

func (k *maker) lines(name, note string, l dyncode.Lines) {
	b, err := dyncode.AppendLines(nil, message, l)
	if err != nil {
		k.t.Fatal(err)
	}
	m := k.read(dyncode.Plain, name, note).hex("id", message[:]).set("form", "lines").
		number("lifetime", uint64(l.Lifetime)).optional("code", l.Code)
	for i, line := range l.Text {
		m.set(fmt.Sprintf("line-%d", i+1), string(line))
	}
	m.message(b, "show")
}

// refusedForm are refused before any key is used.
func (k *maker) refusedForm() {
	const full = "card-sealed payment, all details"
	changed := func(name, note, change, expect string) {
		k.read(dyncode.CardSealed, name, note).from(k, full, change, expect)
	}
	changed("template of another tag", "E1 has become E0", "xor 0 01", "malformed")
	changed("truncated by a byte", "length and bytes disagree", "cut 1", "malformed")
	changed("a byte behind the message", "length and bytes disagree", "append 00", "malformed")
	changed("version 2", "whatever follows it is not looked at", "xor 5 03", "version")
	changed("profile of the message changed", "a card refuses every profile but its own", "xor 8 03", "profile")
	changed("unknown profile", "0 is none", "xor 8 01", "malformed")

	head := slices.Concat(object(0x80, []byte{1}), object(0x81, []byte{1}), object(0x82, message[:]))
	counter, body := object(0x83, make([]byte, 8)), object(0x84, make([]byte, 80))
	lines := object(0x86, object(0x80, []byte{0, 180}), object(0xA2, object(0x80, []byte("493027"))))
	written := func(name, note string, b []byte) {
		k.read(dyncode.CardSealed, name, note).message(b, "malformed")
	}
	written("objects out of order", "84 before 83", object(0xE1, head, body, counter))
	written("an object twice", "83", object(0xE1, head, counter, counter, body))
	written("an unknown object", "87", object(0xE1, head, counter, body, object(0x87, []byte{1})))
	written("length not minimal", "83 with a length of two bytes", object(0xE1, head, []byte{0x83, 0x81, 8}, make([]byte, 8), body))
	written("above 1280 bytes", "the limit of one message", object(0xE1, head, counter, object(0x84, make([]byte, 1300))))
	written("lines for a card that decrypts", "lines under the card's own profile are no downgrade but nonsense", object(0xE1, head, lines))
	written("direct message in clear", "with no phone's seal the bank's must be there",
		object(0xE1, head, object(0x85, dyncode.AppendClear(nil, bankNext, padded(k.t, payment())))))
	k.read(dyncode.CardSealed, "downgrade to plain", "what a thief's phone would like to show").
		from(k, "lines with a code", "none", "profile")
	k.read(dyncode.Plain, "a sealed message at a plain card", "it could not open it").from(k, full, "none", "profile")
	k.read(dyncode.CardSealed, "unbound card", "no pairing with any phone").
		replace("phone", "").replace("pairing", "").replace("key-source-digest", "").from(k, full, "none", "unbound")
}

// refusedSeal do not open.
func (k *maker) refusedSeal() {
	const full = "card-sealed payment, all details"
	changed := func(name, note, change string) {
		k.read(dyncode.CardSealed, name, note).from(k, full, change, "seal")
	}
	changed("message id changed", "its last byte, at offset 26", "xor 26 01")
	changed("phone's counter changed", "its last byte, at offset 36", "xor 36 01")
	changed("first sealed byte changed", "at offset 40", "xor 40 80")
	changed("last byte of the tag changed", "a bit of the 128", "xor 215 01")

	other := raw(0xB0)
	state := func(name, note, field string, value []byte) {
		k.read(dyncode.CardSealed, name, note).replace(field, hex.EncodeToString(value)).from(k, full, "none", "seal")
	}
	state("another card", "the message of one card at another of the same bank", "card", other[:])
	state("another phone", "paired under the same secret, if that could be", "phone", other[:])
	state("another pairing secret", "the card has been bound anew", "pairing", run(0x21, 32))
	state("another key source", "the same phone with another finger", "key-source-digest", run(0x81, 32))
	state("another bank", "the outer seal opens, the inner does not", "master", run(0x01, 32))

	k.read(dyncode.PhoneSealed, "message of a card-sealed card with its profile rewritten", "both seals cover the profile").
		from(k, full, "xor 8 03", "seal")
	k.read(dyncode.CardSealed, "content that the phone made up", "a phone alone cannot speak for the bank").
		sealed("clear", padded(k.t, payment()), counters{bankNext, phoneNext}, "seal")

	tampered := cardSeal().Seal(nil, dyncode.CardSealed, message, bankNext, padded(k.t, payment()))
	tampered[len(tampered)-100] ^= 0x10
	k.read(dyncode.CardSealed, "amount changed by the phone", "one bit of the bank part, sealed anew by the phone").
		message(phoneSeal().Seal(nil, dyncode.CardSealed, message, phoneNext, tampered), "seal")
}

// refusedAfter are authentic, and refused all the same.
func (k *maker) refusedAfter() {
	const full = "card-sealed payment, all details"
	state := func(name, note, field, value, expect string) {
		k.read(dyncode.CardSealed, name, note).replace(field, value).from(k, full, "none", expect)
	}
	state("phone's counter not above the last", "a replay, or out of order", "phone-counter-seen", "3", "counter")
	state("bank's counter not above the last", "an older code through a new seal of the phone", "bank-counter-seen", "7", "counter")
	state("arrived too late", "expires-at itself is too late", "now", "1767225780", "expired")
	k.read(dyncode.CardSealed, "last counter of all", "none could follow it: the card would never show a code again").
		fields(payment()).sealed("sealed", padded(k.t, payment()), counters{1<<64 - 1, phoneNext}, "exhausted")

	content := func(name, note string, padded []byte) {
		k.read(dyncode.CardSealed, name, note).sealed("sealed", padded, counters{bankNext, phoneNext}, "content")
	}
	good := padded(k.t, payment())
	end := bytes.LastIndexByte(good, 0x80)
	bad := bytes.Clone(good)
	bad[end] = 0x81
	content("padding without its mark", "80 has become 81", bad)
	bad = bytes.Clone(good)
	bad[len(bad)-1] = 1
	content("padding not zero", "its last byte", bad)
	content("padding of a block too much", "one content would have two forms", append(bytes.Clone(good), make([]byte, 64)...))
	content("no padding", "not a multiple of 64 bytes", good[:end])
	ruined := func(name, note string, old, with []byte) {
		if len(old) != len(with) || bytes.Count(good, old) != 1 {
			k.t.Fatalf("%s: the bytes to replace are not there once", name)
		}
		content(name, note, bytes.Replace(good, old, with, 1))
	}
	ruined("code with a letter", "493O27", []byte("493027"), []byte("493O27"))
	ruined("amount 0", "nothing to pay", []byte{0x84, 8, 0, 0, 0, 0, 0, 0, 0x32, 0}, []byte{0x84, 8, 0, 0, 0, 0, 0, 0, 0, 0})
	ruined("amount of 13 digits", "EMV's n12 ends at 999999999999", []byte{0x84, 8, 0, 0, 0, 0}, []byte{0x84, 8, 0, 0, 0, 0xFF})
	ruined("payee not UTF-8", "a byte that is none", []byte("Green Tea"), []byte("Green\xFFTea"))
	ruined("content out of order", "86 and 85 exchanged", []byte{0x85, 3, 'C', 'N', 'Y', 0x86}, []byte{0x86, 3, 'C', 'N', 'Y', 0x85})
	k.read(dyncode.CardSealed, "bind through a phone", "a phone must not be able to introduce another").
		fields(binding()).sealed("sealed", padded(k.t, binding()), counters{bankNext, phoneNext}, "content")
	k.read(dyncode.PhoneSealed, "release made up by a phone", "in clear, under the phone's seal").
		fields(release()).sealed("clear", padded(k.t, release()), counters{bankNext, phoneNext}, "content")
	k.read(dyncode.CardSealed, "payment with no phone", "a code comes through the phone that the card is bound to").
		fields(payment()).sealed("direct", padded(k.t, payment()), counters{bank: bankNext}, "content")
}

func (k *maker) receipts() {
	add := func(name, note string, master, card, b []byte, expect string) *making {
		return k.add("receipt", name, note).hex("master", master).hex("card", card).hex("receipt", b).set("expect", expect)
	}
	for i, name := range []string{"receipt: shown", "receipt: bound", "receipt: released"} {
		r := dyncode.Receipt{Result: dyncode.Result(i + 1), Message: message, Counter: bankNext}
		add(name, "the first 16 bytes of the MAC", master.Reveal(), cardID[:], cardSeal().AppendReceipt(nil, r), "ok").
			hex("id", message[:]).number("result", uint64(r.Result)).number("bank-counter", r.Counter)
	}
	shown := dyncode.Receipt{Result: dyncode.Shown, Message: message, Counter: bankNext}
	good := cardSeal().AppendReceipt(nil, shown)
	other := raw(0xB0)
	add("receipt of another card", "the MAC covers the card's id", master.Reveal(), other[:], good, "seal")
	add("receipt without a MAC", "as a plain card gives it: it proves nothing", master.Reveal(), cardID[:], dyncode.AppendBareReceipt(nil, shown), "seal")
	changed := bytes.Clone(good)
	changed[7] = byte(dyncode.Bound)
	add("receipt of another result", "shown has become bound", master.Reveal(), cardID[:], changed, "seal")
	add("receipt truncated", "by a byte", master.Reveal(), cardID[:], good[:len(good)-1], "malformed")
	add("receipt of version 2", "whatever follows is not looked at", master.Reveal(), cardID[:], object(0xE4, object(0x80, []byte{2}), []byte{0xFF}), "version")
}

// bank are the values that no card sees.
func (k *maker) bank() {
	mac := func(name, note string, l dyncode.Linked, code string) {
		sum := dyncode.CodeMAC(pepper, l, []byte(code))
		k.add("code-mac", name, note).hex("pepper", pepper.Reveal()).hex("payment", l.Message[:]).
			number("amount", l.Amount).set("currency", l.Currency).set("payee", l.Payee).set("code", code).
			hex("mac", sum[:]).set("expect", "ok")
	}
	paid := dyncode.Linked{Message: raw(0xA0), Amount: 12800, Currency: "CNY", Payee: "Green Tea House"}
	mac("code MAC", "over payment, amount, currency, payee and code", paid, "493027")
	paid.Payee = "杭州绿茶馆有限公司"
	mac("code MAC, payee in Chinese", "lengths are in bytes", paid, "00481516")

	box := dyncode.NewBox(dyncode.PhoneKey(transport, phoneID), phoneID)
	random := [12]byte(run(0x31, 12))
	plain := []byte("a pairing, or content in clear")
	boxed := func(name, note string, card []byte, expect string) *making {
		return k.add("phone-box", name, note).hex("transport", transport.Reveal()).hex("phone", phoneID[:]).
			hex("card", card).hex("dispatch", message[:]).set("expect", expect).
			hex("sealed", box.Seal(nil, random, cardID, message, plain))
	}
	boxed("phone box", "the bank's own words to a phone", cardID[:], "ok").hex("random", random[:]).hex("plain", plain)
	other := raw(0xB0)
	boxed("phone box led to another card", "the box covers the card", other[:], "seal")

	p := personalization()
	encoded, err := p.Append(nil)
	if err != nil {
		k.t.Fatal(err)
	}
	k.add("personalization", "personalization", "what is written into a fresh card").
		set("profile", p.Profile.String()).hex("card", p.Card[:]).set("holder", p.Holder).set("language", p.Language).
		hex("card-key", p.Key.Reveal()).hex("encoded", encoded).set("expect", "ok")
}

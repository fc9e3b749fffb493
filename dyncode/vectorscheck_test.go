package dyncode_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"math"
	"strconv"
	"strings"

	"sotto/dyncode"
)

// One function for each op of the vectors; the header of the file explains them.

func checkKeys(in *inputs, _ map[string]vector) {
	derive := func(key, salt []byte, info string) []byte {
		b, err := hkdf.Key(sha256.New, key, salt, info, 32)
		if err != nil {
			in.t.Fatal(err)
		}
		return b
	}
	card, phone := in.id("card"), in.id("phone")
	cardKey := dyncode.CardKey(in.secret("master"), card)
	in.want("card-key", cardKey.Reveal())
	in.want("phone-key", dyncode.PhoneKey(in.secret("transport"), phone).Reveal())
	// These three never leave the package; whatever they seal is checked below.
	in.want("seal-key", derive(cardKey.Reveal(), card[:], "sotto v1 seal"))
	in.want("receipt-key", derive(cardKey.Reveal(), card[:], "sotto v1 receipt"))
	in.want("outer-key", derive(in.hex("pairing"), append(card[:], phone[:]...), "sotto v1 outer"+string(in.hex("key-source-digest"))))
	in.expect("ok")
}

func checkKeySource(in *inputs, _ map[string]vector) {
	k, err := dyncode.ParseKeySource(in.hex("encoded"))
	if err != nil {
		in.expect("malformed")
		return
	}
	in.expect("ok")
	for name, got := range map[string][]byte{"device": k.Device, "account": k.Account, "fingerprint": k.Fingerprint, "face": k.Face} {
		in.want(name, got)
	}
	again, err := k.Encode()
	if err != nil {
		in.t.Fatal(err)
	}
	in.want("encoded", again)
	digest, err := k.Digest()
	if err != nil {
		in.t.Fatal(err)
	}
	in.want("digest", digest[:])
}

func checkCodeMAC(in *inputs, _ map[string]vector) {
	mac := dyncode.CodeMAC(in.secret("pepper"), dyncode.Linked{
		Message: in.id("payment"), Amount: in.number("amount"), Currency: in.text("currency"), Payee: in.text("payee"),
	}, in.bytes("code"))
	in.want("mac", mac[:])
	in.expect("ok")
}

func checkBox(in *inputs, _ map[string]vector) {
	box := dyncode.NewBox(dyncode.PhoneKey(in.secret("transport"), in.id("phone")), in.id("phone"))
	plain, err := box.Open(in.id("card"), in.id("dispatch"), in.hex("sealed"))
	if err != nil {
		in.expect("seal")
		return
	}
	in.expect("ok")
	in.want("plain", plain)
	in.want("sealed", box.Seal(nil, [12]byte(in.hex("random")), in.id("card"), in.id("dispatch"), plain))
}

func checkPersonalization(in *inputs, _ map[string]vector) {
	p, err := dyncode.ParsePersonalization(in.hex("encoded"))
	if err != nil {
		in.t.Fatal(err)
	}
	if p.Profile != in.profile() || p.Card != in.id("card") || p.Holder != in.text("holder") || p.Language != in.text("language") {
		in.t.Errorf("got %+v", p)
	}
	in.want("card-key", p.Key.Reveal())
	again, err := p.Append(nil)
	if err != nil {
		in.t.Fatal(err)
	}
	in.want("encoded", again)
	in.expect("ok")
}

func checkReceipt(in *inputs, _ map[string]vector) {
	r, err := in.inner().Verify(in.hex("receipt"))
	switch {
	case errors.Is(err, dyncode.ErrSeal):
		in.expect("seal")
	case errors.Is(err, dyncode.ErrVersion):
		in.expect("version")
	case err != nil:
		in.expect("malformed")
	default:
		in.expect("ok")
		if r.Message != in.id("id") || uint64(r.Result) != in.number("result") || r.Counter != in.number("bank-counter") {
			in.t.Errorf("got %+v", r)
		}
		in.want("receipt", in.inner().AppendReceipt(nil, r))
	}
}

// checkRead makes the message from its parts, and has the card read it.
func checkRead(in *inputs, seen map[string]vector) {
	for _, name := range []string{ // what the card knows; a refusal may come before it is needed
		"profile", "master", "card", "phone", "pairing", "key-source-digest", "bank-counter-seen", "phone-counter-seen", "now",
	} {
		in.used[name] = true
	}
	switch {
	case in.has("form"):
		in.want("message", in.compose())
	case in.has("from"):
		from := seen[in.text("from")]
		other := &inputs{t: in.t, v: from, used: map[string]bool{}}
		in.want("message", in.change(other.hex("message")))
	}
	verdict, answer := in.read()
	in.expect(verdict)
	in.want("answer", answer)
}

// compose makes a message of one of the four forms from content and counters.
func (in *inputs) compose() []byte {
	id, p := in.id("id"), in.profile()
	if in.text("form") == "lines" {
		l := dyncode.Lines{Lifetime: uint16(in.number("lifetime")), Code: in.bytes("code")}
		for n := 1; in.has("line-" + strconv.Itoa(n)); n++ {
			l.Text = append(l.Text, in.bytes("line-"+strconv.Itoa(n)))
		}
		b, err := dyncode.AppendLines(nil, id, l)
		if err != nil {
			in.t.Fatal(err)
		}
		return b
	}
	content := in.hex("padded")
	if in.has("kind") {
		b, err := in.content().Append(nil)
		if err != nil {
			in.t.Fatal(err)
		}
		in.want("padded", b)
	}
	var part []byte
	if in.text("form") == "clear" {
		part = dyncode.AppendClear(nil, in.number("bank-counter"), content)
	} else {
		part = in.inner().Seal(nil, p, id, in.number("bank-counter"), content)
	}
	in.want("bank-part", part)
	if in.text("form") == "direct" {
		return dyncode.AppendDirect(nil, p, id, part)
	}
	return in.outer().Seal(nil, p, id, in.number("phone-counter"), part)
}

func (in *inputs) content() dyncode.Content {
	c := dyncode.Content{Code: in.bytes("code"), ExpiresAt: in.number("expires-at"), Lifetime: uint16(in.number("lifetime"))}
	switch in.text("kind") {
	case "payment":
		c.Kind = dyncode.Payment
		c.Amount, c.Currency, c.Payee = in.number("amount"), in.bytes("currency"), in.bytes("payee")
		c.Platform, c.Order = in.bytes("platform"), in.bytes("order")
		c.Description, c.Account = in.bytes("description"), in.bytes("account")
	case "bind":
		c.Kind = dyncode.Bind
		c.PhoneName, c.Phone = in.bytes("phone-name"), in.id("new-phone")
		c.Pairing, c.KeySource = in.hex("new-pairing"), in.hex("new-key-source-digest")
	case "release":
		c.Kind = dyncode.Release
	}
	return c
}

// change does what "change" says to another vector's message.
func (in *inputs) change(b []byte) []byte {
	b = bytes.Clone(b)
	words := strings.Fields(in.text("change"))
	switch words[0] {
	case "xor": // offset, byte
		at, _ := strconv.Atoi(words[1])
		b[at] ^= unhex(in.t, words[2])[0]
	case "cut": // bytes at the end
		n, _ := strconv.Atoi(words[1])
		b = b[:len(b)-n]
	case "append": // bytes
		b = append(b, unhex(in.t, words[1])...)
	case "none":
	default:
		in.t.Fatalf("unknown change %q", words[0])
	}
	return b
}

// read is the card's reading of a message, in the documented order of its
// checks; it returns the verdict and the answer on the link.
func (in *inputs) read() (verdict string, answer []byte) {
	m, err := dyncode.Parse(in.hex("message"))
	refuse := func(r dyncode.Reason) (string, []byte) {
		return r.String(), dyncode.Refusal{Reason: r, Message: m.ID}.Append(nil)
	}
	if errors.Is(err, dyncode.ErrVersion) {
		return refuse(dyncode.RefusedVersion)
	}
	if _, lines := dyncode.ParseLines(m.Lines); err != nil || m.Profile == dyncode.Plain && lines != nil {
		m.ID = [16]byte{}
		return refuse(dyncode.RefusedMalformed)
	}
	if m.Profile != in.profile() {
		return refuse(dyncode.RefusedProfile)
	}
	if m.Profile == dyncode.Plain {
		return "show", dyncode.AppendBareReceipt(nil, dyncode.Receipt{Result: dyncode.Shown, Message: m.ID})
	}
	o, reason := in.open(m)
	if reason == 0 {
		reason = in.judge(m, o)
	}
	if reason != 0 {
		return refuse(reason)
	}
	return "show", in.inner().AppendReceipt(nil, dyncode.Receipt{
		Result: dyncode.Result(o.content.Kind), Message: m.ID, Counter: o.counter,
	})
}

// inside is what lay inside a message's seals.
type inside struct {
	counter uint64 // the bank's
	content dyncode.Content
	broken  bool // authentic, but not readable
}

// open takes both seals off, or the one there is.
func (in *inputs) open(m dyncode.Message) (o inside, refused dyncode.Reason) {
	part := m.Direct
	if m.Sealed != nil {
		if !in.has("pairing") {
			return o, dyncode.RefusedUnbound
		}
		var err error
		if part, err = in.outer().Open(nil, m); err != nil {
			return o, dyncode.RefusedSeal
		}
	}
	bank, err := dyncode.ParseBankPart(part)
	if err != nil {
		return inside{broken: true}, 0
	}
	content := bank.Clear
	if m.Direct != nil || m.Profile == dyncode.CardSealed {
		if content, err = in.inner().Open(nil, m.Profile, m.ID, bank); err != nil {
			return o, dyncode.RefusedSeal
		}
	}
	o.counter = bank.Counter
	o.content, err = dyncode.ParseContent(content)
	o.broken = err != nil
	return o, 0
}

// judge looks at counters, content and time.
func (in *inputs) judge(m dyncode.Message, o inside) dyncode.Reason {
	bankSeen, phoneSeen, now := in.number("bank-counter-seen"), in.number("phone-counter-seen"), in.number("now")
	c := o.content
	switch {
	case m.Sealed != nil && m.Counter <= phoneSeen, !o.broken && o.counter <= bankSeen:
		return dyncode.RefusedCounter
	case o.broken, (c.Kind == dyncode.Payment) != (m.Sealed != nil):
		return dyncode.RefusedContent
	case c.Kind != dyncode.Release && now >= c.ExpiresAt:
		return dyncode.RefusedExpired
	case o.counter == math.MaxUint64, m.Counter == math.MaxUint64:
		return dyncode.RefusedExhausted
	}
	return 0
}

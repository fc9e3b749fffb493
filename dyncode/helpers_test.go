package dyncode_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// The parties of every test here.
var (
	master    = key(0x00)
	pairing   = key(0x20)
	transport = key(0x40)
	pepper    = key(0x60)

	cardID  = raw(0xC0)
	phoneID = raw(0xF0)
	message = raw(0xD0)

	source = [32]byte(run(0x80, 32))
)

var profiles = []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed, dyncode.Plain}

// run is n bytes that count up from the first.
func run(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func key(first byte) secret.Secret { return secret.New(run(first, dyncode.KeySize)) }

func raw(first byte) ident.Raw { return ident.Raw(run(first, 16)) }

func cardSeal() dyncode.Inner {
	return dyncode.NewInner(dyncode.CardKey(master, cardID), cardID)
}

func phoneSeal() dyncode.Outer { return dyncode.NewOuter(pairing, cardID, phoneID, source) }

// payment is a content that holds its rules, and uses them all.
func payment() dyncode.Content {
	return dyncode.Content{
		Kind: dyncode.Payment, Code: []byte("493027"), ExpiresAt: 1_767_225_780, Lifetime: 180,
		Amount: 12800, Currency: []byte("CNY"), Payee: []byte("Green Tea House"),
		Platform: []byte("Market Hall"), Order: []byte("A-1001"),
		Description: []byte("Green tea, 250 g"), Account: []byte("621700******0001"),
	}
}

func binding() dyncode.Content {
	return dyncode.Content{
		Kind: dyncode.Bind, Code: []byte("118265"), ExpiresAt: 1_767_225_780, Lifetime: 180,
		PhoneName: []byte("Kitchen phone"), Phone: phoneID, Pairing: run(0x20, 32), KeySource: source[:],
	}
}

func release() dyncode.Content {
	return dyncode.Content{Kind: dyncode.Release, ExpiresAt: 1_767_225_780}
}

// padded writes a content that must be right.
func padded(t testing.TB, c dyncode.Content) []byte {
	t.Helper()
	b, err := c.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealed is the message in which a card-sealed code crosses a link.
func sealed(t testing.TB, c dyncode.Content) []byte {
	t.Helper()
	part := cardSeal().Seal(nil, dyncode.CardSealed, message, 7, padded(t, c))
	return phoneSeal().Seal(nil, dyncode.CardSealed, message, 3, part)
}

// open undoes sealed with whatever keys it is given.
func open(b []byte, outer dyncode.Outer, inner dyncode.Inner) (dyncode.Content, error) {
	m, err := dyncode.Parse(b)
	if err != nil {
		return dyncode.Content{}, err
	}
	clear, err := outer.Open(nil, m)
	if err != nil {
		return dyncode.Content{}, err
	}
	part, err := dyncode.ParseBankPart(clear)
	if err != nil {
		return dyncode.Content{}, err
	}
	content, err := inner.Open(nil, m.Profile, m.ID, part)
	if err != nil {
		return dyncode.Content{}, err
	}
	return dyncode.ParseContent(content)
}

func wantError(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// object is one TLV object in its shortest form, so that tests can write what
// the package would not.
func object(tag byte, value ...[]byte) []byte {
	var v []byte
	for _, part := range value {
		v = append(v, part...)
	}
	switch n := len(v); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, v...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, v...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, v...)
	}
}

// pad completes a content as Append does.
func pad(b []byte) []byte {
	b = append(b, 0x80)
	for len(b)%64 != 0 {
		b = append(b, 0)
	}
	return b
}

func drawText(t *rapid.T, label string, minimum, maximum int) []byte {
	if minimum == 0 && rapid.Bool().Draw(t, label+" absent") {
		return nil
	}
	return []byte(rapid.StringN(1, -1, maximum).Draw(t, label))
}

func drawRaw(t *rapid.T, label string) ident.Raw {
	return ident.Raw(drawBytes(t, label, 16))
}

func drawBytes(t *rapid.T, label string, n int) []byte {
	return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, label)
}

// drawContent draws any content that holds its rules.
func drawContent(t *rapid.T) dyncode.Content {
	c := dyncode.Content{
		Kind:      rapid.SampledFrom([]dyncode.Kind{dyncode.Payment, dyncode.Bind, dyncode.Release}).Draw(t, "kind"),
		ExpiresAt: rapid.Uint64().Draw(t, "expires at"),
		Lifetime:  rapid.Uint16Min(1).Draw(t, "lifetime"),
	}
	if c.Kind != dyncode.Release {
		c.Code = []byte(rapid.StringMatching("[0-9]{6,8}").Draw(t, "code"))
	}
	switch c.Kind {
	case dyncode.Payment:
		c.Amount = rapid.Uint64Range(1, dyncode.AmountMax).Draw(t, "amount")
		c.Currency = []byte(rapid.StringMatching("[A-Z]{3}").Draw(t, "currency"))
		c.Payee = drawText(t, "payee", 1, dyncode.PayeeMax)
		c.Platform = drawText(t, "platform", 0, dyncode.PlatformMax)
		c.Order = drawText(t, "order", 0, dyncode.OrderMax)
		c.Description = drawText(t, "description", 0, dyncode.DescriptionMax)
		c.Account = drawText(t, "account", 0, dyncode.AccountMax)
	case dyncode.Bind:
		c.PhoneName = drawText(t, "phone name", 1, dyncode.PhoneNameMax)
		c.Phone = drawRaw(t, "phone")
		c.Pairing = drawBytes(t, "pairing", 32)
		c.KeySource = drawBytes(t, "key source", 32)
	}
	return c
}

func personalization() dyncode.Personalization {
	return dyncode.Personalization{
		Card: cardID, Holder: "A Holder", Language: "en",
		Profile: dyncode.CardSealed, Key: dyncode.CardKey(master, cardID),
	}
}

package phone

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/dyncode"
)

// linesOf is what a Plain card is sent for a content.
func linesOf(t *testing.T, language string, kind bankapi.DispatchKind, c dyncode.Content) dyncode.Lines {
	t.Helper()
	id := dispatchID(0, 1)
	d := bankapi.Dispatch{
		ID: id, Kind: kind, Profile: uint8(dyncode.Plain), Card: cardText,
		ExpiresAt: start.Add(100 * time.Second).UnixMilli(),
	}
	d.Body = boxed(id, padded(c))
	if kind == bankapi.DispatchPair {
		d.Body = boxed(id, bankapi.Pairing{Secret: fill(1), BankPart: padded(c)}.Append(nil))
	}
	r := newRig(t, inUse(dyncode.Plain), shown)
	r.c.Language = language
	r.give(t, d)
	if len(r.sent) != 1 {
		t.Fatalf("%d messages, want 1; the log has %q", len(r.sent), r.notes)
	}
	m, err := dyncode.Parse(r.sent[0])
	if err != nil {
		t.Fatal(err)
	}
	l, err := dyncode.ParseLines(m.Lines)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLines(t *testing.T) {
	bind := dyncode.Content{
		Kind: dyncode.Bind, Code: []byte("654321"), Lifetime: 60, PhoneName: []byte("Mei's phone"),
		Phone: phoneRaw, Pairing: fill(1), KeySource: fill(2),
	}
	bare := dyncode.Content{
		Kind: dyncode.Payment, Code: []byte("12345678"), Lifetime: 180, Amount: 500, Currency: []byte("JPY"), Payee: []byte("茶屋"),
	}
	cases := []struct {
		name, language string
		kind           bankapi.DispatchKind
		content        dyncode.Content
		code           string
		lifetime       uint16
		want           string
	}{
		{"a payment", "en", bankapi.DispatchCode, paymentContent("123456"), "123456", 100,
			"Amount: CNY 128.00|Payee: Green Hill Tea|Platform: shop.example|Order: A-1001|Details: Green tea, 250 g|Card: 621700******0001"},
		{"a payment", "zh", bankapi.DispatchCode, paymentContent("123456"), "123456", 100,
			"金额：CNY 128.00|收款方：Green Hill Tea|平台：shop.example|订单号：A-1001|详情：Green tea, 250 g|卡号：621700******0001"},
		{"only what must be", "en", bankapi.DispatchCode, bare, "12345678", 100, "Amount: JPY 500|Payee: 茶屋"},
		{"a binding", "en", bankapi.DispatchPair, bind, "654321", 60, "Bind to phone: Mei's phone"},
		{"a binding", "zh", bankapi.DispatchPair, bind, "654321", 60, "绑定手机：Mei's phone"},
		{"a release", "en", bankapi.DispatchRelease, dyncode.Content{Kind: dyncode.Release}, "", noticeLifetime, "The phone is no longer bound to this card"},
		{"a release", "zh", bankapi.DispatchRelease, dyncode.Content{Kind: dyncode.Release}, "", noticeLifetime, "手机已与本卡解除绑定"},
	}
	for _, c := range cases {
		l := linesOf(t, c.language, c.kind, c.content)
		if got := string(bytes.Join(l.Text, []byte("|"))); got != c.want {
			t.Errorf("%s, %s:\ngot  %s\nwant %s", c.name, c.language, got, c.want)
		}
		if string(l.Code) != c.code || l.Lifetime != c.lifetime {
			t.Errorf("%s, %s: code %s for %d s, want %s for %d s", c.name, c.language, l.Code, l.Lifetime, c.code, c.lifetime)
		}
	}
}

// The longest facts that the bank may send fit, in both languages.
func TestLongestLines(t *testing.T) {
	long := func(n int) []byte { return []byte(strings.Repeat("x", n)) }
	c := paymentContent("12345678")
	c.Amount = dyncode.AmountMax
	c.Payee, c.Platform = long(dyncode.PayeeMax), long(dyncode.PlatformMax)
	c.Order, c.Description, c.Account = long(dyncode.OrderMax), long(dyncode.DescriptionMax), long(dyncode.AccountMax)
	for _, language := range []string{"en", "zh"} {
		if l := linesOf(t, language, bankapi.DispatchCode, c); len(l.Text) != 6 {
			t.Errorf("%s: %d lines, want 6", language, len(l.Text))
		}
	}
}

// A content of another kind than its dispatch is no message.
func TestLinesOfAnotherKind(t *testing.T) {
	id := dispatchID(0, 1)
	for _, kind := range []bankapi.DispatchKind{bankapi.DispatchCode, bankapi.DispatchRelease} {
		c := paymentContent("123456")
		if kind == bankapi.DispatchCode {
			c = dyncode.Content{Kind: dyncode.Release}
		}
		r := newRig(t, inUse(dyncode.Plain), shown)
		r.give(t, bankapi.Dispatch{
			ID: id, Kind: kind, Profile: uint8(dyncode.Plain), Card: cardText,
			ExpiresAt: start.Add(time.Minute).UnixMilli(), Body: boxed(id, padded(c)),
		})
		if got := reported(t, r); got != "refused: content" || len(r.sent) != 0 {
			t.Errorf("kind %d: reported %q after %d messages, want a refusal and none", kind, got, len(r.sent))
		}
	}
}

package phone

import (
	"time"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/money"
)

// labels are the words around the facts on a card that cannot decrypt.
type labels struct{ amount, payee, platform, order, description, account, bind, released string }

var labelsOf = map[string]labels{
	"en": {
		amount: "Amount: ", payee: "Payee: ", platform: "Platform: ", order: "Order: ",
		description: "Details: ", account: "Card: ",
		bind: "Bind to phone: ", released: "The phone is no longer bound to this card",
	},
	"zh": {
		amount: "金额：", payee: "收款方：", platform: "平台：", order: "订单号：",
		description: "详情：", account: "卡号：",
		bind: "绑定手机：", released: "手机已与本卡解除绑定",
	},
}

// noticeLifetime is how long a notice without a code stays, in seconds.
const noticeLifetime = 60

// lines is the simple transformation of A9. It wipes its own text; content is
// the caller's to wipe, and the message too, once it has been sent.
func (p *Phone) lines(j *job, id ident.Raw, want dyncode.Kind, padded []byte) ([]byte, error) {
	c, err := dyncode.ParseContent(padded)
	if err != nil || c.Kind != want {
		return nil, errContent
	}
	l := dyncode.Lines{Code: c.Code, Lifetime: p.lifetime(j, c)}
	text := labelsOf[p.c.Language].text(c)
	defer func() {
		for _, line := range text {
			clear(line)
		}
	}()
	l.Text = text
	message, err := dyncode.AppendLines(make([]byte, 0, dyncode.MessageMax), id, l)
	if err != nil {
		clear(message[:cap(message)])
		return nil, errContent
	}
	return message, nil
}

// lifetime is what is left of a code for a card that has no clock.
func (p *Phone) lifetime(j *job, c dyncode.Content) uint16 {
	if c.Lifetime == 0 {
		return noticeLifetime
	}
	left := (j.d.ExpiresAt - p.c.Now().UnixMilli()) / int64(time.Second/time.Millisecond)
	return uint16(max(1, min(left, int64(c.Lifetime))))
}

func (w labels) text(c dyncode.Content) (out [][]byte) {
	add := func(label string, fact []byte) {
		if len(fact) > 0 {
			line := make([]byte, 0, len(label)+len(fact))
			out = append(out, append(append(line, label...), fact...))
		}
	}
	switch c.Kind {
	case dyncode.Payment:
		amount := money.Amount{Minor: int64(c.Amount), Currency: money.Currency(c.Currency)}
		add(w.amount, []byte(amount.String()))
		add(w.payee, c.Payee)
		add(w.platform, c.Platform)
		add(w.order, c.Order)
		add(w.description, c.Description)
		add(w.account, c.Account)
	case dyncode.Bind:
		add(w.bind, c.PhoneName)
	case dyncode.Release:
		out = append(out, []byte(w.released))
	}
	return out
}

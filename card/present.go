package card

import (
	"bytes"
	"time"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/money"
)

// releasedFor is how long the notice of a release stays.
const releasedFor = time.Minute

// present makes the view of what was opened, without its code. It is not ok
// when that breaks the rules of content: unreadable, come by a way that is not
// its kind's, or in a currency that has no amounts.
func (x machine) present(o opened) (View, bool) {
	if o.broken || !kindFits(o) {
		return View{}, false
	}
	v := x.resting
	switch c := o.content; c.Kind {
	case dyncode.Bind:
		v.Scene = SceneBind
		v.Phone = Sanitize(string(c.PhoneName))
		return v, true
	case dyncode.Release:
		v.Scene = SceneReleased
		return v, true
	case dyncode.Payment:
		return presentPayment(v, c)
	}
	return View{}, false
}

func presentPayment(v View, c dyncode.Content) (View, bool) {
	currency, err := money.ParseCurrency(string(c.Currency))
	if err != nil {
		return View{}, false
	}
	v.Scene = ScenePayment
	v.Amount = money.Amount{Minor: int64(c.Amount), Currency: currency}.String()
	v.Payee = Sanitize(string(c.Payee))
	v.Details = details(c)
	return v, true
}

// details are in the order of View.Details.
func details(c dyncode.Content) []Detail {
	out := make([]Detail, 0, 4)
	for _, d := range [...]struct {
		kind DetailKind
		text []byte
	}{
		{DetailPlatform, c.Platform},
		{DetailOrder, c.Order},
		{DetailDescription, c.Description},
		{DetailCard, c.Account},
	} {
		if len(d.text) > 0 {
			out = append(out, Detail{d.kind, Sanitize(string(d.text))})
		}
	}
	return out
}

// restingView is the resting picture of a card.
func restingView(who dyncode.Personalization) View {
	return View{Scene: SceneIdle, CardID: ShortID(who.Card), Holder: Sanitize(who.Holder), Language: who.Language}
}

// ShortID is the form of a card's id that is printed on its body: the last eight
// digits, as in "T5R6-W8Y0".
func ShortID(card ident.Raw) string {
	text := ident.Text(ident.Card, card)
	return text[len(text)-8:len(text)-4] + "-" + text[len(text)-4:]
}

// receivePlain shows lines as they are: a card with no decryption component
// checks nothing but the form (A9). It has no counters, so all that tells a
// repetition is the message's id.
func (x machine) receivePlain(m dyncode.Message, lines dyncode.Lines) decision {
	d := decision{message: m.ID, next: x.memory}
	d.receipt = dyncode.Receipt{Result: dyncode.Shown, Message: m.ID}
	if d.receipt == x.memory.Shown {
		d.repeat = true
		return d
	}
	d.view = x.resting
	d.view.Scene = ScenePlain
	for _, line := range lines.Text {
		d.view.Lines = append(d.view.Lines, Sanitize(string(line)))
	}
	d.code = bytes.Clone(lines.Code)
	d.life = life{lifetime: time.Duration(lines.Lifetime) * time.Second}
	return d
}

// expired reports whether a code's time had passed on arrival. A release has no
// code, and is as right a year late.
func expired(c dyncode.Content, now time.Time) bool {
	return c.Kind != dyncode.Release && !now.IsZero() && unix(now) >= c.ExpiresAt
}

func lifeOf(c dyncode.Content) life {
	if c.Kind == dyncode.Release {
		return life{lifetime: releasedFor}
	}
	return life{time.Duration(c.Lifetime) * time.Second, c.ExpiresAt}
}

// unix is t in Unix seconds; a clock before 1970 stands at 0.
func unix(t time.Time) uint64 {
	if s := t.Unix(); s > 0 {
		return uint64(s)
	}
	return 0
}

// clockSlack is how far two readings of the clock, taken by two goroutines, may
// arrive in the wrong order. A clock that goes back further has been set.
const clockSlack = 2 * time.Second

// over reports whether a view that arrived then has ended by now. A clock that
// was set back ends it too: how long it has been shown is no longer known.
func (l life) over(arrival, now time.Time, clock bool) bool {
	age := now.Sub(arrival)
	return l.lifetime > 0 && age >= l.lifetime || age < -clockSlack ||
		clock && l.expiresAt > 0 && unix(now) >= l.expiresAt
}

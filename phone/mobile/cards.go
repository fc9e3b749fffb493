package mobile

// Card is a card that the phone is bound to, or is being bound to.
type Card struct {
	ID      string // "card_…"
	Profile string // "card-sealed", "phone-sealed" or "plain"
	Bound   bool   // the card has acknowledged; false while that is awaited
}

// Cards is a list of cards, in the order of their ids.
type Cards struct{ all []Card }

// Count is how many there are.
func (c *Cards) Count() int { return len(c.all) }

// At is one of them, from 0; nil when there is none.
func (c *Cards) At(i int) *Card {
	if i < 0 || i >= len(c.all) {
		return nil
	}
	return &c.all[i]
}

// Cards says which cards the phone knows. A phone that is stopped knows none.
func (p *Phone) Cards() *Cards {
	out := &Cards{}
	w := p.at()
	if w == nil {
		return out
	}
	for _, c := range w.phone.Cards() {
		out.all = append(out.all, Card{ID: c.Card, Profile: c.Profile.String(), Bound: c.Bound})
	}
	return out
}

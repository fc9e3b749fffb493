package bank

// Wrong codes are counted three times: for the payment, for the card and, so
// that no merchant can lock a card that it does not like, for the merchant at
// the card. After PairFailuresMax in a row that merchant is locked out at this
// card, and one more wrong code locks it out again; but none of these further
// ones counts for the card. Whoever wants to lock a card, or to guess on, needs
// one merchant more for every PairFailuresMax tries.

func wrongID(card, merchant string) string { return paceID(card, merchant) + "|wrong" }

// lockedFor is for how long no code of this card is taken in payments of this
// merchant, in milliseconds. The op has named the count.
func (o *opContext) lockedFor(card *Card, merchant string) int64 {
	until := card.LockedUntil
	if count := o.Paces.get(wrongID(card.ID, merchant)); count != nil {
		until = max(until, count.BudgetAt)
	}
	return max(0, until-o.now)
}

// countWrong counts a wrong code for the merchant and, as long as the merchant
// may still do that, for the card.
func (o *opContext) countWrong(p *Payment) {
	id := wrongID(p.Card, p.Merchant)
	if o.Paces.get(id) == nil {
		o.Paces.add(o.View, id, Pace{ID: id})
	}
	count := o.Paces.edit(o.View, id)
	count.Budget++
	if count.Budget <= o.policy.PairFailuresMax {
		o.countCard(p.Card)
	}
	if count.Budget >= o.policy.PairFailuresMax {
		count.BudgetAt = o.now + o.policy.CardLock
		o.emit("card.merchant_locked", p.Merchant, p.Card, 0, "")
	}
}

// countCard counts a wrong code for the card. The count outlives the lock, so
// that one more locks the card again at once.
func (o *opContext) countCard(id string) {
	card := o.Cards.edit(o.View, id)
	card.Failures++
	if card.Failures >= o.policy.CardFailuresMax {
		card.LockedUntil = o.now + o.policy.CardLock
		o.emit("card.locked", "", card.ID, 0, "")
	}
}

// countRight forgets the wrong codes of the merchant and of the card.
func (o *opContext) countRight(p *Payment) {
	o.Paces.remove(o.View, wrongID(p.Card, p.Merchant))
	if o.Cards.get(p.Card).Failures > 0 {
		o.Cards.edit(o.View, p.Card).Failures = 0
	}
}

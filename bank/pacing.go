package bank

// spend takes one code from a budget that fills by one an interval up to burst.
// It returns the budget left, in thousandths of a code, or how long to wait in
// milliseconds.
//
// A budget that is zero and was never touched (at zero) is full.
func spend(budget, at, now, burst, interval int64) (left, wait int64) {
	const one = 1000
	full := burst * one
	if at == 0 {
		budget = full
	} else if elapsed := now - at; elapsed > 0 {
		// An interval fills one; elapsed is bounded first so that the product
		// cannot overflow.
		elapsed = min(elapsed, burst*interval)
		budget = min(full, budget+elapsed*one/interval)
	}
	if budget < one {
		return budget, (one - budget) * interval / one
	}
	return budget - one, 0
}

// pace takes one code from the card's budgets, or answers with the wait. It
// changes nothing when either budget is empty, so that a flood from one
// merchant uses up only what that merchant may.
func (o *opContext) pace(card, merchant string) (wait int64) {
	p := &o.policy
	pairID := paceID(card, merchant)
	var pair Pace
	if stored := o.Paces.get(pairID); stored != nil {
		pair = *stored
	}
	c := o.Cards.get(card)
	pairLeft, pairWait := spend(pair.Budget, pair.BudgetAt, o.now, p.PairBurst, p.PairInterval)
	cardLeft, cardWait := spend(c.Budget, c.BudgetAt, o.now, p.CardBurst, p.CardInterval)
	if wait := max(pairWait, cardWait); wait > 0 {
		return wait
	}
	changed := o.Cards.edit(o.View, card)
	changed.Budget, changed.BudgetAt = cardLeft, o.now
	pair = Pace{ID: pairID, Budget: pairLeft, BudgetAt: o.now}
	if o.Paces.get(pairID) == nil {
		o.Paces.add(o.View, pairID, pair)
	} else {
		*o.Paces.edit(o.View, pairID) = pair
	}
	return 0
}

func paceID(card, merchant string) string { return card + "|" + merchant }

package bank

// spend takes one code from a budget that fills by one an interval up to burst.
// It returns the budget left, in thousandths of a code, with the time from which
// it fills, or how long to wait in milliseconds. An interval of zero paces
// nothing.
//
// A budget that is zero and was never touched (at zero) is full. A clock that
// steps back, or is behind another replica's, fills nothing twice: the budget
// fills again from the later time. One that was ahead by more than it takes to
// fill the budget was wrong, and is forgotten.
func spend(budget, at, now, burst, interval int64) (left, from, wait int64) {
	const one = 1000
	full := burst * one
	switch {
	case interval <= 0:
		return full, now, 0
	case at == 0:
		budget, at = full, now
	case at > now+burst*interval:
		at = now
	}
	if elapsed := now - at; elapsed > 0 {
		// Bounded before the product, which then cannot overflow.
		budget += min(elapsed, burst*interval) * one / interval
		at = now
	}
	budget = min(budget, full)
	if budget < one {
		return budget, at, at - now + ((one-budget)*interval+one-1)/one
	}
	return budget - one, at, 0
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
	pairLeft, pairFrom, pairWait := spend(pair.Budget, pair.BudgetAt, o.now, p.PairBurst, p.PairInterval)
	cardLeft, cardFrom, cardWait := spend(c.Budget, c.BudgetAt, o.now, p.CardBurst, p.CardInterval)
	if wait := max(pairWait, cardWait); wait > 0 {
		return wait
	}
	changed := o.Cards.edit(o.View, card)
	changed.Budget, changed.BudgetAt = cardLeft, cardFrom
	pair = Pace{ID: pairID, Budget: pairLeft, BudgetAt: pairFrom}
	if o.Paces.get(pairID) == nil {
		o.Paces.add(o.View, pairID, pair)
	} else {
		*o.Paces.edit(o.View, pairID) = pair
	}
	return 0
}

func paceID(card, merchant string) string { return card + "|" + merchant }

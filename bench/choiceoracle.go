package bench

// The oracle: which wallets can pay at all, said a second time. It looks at what
// was drawn and shares no code with the device, the till or the bank.

// pays reports whether this applet could pay: it is usable, of the currency, not
// expired, and neither the balance nor the limit of one tap is below the amount.
// An account needs a till that can ask the bank.
func (a appletPlan) pays(w walletPlan) bool {
	usable := a.state == stateReady || a.state == stateTorn
	if a.account && w.offline {
		return false
	}
	return usable && a.currency == w.currency && a.expiry >= choiceToday && a.balance >= w.amount && a.tapMax >= w.amount
}

// defaultPays reports whether the default card could pay.
func (w walletPlan) defaultPays() bool { return w.applets[w.preferred].pays(w) }

// anyPays reports whether any applet could pay.
func (w walletPlan) anyPays() bool {
	for _, a := range w.applets {
		if a.pays(w) {
			return true
		}
	}
	return false
}

package bankapi

// EventType is one kind of event: what its type says, and whom it is for.
type EventType struct {
	Name  string
	About string
	// Merchants hear of it, by webhook and at /v1/events, if it is theirs. The
	// issuer hears of everything.
	Merchants bool
}

// EventTypes are all there are, in the order of the documents. New ones may
// come; none goes or changes its meaning.
func EventTypes() []EventType { return eventTypes }

// IsEventType reports whether there is a type of this name.
func IsEventType(name string) bool { return eventNames[name] }

var eventTypes = []EventType{
	{"payment.created", "a payment waits for its code", true},
	{"payment.code_on_card", "the card's receipt says that it shows the code", true},
	{"payment.code_failed", "the card did not take the code; send another", true},
	{"payment.code_resent", "another code was sent, and the one before is void", true},
	{"payment.wrong_code", "a wrong code was typed", true},
	{"payment.authorized", "the right code was typed, and the money is held", true},
	{"payment.succeeded", "the money has moved", true},
	{"payment.declined", "too many wrong codes, or the money was not there", true},
	{"payment.expired", "no right code came in time, or held money was not captured", true},
	{"payment.canceled", "ended before the money moved", true},
	{"payment.refunded", "money went back: amount says how much this time", true},
	{"card.issued", "a card was issued", false},
	{"card.personalized", "a card's data was handed out, encrypted", false},
	{"card.active", "a card was unblocked", false},
	{"card.blocked", "a card was blocked", false},
	{"card.locked", "too many wrong codes on a card: nothing can be confirmed with it for a while", false},
	{"card.merchant_locked", "too many wrong codes for one merchant's payments on a card", true},
	{"phone.invited", "a ticket for a phone was made", false},
	{"phone.enrolled", "a phone has redeemed its ticket", false},
	{"phone.revoked", "a phone was shut out for good", false},
	{"binding.created", "a card asks whether to bind a phone", false},
	{"binding.code_on_card", "the card shows the binding's code", false},
	{"binding.code_failed", "the card did not take the binding", false},
	{"binding.wrong_code", "a wrong code was typed for a binding", false},
	{"binding.confirmed", "the right code was typed", false},
	{"binding.active", "the card has accepted a message under the binding", false},
	{"binding.failed", "a binding expired, or had too many wrong codes", false},
	{"binding.revoked", "a binding was ended", false},
	{"binding.released", "the card has forgotten a phone", false},
	{"applet.issued", "an applet was issued", false},
	{"applet.personalized", "an applet's data was handed out, encrypted", false},
	{"applet.active", "an applet was unblocked", false},
	{"applet.blocked", "an applet was blocked", false},
	{"taps.posted", "an upload of taps was paid into the batch: amount is their sum", true},
	{"tap.approved", "a tap was approved online", true},
	{"tap.declined", "a tap was declined online", true},
	{"tap.disputed", "a tap was not paid: its counter was used before, or the purse cannot have had it", true},
	{"tap.torn", "a posted tap that its purse has taken back was taken out of the open batch", true},
	{"tap.owed", "a tap that was paid out, and that its purse has taken back: the merchant owes it", true},
	{"tap.accepted", "a dispute ended, and the merchant has the money", true},
	{"tap.rejected", "a dispute ended, and the merchant has not", true},
	{"tap.reversed", "an approved tap was taken back", true},
	{"batch.settled", "a terminal's batch was paid out", true},
	{"load.in_flight", "money is on its way from an account into a purse", false},
	{"load.completed", "the purse has proved that a load arrived", false},
	{"load.returned", "a load never arrived, and its money is back", false},
	{"account.opened", "an account was opened; a merchant hears of its own", true},
	{"transfer.made", "the issuer has moved money between accounts", false},
	{"merchant.created", "a merchant was registered", true},
	{"key.created", "an API key was made", true},
	{"key.revoked", "an API key was revoked", true},
	{"webhook.created", "a webhook was registered", true},
	{"webhook.deleted", "a webhook was deleted", true},
}

var eventNames = func() map[string]bool {
	names := make(map[string]bool, len(eventTypes))
	for _, t := range eventTypes {
		names[t.Name] = true
	}
	return names
}()

package bank

import (
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// IssueCard makes a card for a customer's account.
type IssueCard struct {
	Request bankapi.IssueCard // PAN stands in PAN
	PAN     secret.Secret
	panMAC  string
}

// NewIssueCard takes the PAN out of the request.
func (k *Keys) NewIssueCard(r bankapi.IssueCard) IssueCard {
	op := IssueCard{Request: r, PAN: secret.New([]byte(r.PAN))}
	op.Request.PAN = ""
	op.panMAC = hexOf(k.panMAC(op.PAN))
	return op
}

func (op IssueCard) names(_ *View, n *names) {
	n.row(KindAccount, op.Request.Account)
	n.row(ByPAN, op.panMAC)
}

func (op IssueCard) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	r := op.Request
	if r.Profile == "" {
		r.Profile = dyncode.CardSealed.String()
	}
	if r.Language == "" {
		r.Language = "en"
	}
	account := o.Accounts.get(r.Account)
	_, known := dyncode.ParseProfile(r.Profile)
	switch {
	case account == nil || account.Kind != string(bankapi.AccountCustomer):
		return invalid("account", "give the id of a customer's account")
	case !pan(string(op.PAN.Reveal())):
		return invalid("pan", "give 12 to 19 digits with a right check digit")
	case !text(r.Holder, 1, 60):
		return invalid("holder", "give 1 to 60 bytes of plain text")
	case !known:
		return invalid("profile", "use card-sealed, phone-sealed or plain")
	case r.Language != "en" && r.Language != "zh":
		return invalid("language", "use en or zh")
	case o.lookup(ByPAN, op.panMAC) != "":
		return no(bankapi.Duplicate, "this PAN is issued already")
	}
	id := o.newID(ident.Card)
	c := o.Cards.add(o.View, id, Card{
		ID: id, Account: r.Account, Holder: r.Holder, Profile: r.Profile, Language: r.Language,
		Status: string(bankapi.CardActive), PANMAC: o.keys.panMAC(op.PAN), Number: mask(string(op.PAN.Reveal())), CreatedAt: o.now,
	})
	c.PANSealed = o.keys.sealPAN(o.draw12(), c, op.PAN)
	o.setLookup(ByPAN, op.panMAC, id)
	o.emit("card.issued", "", id, 0, "")
	return done(CardView(c))
}

// CardView is what the API shows of a card.
func CardView(c *Card) bankapi.Card {
	return bankapi.Card{
		ID: c.ID, Account: c.Account, Number: c.Number, Holder: c.Holder, Profile: c.Profile, Language: c.Language,
		Status: bankapi.CardStatus(c.Status), Binding: c.Binding, Phone: c.Phone,
		LockedUntil: bankapi.Time(c.LockedUntil), CreatedAt: bankapi.Time(c.CreatedAt),
	}
}

// SetCardStatus blocks or unblocks a card.
type SetCardStatus struct {
	Card   string
	Status bankapi.CardStatus
}

func (op SetCardStatus) names(_ *View, n *names) { n.row(KindCard, op.Card) }

func (op SetCardStatus) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	if op.Status != bankapi.CardActive && op.Status != bankapi.CardBlocked {
		return invalid("status", "use active or blocked")
	}
	if o.Cards.get(op.Card) == nil {
		return no(bankapi.NotFound, "give the id of a card")
	}
	c := o.Cards.edit(o.View, op.Card)
	c.Status = string(op.Status)
	if op.Status == bankapi.CardActive {
		c.LockedUntil, c.Failures = 0, 0
	}
	o.emit("card."+c.Status, "", c.ID, 0, "")
	return done(CardView(c))
}

// Personalize records that a card's key is handed to a personalising station.
// The answer is the card; the data itself is made by Bank.Personalization and
// never stored.
type Personalize struct{ Card string }

func (op Personalize) names(_ *View, n *names) { n.row(KindCard, op.Card) }

func (op Personalize) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	c := o.Cards.get(op.Card)
	if c == nil {
		return no(bankapi.NotFound, "give the id of a card")
	}
	o.emit("card.personalized", "", c.ID, 0, "")
	return done(CardView(c))
}

// Personalization is what goes into this card, with its root key in clear: the
// caller encrypts it to the personalising station and wipes it.
func (k *Keys) Personalization(c Card) ([]byte, error) {
	raw := mustRaw(ident.Card, c.ID)
	profile, _ := dyncode.ParseProfile(c.Profile)
	p := dyncode.Personalization{Card: raw, Holder: c.Holder, Language: c.Language, Profile: profile}
	if profile != dyncode.Plain {
		p.Key = dyncode.CardKey(k.s.IssuerMaster, raw)
	}
	return p.Append(nil)
}

// PhoneKey is the key under which the bank's words to one phone travel.
func (k *Keys) PhoneKey(phone string) secret.Secret {
	return dyncode.PhoneKey(k.s.PhoneTransport, mustRaw(ident.Phone, phone))
}

// SealWebhook seals a webhook's signing secret for its row; OpenWebhook opens it.
func (k *Keys) SealWebhook(random [12]byte, id string, s secret.Secret) []byte {
	return seal(k.s.APIKeys, random, id, s.Reveal())
}

// OpenWebhook answers false when the row was tampered with.
func (k *Keys) OpenWebhook(w Webhook) (secret.Secret, bool) {
	return unseal(k.s.APIKeys, w.ID, w.SecretSealed)
}

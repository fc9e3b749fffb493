package bank

import (
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/money"
	"sotto/secret"
)

// CreatePayment makes a payment and sends its code (A5, A6, A8, A10).
type CreatePayment struct {
	Request bankapi.CreatePayment // Card is a token; a PAN stands in PAN
	PAN     secret.Secret
	panMAC  string
}

// NewCreatePayment takes a PAN out of the request, so that it can no longer be
// printed or stored with it.
func (k *Keys) NewCreatePayment(r bankapi.CreatePayment) CreatePayment {
	op := CreatePayment{Request: r}
	if digitsOnly(r.Card) {
		op.PAN = secret.New([]byte(r.Card))
		op.panMAC = hexOf(k.panMAC(op.PAN))
		op.Request.Card = ""
	}
	return op
}

func (op CreatePayment) names(v *View, n *names) {
	card := op.Request.Card
	if op.panMAC != "" {
		n.row(ByPAN, op.panMAC)
		if !v.Has(Key{ByPAN, op.panMAC}) {
			return
		}
		card = v.lookup(ByPAN, op.panMAC)
	}
	n.row(KindCard, card)
	n.row(KindMerchant, n.actor.Merchant)
	if n.actor.Merchant != "" {
		n.row(KindPace, paceID(card, n.actor.Merchant))
		n.row(KindPace, wrongID(card, n.actor.Merchant))
	}
	if c := v.Cards.peek(card); c != nil {
		n.row(KindPhone, c.Phone)
		n.row(KindAccount, c.Account)
	}
	if m := v.Merchants.peek(n.actor.Merchant); m != nil {
		n.row(KindAccount, m.Account)
	}
}

func (op CreatePayment) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleMerchant); refused {
		return a
	}
	if a, refused := op.check(); refused {
		return a
	}
	cardID := op.Request.Card
	if op.panMAC != "" {
		cardID = o.lookup(ByPAN, op.panMAC)
	}
	card, merchant := o.Cards.get(cardID), o.Merchants.get(o.actor.Merchant)
	if merchant == nil {
		return no(bankapi.Forbidden, "this key's merchant is gone")
	}
	if a, refused := o.payable(card, op.Request.Currency, merchant); refused {
		return a
	}
	if waiting := o.pace(cardID, merchant.ID); waiting > 0 {
		return wait(bankapi.Paced, "wait before sending this card another code", waiting)
	}
	p := o.newPayment(op.Request, card, merchant)
	o.sendCode(p)
	o.emit("payment.created", p.Merchant, p.ID, p.Amount, p.Currency)
	return done(o.paymentView(p))
}

// check looks at the request alone.
func (op CreatePayment) check() (Answer, bool) {
	r := op.Request
	if a, refused := checkAmount(r.Amount, r.Currency); refused {
		return a, true
	}
	switch {
	case !op.PAN.Empty() && !pan(string(op.PAN.Reveal())):
		return invalid("card", "give a card token, or a PAN of 12 to 19 digits with a right check digit"), true
	case op.PAN.Empty() && !validID(ident.Card, r.Card):
		return invalid("card", "give a card token, or a PAN of 12 to 19 digits with a right check digit"), true
	case r.Payee != "" && !text(r.Payee, 1, dyncode.PayeeMax):
		return invalid("payee", "give at most 200 bytes of plain text"), true
	case !text(r.Order, 0, dyncode.OrderMax):
		return invalid("order", "give at most 64 bytes of plain text"), true
	case !text(r.Description, 0, dyncode.DescriptionMax):
		return invalid("description", "give at most 200 bytes of plain text"), true
	case r.Capture != "" && r.Capture != bankapi.CaptureAutomatic && r.Capture != bankapi.CaptureManual:
		return invalid("capture", "use automatic or manual"), true
	}
	if r.ReturnURL != "" {
		if _, ok := webURL(r.ReturnURL); !ok {
			return invalid("return_url", "use an http or https URL"), true
		}
	}
	return Answer{}, false
}

func validID(kind ident.Kind, id string) bool {
	_, err := ident.Parse(kind, id)
	return err == nil
}

// payable checks that a code can be sent to this card now, in the order in
// which reasons are answered.
func (o *opContext) payable(card *Card, currency string, merchant *Merchant) (Answer, bool) {
	if card == nil {
		return invalid("card", "the bank knows no such card"), true
	}
	locked := o.lockedFor(card, merchant.ID)
	switch {
	case card.Status != string(bankapi.CardActive) || !o.keys.genuine(card):
		return no(bankapi.CardBlockedNow, "ask the payer for another card"), true
	case locked > 0:
		return wait(bankapi.CodeLocked, "the card takes codes again later", locked), true
	case card.Binding == "":
		return no(bankapi.CardUnbound, "bind the card to a phone first"), true
	case o.Phones.get(card.Phone).Status != string(bankapi.PhoneActive):
		return no(bankapi.PhoneUnavailable, "bind the card to another phone"), true
	case o.Accounts.get(card.Account).Currency != currency || o.Accounts.get(merchant.Account).Currency != currency:
		return invalid("currency", "card, merchant and payment must share one currency"), true
	}
	return Answer{}, false
}

func (o *opContext) newPayment(r bankapi.CreatePayment, card *Card, merchant *Merchant) *Payment {
	payee, capture := r.Payee, r.Capture
	if payee == "" {
		payee = merchant.Name
	}
	if capture == "" {
		capture = bankapi.CaptureAutomatic
	}
	id := o.newID(ident.Payment)
	return o.Payments.add(o.View, id, Payment{
		ID: id, Status: string(bankapi.AwaitingCode), Merchant: merchant.ID, MerchantAccount: merchant.Account,
		Card: card.ID, CardNumber: card.Number, Payer: card.Account,
		Amount: r.Amount, Currency: r.Currency, Payee: payee, Order: r.Order, Description: r.Description,
		Capture: string(capture), ReturnURL: r.ReturnURL, CreatedAt: o.now,
	})
}

// sendCode gives a payment a fresh code and puts it on its way: any code
// before it is void. p is the row being edited.
func (o *opContext) sendCode(p *Payment) {
	if p.Dispatch != "" {
		o.Dispatches.remove(o.View, p.Dispatch)
	}
	code := o.newCode(o.policy.CodeDigits(p.Amount, money.Currency(p.Currency)))
	defer clear(code)
	mac := dyncode.CodeMAC(o.keys.s.CodePepper, linked(p), code)
	p.CodeMAC, p.Delivery = mac[:], string(bankapi.DeliverySending)
	p.ExpiresAt = min(o.now+o.policy.CodeLifetime, p.CreatedAt+o.policy.PaymentLifetime)

	platform := ""
	if m := o.Merchants.get(p.Merchant); m != nil && m.Name != p.Payee {
		platform = m.Name
	}
	p.Dispatch = o.dispatch(p.Card, p.ID, bankapi.DispatchCode, p.ExpiresAt, dyncode.Content{
		Kind: dyncode.Payment, Code: code,
		Amount: uint64(p.Amount), Currency: []byte(p.Currency), Payee: []byte(p.Payee),
		Platform: []byte(platform), Order: []byte(p.Order),
		Description: []byte(p.Description), Account: []byte(p.CardNumber),
	})
}

func (o *opContext) newCode(digits int) []byte {
	code, err := dyncode.NewCode(o.random, digits)
	if err != nil {
		panic("bank: the random source failed: " + err.Error())
	}
	return code
}

// linked are the facts that a payment's code is bound to: besides those the
// payer sees the two accounts, so that a row that was tampered with does not
// lead his money elsewhere. No payee has a NUL in it.
func linked(p *Payment) dyncode.Linked {
	return dyncode.Linked{
		Message: mustRaw(ident.Payment, p.ID), Amount: uint64(p.Amount), Currency: p.Currency,
		Payee: p.Payee + "\x00" + p.Payer + "\x00" + p.MerchantAccount,
	}
}

func (o *opContext) paymentView(p *Payment) bankapi.Payment { return PaymentView(p, o.policy) }

// PaymentView is what the API shows of a payment.
func PaymentView(p *Payment, policy Policy) bankapi.Payment {
	return bankapi.Payment{
		ID: p.ID, Status: bankapi.PaymentStatus(p.Status), Amount: p.Amount, Currency: p.Currency,
		Captured: p.Captured, RefundedSum: p.Refunded, Merchant: p.Merchant, Payee: p.Payee, Order: p.Order,
		Description: p.Description, Card: p.Card, CardNumber: p.CardNumber, Capture: bankapi.CaptureMode(p.Capture),
		Delivery: bankapi.Delivery(p.Delivery), AttemptsLeft: int(max(0, policy.AttemptsMax-p.Attempts)),
		CodeURL: policy.PublicURL + "/pay/" + p.ID, ReturnURL: p.ReturnURL, Reason: bankapi.Reason(p.Reason),
		CreatedAt: bankapi.Time(p.CreatedAt), ExpiresAt: bankapi.Time(p.ExpiresAt), EndedAt: bankapi.Time(p.EndedAt),
	}
}

package bank

import (
	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
)

// dispatch seals content for a card as its profile wants it, and puts it in the
// outbox for the phone the card is bound to. It returns the dispatch's id.
func (o *opContext) dispatch(cardID, subject string, kind bankapi.DispatchKind, expiresAt int64, c dyncode.Content) string {
	card := o.Cards.get(cardID)
	return o.dispatchTo(card.Phone, nil, cardID, subject, kind, expiresAt, c)
}

// dispatchTo is dispatch to any phone; with a pairing secret it is what the
// phone is told when it is bound.
func (o *opContext) dispatchTo(phone string, pairing []byte, cardID, subject string, kind bankapi.DispatchKind, expiresAt int64, c dyncode.Content) string {
	c.ExpiresAt = uint64((expiresAt + 999) / 1000)
	c.Lifetime = uint16(max(1, (expiresAt-o.now+999)/1000))
	content, err := c.Append(nil)
	if err != nil {
		panic("bank: content breaks its rules") // requests were checked before
	}
	defer clear(content)

	card := o.Cards.edit(o.View, cardID)
	card.Counter = nextCounter(card.Counter, o.now)
	id, raw := o.newDispatchID()
	profile, _ := dyncode.ParseProfile(card.Profile)
	part := o.bankPart(card, profile, raw, content, kind)
	d := Dispatch{
		ID: id, Phone: phone, Card: cardID, Subject: subject, Kind: int64(kind), Profile: int64(profile),
		Counter: card.Counter, ExpiresAt: expiresAt,
	}
	switch {
	case kind == bankapi.DispatchPair:
		d.Body = o.boxed(phone, cardID, raw, bankapi.Pairing{Secret: pairing, BankPart: part}.Append(nil))
	case profile == dyncode.CardSealed || kind == bankapi.DispatchRelease && profile != dyncode.Plain:
		d.Body = part
	default:
		d.Body = o.boxed(phone, cardID, raw, part)
	}
	o.Dispatches.add(o.View, id, d)
	o.sent = append(o.sent, d)
	return id
}

// nextCounter is above every counter that was ever sealed for the card, even by
// a bank that has since been restored from a backup: it is never behind the
// clock, at a million codes a millisecond.
func nextCounter(last uint64, nowMillis int64) uint64 {
	if last >= 1<<63-1 {
		panic("bank: a card's counter is at its end")
	}
	return max(last+1, uint64(nowMillis)<<20)
}

// bankPart is what the card gets to see of content. Binding and release are
// always sealed for the card, unless it cannot open seals.
func (o *opContext) bankPart(card *Card, p dyncode.Profile, raw ident.Raw, content []byte, kind bankapi.DispatchKind) []byte {
	switch {
	case p == dyncode.Plain:
		return append([]byte(nil), content...)
	case p == dyncode.PhoneSealed && kind == bankapi.DispatchCode:
		return dyncode.AppendClear(nil, card.Counter, content)
	}
	return o.keys.card(card.ID).Seal(nil, p, raw, card.Counter, content)
}

// boxed seals plain for the phone and wipes it.
func (o *opContext) boxed(phone, card string, raw ident.Raw, plain []byte) []byte {
	defer clear(plain)
	return o.keys.box(phone).Seal(nil, o.draw12(), mustRaw(ident.Card, card), raw, plain)
}

// Wire is the dispatch as it crosses the bus.
func (d Dispatch) Wire() ([]byte, error) {
	return bankapi.Dispatch{
		ID: d.ID, Kind: bankapi.DispatchKind(d.Kind), Profile: uint8(d.Profile), Card: d.Card,
		ExpiresAt: d.ExpiresAt, Body: d.Body,
	}.Append(nil)
}

// Report takes what a card has answered to a dispatch.
type Report struct{ Report bankapi.Report }

func (op Report) names(v *View, n *names) {
	n.row(KindDispatch, op.Report.Dispatch)
	d := v.Dispatches.peek(op.Report.Dispatch)
	if d == nil {
		return
	}
	n.row(KindCard, d.Card)
	if c := v.Cards.peek(d.Card); c != nil && c.BindingAfter > 0 {
		n.row(KindBinding, c.Binding)
	}
	switch bankapi.DispatchKind(d.Kind) {
	case bankapi.DispatchCode:
		n.row(KindPayment, d.Subject)
	case bankapi.DispatchPair, bankapi.DispatchRelease:
		n.row(KindBinding, d.Subject)
	}
}

// reported answers every report alike, so that a phone learns nothing from it
// but that it need not send it again.
var reported = Answer{Body: []byte(`{}`)}

func (op Report) apply(o *opContext) Answer {
	d := o.Dispatches.get(op.Report.Dispatch)
	if d == nil || o.actor.Role != rolePhone || d.Phone != o.actor.Merchant {
		return reported // ended meanwhile, reported twice, or none of this phone's
	}
	delivery, ok := o.judge(d, op.Report.Answer)
	if !ok {
		return reported
	}
	o.Dispatches.remove(o.View, d.ID)
	switch bankapi.DispatchKind(d.Kind) {
	case bankapi.DispatchCode:
		p := o.Payments.get(d.Subject)
		if p == nil || p.Dispatch != d.ID || p.Status != string(bankapi.AwaitingCode) {
			return reported
		}
		p = o.Payments.edit(o.View, p.ID)
		p.Delivery, p.Dispatch = string(delivery), ""
		o.emit("payment.code_"+string(delivery), p.Merchant, p.ID, 0, "")
		o.prove(d, delivery)
	case bankapi.DispatchPair:
		if b := o.Bindings.get(d.Subject); b != nil && b.Dispatch == d.ID {
			b = o.Bindings.edit(o.View, b.ID)
			b.Delivery, b.Dispatch = string(delivery), ""
			o.emit("binding.code_"+string(delivery), "", b.ID, 0, "")
		}
	case bankapi.DispatchRelease:
		o.emit("binding.released", "", d.Subject, 0, "")
	}
	return reported
}

// judge reads a card's answer. What is neither a right receipt nor a refusal is
// ignored: the dispatch stays until it expires.
func (o *opContext) judge(d *Dispatch, answer []byte) (bankapi.Delivery, bool) {
	raw := mustRaw(ident.Dispatch, d.ID)
	if refusal, err := dyncode.ParseRefusal(answer); err == nil {
		// A card that could not even read the message cannot name it.
		return bankapi.DeliveryFailed, refusal.Message == raw || refusal.Message == ident.Raw{}
	}
	var receipt dyncode.Receipt
	var err error
	if dyncode.Profile(d.Profile) == dyncode.Plain {
		receipt, err = dyncode.ParseReceipt(answer)
		receipt.Counter = d.Counter // it keeps none
	} else {
		receipt, err = o.keys.card(d.Card).Verify(answer)
	}
	want := map[bankapi.DispatchKind]dyncode.Result{
		bankapi.DispatchCode: dyncode.Shown, bankapi.DispatchPair: dyncode.Bound, bankapi.DispatchRelease: dyncode.Released,
	}[bankapi.DispatchKind(d.Kind)]
	if dyncode.Profile(d.Profile) == dyncode.Plain {
		want = dyncode.Shown // all it can do
	}
	if err != nil || receipt.Message != raw || receipt.Counter != d.Counter || receipt.Result != want {
		return "", false
	}
	return bankapi.DeliveryOnCard, true
}

// prove makes a confirmed binding active with the first payment message that
// the card accepts under it. One that was sealed before, for the same phone under
// an earlier binding, proves nothing.
func (o *opContext) prove(d *Dispatch, delivery bankapi.Delivery) {
	card := o.Cards.get(d.Card)
	if delivery != bankapi.DeliveryOnCard || card.BindingAfter == 0 || d.Counter <= card.BindingAfter || card.Phone != d.Phone {
		return
	}
	o.Cards.edit(o.View, card.ID).BindingAfter = 0
	o.Bindings.edit(o.View, card.Binding).Status = string(bankapi.BindingActive)
	o.emit("binding.active", "", card.Binding, 0, "")
}

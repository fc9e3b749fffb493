package bank

import (
	"bytes"

	"sotto/bankapi"
	"sotto/ident"
	"sotto/secret"
)

// InvitePhone makes a phone that can enrol once with the secret in Ticket.
type InvitePhone struct {
	bankapi.InvitePhone
	TicketMAC []byte // of the secret that the caller drew
}

func (op InvitePhone) names(_ *View, n *names) {}

func (op InvitePhone) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	if !text(op.Name, 1, 64) {
		return invalid("name", "give 1 to 64 bytes of plain text")
	}
	id := o.newID(ident.Phone)
	p := o.Phones.add(o.View, id, Phone{
		ID: id, Name: op.Name, Status: string(bankapi.PhoneInvited), TicketMAC: op.TicketMAC, CreatedAt: o.now,
	})
	o.setLookup(ByTicket, hexOf(op.TicketMAC), id)
	o.emit("phone.invited", "", id, 0, "")
	return done(phoneView(p))
}

func phoneView(p *Phone) bankapi.Phone {
	return bankapi.Phone{ID: p.ID, Name: p.Name, Status: bankapi.PhoneStatus(p.Status), CreatedAt: bankapi.Time(p.CreatedAt)}
}

// EnrolPhone redeems a ticket. A ticket works once; the same phone may repeat
// the request, because the answer to the first may have been lost, but only with
// the same keys: its phone key is never sealed to another's.
type EnrolPhone struct {
	TicketMAC []byte
	PublicKey string
	BoxKey    []byte
	KeySource []byte
}

func (op EnrolPhone) names(v *View, n *names) {
	n.row(ByTicket, hexOf(op.TicketMAC))
	n.row(ByKey, op.PublicKey)
}

func (op EnrolPhone) apply(o *opContext) Answer {
	if len(op.KeySource) != 32 {
		return invalid("key_source", "give the base64 of a SHA-256 digest")
	}
	if len(op.BoxKey) != 32 {
		return invalid("box_key", "give the base64 of an X25519 public key")
	}
	if op.PublicKey == "" {
		return invalid("public_key", "give the phone's public key")
	}
	if len(op.TicketMAC) == 0 {
		return no(bankapi.Forbidden, "ask the issuer for a new ticket")
	}
	id := o.lookup(ByTicket, hexOf(op.TicketMAC))
	if id == "" {
		return no(bankapi.Forbidden, "ask the issuer for a new ticket")
	}
	p := o.Phones.get(id)
	if p.Status == string(bankapi.PhoneActive) && p.PublicKey == op.PublicKey && bytes.Equal(p.BoxKey, op.BoxKey) {
		return done(phoneView(p))
	}
	if p.Status != string(bankapi.PhoneInvited) {
		return no(bankapi.Forbidden, "ask the issuer for a new ticket")
	}
	if o.lookup(ByKey, op.PublicKey) != "" {
		return no(bankapi.Duplicate, "this key belongs to another phone")
	}
	p = o.Phones.edit(o.View, id)
	p.Status, p.PublicKey, p.BoxKey, p.KeySource = string(bankapi.PhoneActive), op.PublicKey, op.BoxKey, op.KeySource
	o.setLookup(ByKey, op.PublicKey, id)
	o.emit("phone.enrolled", "", id, 0, "")
	return done(phoneView(p))
}

// RevokePhone ends a phone for good: lost, stolen or replaced.
type RevokePhone struct{ Phone string }

func (op RevokePhone) names(_ *View, n *names) { n.row(KindPhone, op.Phone) }

func (op RevokePhone) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	if o.Phones.get(op.Phone) == nil {
		return no(bankapi.NotFound, "give the id of a phone")
	}
	p := o.Phones.edit(o.View, op.Phone)
	p.Status = string(bankapi.PhoneRevoked)
	o.emit("phone.revoked", "", p.ID, 0, "")
	return done(phoneView(p))
}

// TicketMAC is all that is stored of a ticket's secret.
func (k *Keys) TicketMAC(ticket secret.Secret) []byte {
	return mac(k.s.APIKeys, "ticket", ticket.Reveal())
}

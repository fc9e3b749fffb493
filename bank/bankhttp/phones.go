package bankhttp

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"

	"github.com/nats-io/nkeys"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
	"sotto/secret"
)

// invitePhone draws the ticket's secret; the op gets its MAC alone, and the
// ticket joins the answer behind it.
func (c *call) invitePhone(in bankapi.InvitePhone) bank.Answer {
	var drawn [bankapi.TicketSecretSize]byte
	c.h.draw(drawn[:])
	defer clear(drawn[:])
	s := secret.New(drawn[:])
	a := c.do(bank.InvitePhone{InvitePhone: in, TicketMAC: c.h.c.Bank.Keys().TicketMAC(s)})
	pin, err := hex.DecodeString(c.h.c.BusPin())
	if err != nil {
		panic("bankhttp: Config.BusPin is not hex")
	}
	return handOver(a, func(p *bankapi.Phone) {
		t := bankapi.Ticket{URL: c.h.c.Bank.Policy().PublicURL, Phone: p.ID, Secret: s, Pin: pin}
		if p.Ticket, err = t.Encode(); err != nil {
			panic("bankhttp: a ticket cannot be written: is Policy.PublicURL a URL?")
		}
	})
}

// enrolPhone redeems a ticket. All that can be wrong with the request is found
// before the ticket is used up.
func (c *call) enrolPhone(in bankapi.EnrolPhone) bank.Answer {
	ticket, err := bankapi.ParseTicketSecret(in.Ticket)
	if err != nil {
		return refuse(bankapi.Forbidden, "ask the issuer for a new ticket")
	}
	if !nkeys.IsValidPublicUserKey(in.PublicKey) {
		return invalid("public_key", "give a NATS user key (U…)")
	}
	keySource, err := base64.StdEncoding.Strict().DecodeString(in.KeySource)
	if err != nil {
		return invalid("key_source", "give the base64 of a SHA-256 digest")
	}
	box, err := base64.StdEncoding.Strict().DecodeString(in.BoxKey)
	if err == nil {
		_, err = bankapi.SealPhoneKey(box, "", secret.Secret{})
	}
	if err != nil {
		return invalid("box_key", "give the base64 of an X25519 public key")
	}
	a := c.doAs(bank.Self, bank.EnrolPhone{
		TicketMAC: c.h.c.Bank.Keys().TicketMAC(ticket), PublicKey: in.PublicKey, BoxKey: box, KeySource: keySource,
	})
	if !a.OK() {
		return a
	}
	return c.enrolment(a, box)
}

func (c *call) enrolment(a bank.Answer, box []byte) bank.Answer {
	var phone bankapi.Phone
	if err := json.Unmarshal(a.Body, &phone); err != nil {
		panic("bankhttp: the bank's own answer cannot be read")
	}
	sealed, err := bankapi.SealPhoneKey(box, phone.ID, c.h.c.Bank.Keys().PhoneKey(phone.ID))
	if err != nil {
		return invalid("box_key", "give the base64 of an X25519 public key")
	}
	return shown(bankapi.Enrolment{
		Phone: phone.ID, Bus: c.h.c.BusURL(), CA: string(c.h.c.BusCA()),
		PhoneKey: base64.StdEncoding.EncodeToString(sealed),
	})
}

func (c *call) revokePhone() bank.Answer {
	id := c.r.PathValue("id")
	a := c.do(bank.RevokePhone{Phone: id})
	if a.OK() {
		c.h.c.Kick(id)
	}
	return a
}

func (c *call) getPhone() bank.Answer {
	p, err := c.store().Phone(c.ctx(), c.r.PathValue("id"))
	if err != nil {
		return c.readFailed(err)
	}
	return shown(phoneView(&p))
}

func (c *call) listPhones() bank.Answer {
	return listAll(c, listing[bank.Phone, bankapi.Phone]{
		kind: ident.Phone, show: phoneView, id: func(p *bank.Phone) string { return p.ID },
		read: func(p bank.Page) ([]bank.Phone, error) { return c.store().Phones(c.ctx(), p) },
	})
}

func phoneView(p *bank.Phone) bankapi.Phone {
	return bankapi.Phone{ID: p.ID, Name: p.Name, Status: bankapi.PhoneStatus(p.Status), CreatedAt: bankapi.Time(p.CreatedAt)}
}

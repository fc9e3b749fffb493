package nfc

import (
	"bytes"
	"io"

	"sotto/apdu"
	"sotto/link"
	"sotto/link/frame"
)

// Card is the application as a chip of its own: a link.Chip. Calls come one after
// the other.
type Card struct {
	id       string
	handler  link.Handler
	random   io.Reader
	selected bool
	chain    apdu.Chain
	pending  apdu.Pending
}

// NewCard makes the application of the card with this id. Random makes its signs
// unlike each other.
func NewCard(id string, h link.Handler, random io.Reader) *Card {
	c := &Card{id: id, handler: h, random: random}
	c.forget()
	return c
}

// Reset implements link.Chip: half a message, and an answer that was not fetched,
// are gone.
func (c *Card) Reset(link.Interface) { c.forget() }

func (c *Card) forget() {
	c.selected, c.chain, c.pending = false, apdu.NewChain(link.MessageMax), apdu.Pending{}
}

// Transmit implements link.Chip.
func (c *Card) Transmit(command []byte) []byte {
	parsed, err := apdu.Parse(command)
	if err != nil {
		return status(apdu.StatusWrongLength).Bytes()
	}
	return c.answer(parsed).Bytes()
}

func status(s apdu.Status) apdu.Response { return apdu.Response{Status: s} }

// answer finds what is wrong with a command, in this order: class, logical
// channel, protection, chaining, instruction.
func (c *Card) answer(command apdu.Command) apdu.Response {
	class := command.CLA
	switch {
	case !class.Valid() || !class.Interindustry():
		return status(apdu.StatusWrongCLA)
	case class.Channel() != 0:
		return status(apdu.StatusNoChannel)
	case class.SecureMessaging() != apdu.Plain:
		return status(apdu.StatusNoSecureMessaging)
	case apdu.IsGetResponse(command) && !class.Chained() && !c.chain.Open():
		var r apdu.Response
		r, c.pending = c.pending.GetResponse(command)
		return r
	}
	c.pending = apdu.Pending{} // for nothing but GET RESPONSE
	if class.Chained() && command.INS != insPutData && !c.chain.Open() {
		return status(apdu.StatusNoChaining)
	}
	if command.INS == insPutData {
		if s := c.admits(command); s != apdu.StatusOK {
			c.chain = apdu.NewChain(link.MessageMax)
			return status(s)
		}
	}
	return c.carryOut(command)
}

// admits says whether a message may begin or go on with this command.
func (c *Card) admits(command apdu.Command) apdu.Status {
	switch {
	case !c.selected:
		return apdu.StatusConditions
	case command.P1 != putHigh || command.P2 != putLow:
		return apdu.StatusWrongP1P2
	case len(command.Data) == 0:
		return apdu.StatusWrongLength
	}
	return apdu.StatusOK
}

func (c *Card) carryOut(command apdu.Command) apdu.Response {
	chained := c.chain.Open()
	next, whole, done, s := c.chain.Add(command)
	c.chain = next
	switch {
	case !done:
		return status(s)
	case whole.INS == insSelect:
		return c.selectName(whole)
	case whole.INS == insPutData:
		r := c.putData(whole)
		if chained {
			clear(whole.Data) // what was joined is ours
		}
		return r
	}
	return status(apdu.StatusWrongINS)
}

// selectName answers SELECT by DF name (ISO/IEC 7816-4:2005, 7.1.1). The name
// may be cut on the right, so that a phone can ask for any version.
func (c *Card) selectName(command apdu.Command) apdu.Response {
	switch {
	case command.P1 != byName || command.P2 != firstFCI && command.P2 != firstPlain:
		return status(apdu.StatusWrongP1P2)
	case !selects(command.Data):
		return status(apdu.StatusNotFound)
	}
	c.selected = true
	if command.P2 == firstPlain {
		return status(apdu.StatusOK)
	}
	var nonce [frame.SignSize / 2]byte
	if _, err := io.ReadFull(c.random, nonce[:]); err != nil {
		c.selected = false
		return status(apdu.StatusUnknown)
	}
	fci := appendFCI(nil, frame.NewSign(c.id, nonce))
	return c.respond(apdu.Response{Data: fci, Status: apdu.StatusOK}, command.Ne)
}

// selects reports whether this is the application's name, whole or cut, but no
// shorter than what makes it ours.
func selects(df []byte) bool { return len(df) >= len(name) && bytes.HasPrefix(AID(), df) }

// putData hands a whole message over.
//
// Reading: ISO/IEC 7816-4:2005, 7.4.3 gives PUT DATA no response data. Ours has
// some after the last command of the chain. Where Le is absent, as the standard
// has it, the answer waits for GET RESPONSE.
func (c *Card) putData(command apdu.Command) apdu.Response {
	if len(command.Data) > link.MessageMax {
		return status(apdu.StatusWrongLength)
	}
	answer := c.handler.Handle(command.Data)
	if len(answer) == 0 {
		return status(apdu.StatusUnknown) // silence
	}
	return c.respond(apdu.Response{Data: answer, Status: apdu.StatusOK}, command.Ne)
}

func (c *Card) respond(r apdu.Response, ne int) apdu.Response {
	r, c.pending = apdu.Respond(r, ne)
	return r
}

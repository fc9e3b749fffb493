package bank

import (
	"bytes"
	"encoding/hex"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/tlv"
)

// Authorize decides on a tap online: the money is in an account, and moves to
// settlement at once. A decline uses the counter up, as an approval does.
type Authorize struct {
	Request bankapi.Authorize // chip data stands in chip
	chip    chip
}

// NewAuthorize verifies the cryptogram.
func (k *Keys) NewAuthorize(r bankapi.Authorize) Authorize {
	op := Authorize{Request: r, chip: k.newChip(r.ChipData)}
	op.Request.ChipData = ""
	return op
}

func (op Authorize) names(v *View, n *names) {
	nameBatch(v, n, op.Request.Terminal, op.Request.Batch)
	op.chip.names(v, n)
	if a := v.appletOf(&op.chip); a != nil {
		n.row(KindAccount, a.Account)
	}
}

// appletOf is the chip's applet, if it has been loaded and exists.
func (v *View) appletOf(c *chip) *Applet {
	if c.panMAC == "" || !v.Has(Key{ByChip, c.panMAC}) {
		return nil
	}
	return v.Applets.peek(v.lookup(ByChip, c.panMAC))
}

func (op Authorize) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleMerchant); refused {
		return a
	}
	r, c := op.Request, &op.chip
	applet, a, refused := o.presented(c, bankapi.AppletAccount)
	if refused {
		return a
	}
	batch, a, refused := o.batch(r.Terminal, r.Batch)
	switch {
	case refused:
		return a
	case !text(r.Reference, 1, 32):
		return invalid("reference", "give 1 to 32 bytes of plain text")
	case !c.began(emv.ARQC) || c.Input.Type != emv.TypePurchase || !c.carries(r.Amount, r.Currency):
		return invalid("chip_data", "give the ARQC of a purchase of this amount and currency")
	case r.Currency != applet.Currency:
		return invalid("currency", "use the currency of the applet's account")
	case batch.SettledAt != 0 || batch.Currency != r.Currency:
		return no(bankapi.WrongState, "use a batch of this currency that is not settled")
	}
	id := tapID(applet.ID, c.Input.ATC)
	if known := o.Taps.get(id); known != nil {
		if known.Status == string(bankapi.TapReversed) && same(known, c, o.actor.Merchant) {
			declined := *known
			declined.Status = string(bankapi.TapDeclined)
			return done(o.authorization(&declined, applet, c, emv.ARCDeclined))
		}
		return no(bankapi.Duplicate, "this cryptogram was decided upon already; ask with the same Idempotency-Key, or reverse it")
	}
	return done(op.decide(o, id, applet, batch))
}

// presented is the applet that has made the chip's cryptogram.
func (o *opContext) presented(c *chip, kind bankapi.AppletKind) (*Applet, Answer, bool) {
	applet := o.applet(c)
	switch {
	case c.fault == bankapi.Malformed:
		return nil, invalid("chip_data", "give the hex of BER-TLV objects; see /docs"), true
	case applet == nil:
		return nil, no(bankapi.NotFound, "no applet of this bank has that number"), true
	case c.fault != "" || SuiteOf(c.IAD.CVN) != suiteOfKind(applet.Kind):
		return nil, no(bankapi.NotGenuine, "read the chip again"), true
	case applet.Kind != string(kind):
		return nil, invalid("chip_data", "this is not done with a "+applet.Kind), true
	}
	return applet, Answer{}, false
}

// suiteOfKind is the suite of an applet's cryptograms.
func suiteOfKind(kind string) emv.Suite {
	if kind == string(bankapi.AppletAccount) {
		return emv.Common
	}
	return emv.PBOC
}

func (op Authorize) decide(o *opContext, id string, applet *Applet, batch *Batch) bankapi.Authorization {
	r, c := op.Request, &op.chip
	arc := o.standing(applet)
	var reason bankapi.Reason
	switch {
	case arc != emv.ARCApproved:
		reason = bankapi.AppletBlockedNow
	case int64(c.Input.ATC) <= applet.ATC:
		// The chip has begun a later transaction, and so ended this one: whoever
		// asks only now has kept the cryptogram back.
		arc, reason = emv.ARCDeclined, bankapi.WrongState
	default:
		if _, reason = o.move(Transfer{
			Kind: string(bankapi.TransferTap), Debit: applet.Account, Credit: applet.Settlement, Amount: r.Amount,
			Currency: r.Currency, Note: id,
		}); reason != "" {
			arc = emv.ARCInsufficient
		}
	}
	status := bankapi.TapDeclined
	if arc == emv.ARCApproved {
		status = bankapi.TapApproved
		b := o.editBatch(batch)
		b.Count++
		b.Amount += r.Amount
	}
	tap := o.Taps.add(o.View, id, Tap{
		ID: id, Applet: applet.ID, Number: applet.Number, ATC: int64(c.Input.ATC), Merchant: o.actor.Merchant, Batch: batch.ID,
		Reference: r.Reference, Amount: r.Amount, Currency: r.Currency, Status: string(status), Reason: string(reason),
		AC: c.cryptogram(), CreatedAt: o.now,
	})
	applet = o.sawATC(applet.ID, c)
	o.emit("tap."+string(status), o.actor.Merchant, id, r.Amount, r.Currency)
	return o.authorization(tap, applet, c, arc)
}

// standing is the answer to whatever an applet asks: a yes, unless it is out of
// use.
func (o *opContext) standing(a *Applet) emv.ARC {
	switch {
	case a.Expires < monthOf(o.now):
		return emv.ARCExpired
	case !o.usable(a):
		return emv.ARCDeclined
	}
	return emv.ARCApproved
}

// authorization answers the chip as well: whether the bank has agreed, and what
// is left in the account. A decline tells that too where it is the cause, so that
// the device takes another applet from then on: of one that is blocked, nothing
// is left to spend.
func (o *opContext) authorization(t *Tap, applet *Applet, c *chip, arc emv.ARC) bankapi.Authorization {
	auth := o.issuerAuth(applet, c, arc)
	out := bankapi.Authorization{
		Tap: t.ID, Status: bankapi.TapStatus(t.Status), Reason: bankapi.Reason(t.Reason), ResponseCode: arc.String(),
		IssuerAuth: hex.EncodeToString(auth[:]),
	}
	switch {
	case arc == emv.ARCApproved, arc == emv.ARCInsufficient:
		out.Script = o.tellAvailable(applet, c, o.available(applet))
	case arc == emv.ARCDeclined && out.Reason == bankapi.AppletBlockedNow:
		out.Script = o.tellAvailable(applet, c, 0)
	}
	return out
}

// available is what can be spent of the applet's account, as far as a chip can
// say it.
func (o *opContext) available(a *Applet) int64 {
	account := o.Accounts.get(a.Account)
	return min(max(account.Credits-account.Debits-account.Held, 0), amountMax)
}

// tellAvailable is the script that tells the chip what is available, in hex.
func (o *opContext) tellAvailable(a *Applet, c *chip, minor int64) string {
	return hex.EncodeToString(o.setAmount(a, c, emv.TagAvailable, minor))
}

// issuerAuth is the issuer authentication data (91) that answers an ARQC.
func (o *opContext) issuerAuth(applet *Applet, c *chip, arc emv.ARC) [10]byte {
	return o.keys.applets[suiteOfKind(applet.Kind)].AC.Master(c.PAN, c.Sequence).IssuerAuth1(c.Input.ATC, c.AC, arc)
}

// setAmount is a script template (72) with one command that sets an amount of
// the applet. Its MAC covers this ARQC and counter, so that it works once.
func (o *opContext) setAmount(applet *Applet, c *chip, tag tlv.Tag, minor int64) []byte {
	amount, err := emv.NewAmount(minor)
	if err != nil {
		panic("bank: an amount of more than twelve digits")
	}
	key := o.keys.applets[suiteOfKind(applet.Kind)].MAC.Master(c.PAN, c.Sequence)
	command := key.SignScript(emv.PutData(tag, amount[:]), c.Input.ATC, c.AC)
	script, err := emv.Script{Tag: emv.TagScript2, Commands: [][]byte{command.Bytes()}}.Append(nil)
	if err != nil {
		panic("bank: a script that cannot be written")
	}
	return script
}

// Reverse takes an authorisation back. When it comes first, it leaves a mark, so
// that the authorisation is declined if it still arrives.
type Reverse struct {
	Request bankapi.Reverse // chip data stands in chip
	chip    chip
}

// NewReverse verifies the cryptogram.
func (k *Keys) NewReverse(r bankapi.Reverse) Reverse {
	op := Reverse{Request: r, chip: k.newChip(r.ChipData)}
	op.Request.ChipData = ""
	return op
}

func (op Reverse) names(v *View, n *names) {
	nameBatch(v, n, op.Request.Terminal, op.Request.Batch)
	op.chip.names(v, n)
	if a := v.appletOf(&op.chip); a != nil {
		n.row(KindAccount, a.Account)
	}
	if t := v.tapOf(&op.chip); t != nil {
		n.row(KindBatch, t.Batch)
	}
}

func (op Reverse) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleMerchant); refused {
		return a
	}
	c := &op.chip
	applet, a, refused := o.presented(c, bankapi.AppletAccount)
	if refused {
		return a
	}
	batch, a, refused := o.batch(op.Request.Terminal, op.Request.Batch)
	if refused {
		return a
	}
	id := tapID(applet.ID, c.Input.ATC)
	tap := o.Taps.get(id)
	switch {
	case tap == nil:
		amount, _ := c.Input.Amount.Minor()
		tap = o.Taps.add(o.View, id, Tap{
			ID: id, Applet: applet.ID, Number: applet.Number, ATC: int64(c.Input.ATC), Merchant: o.actor.Merchant, Batch: batch.ID,
			Amount: amount, Currency: applet.Currency, Status: string(bankapi.TapReversed), AC: c.cryptogram(), CreatedAt: o.now,
		})
		o.sawATC(applet.ID, c)
	case tap.Merchant != o.actor.Merchant || !bytes.Equal(tap.AC, c.AC[:]):
		return no(bankapi.NotFound, "this merchant has no such authorisation")
	case tap.Status == string(bankapi.TapApproved):
		if o.Batches.get(tap.Batch).SettledAt != 0 {
			return no(bankapi.WrongState, "the batch is settled; transfer the money back instead")
		}
		if a, refused := o.altered(applet); refused {
			return a
		}
		tap = o.takeBack(tap, applet)
	}
	return done(TapView(tap))
}

func (o *opContext) takeBack(t *Tap, applet *Applet) *Tap {
	if _, reason := o.move(Transfer{
		Kind: string(bankapi.TransferReversal), Debit: applet.Settlement, Credit: applet.Account, Amount: t.Amount,
		Currency: t.Currency, Note: t.ID,
	}); reason != "" {
		panic("bank: the settlement account is smaller than its batches")
	}
	b := o.Batches.edit(o.View, t.Batch)
	b.Count--
	b.Amount -= t.Amount
	tap := o.Taps.edit(o.View, t.ID)
	tap.Status = string(bankapi.TapReversed)
	o.emit("tap.reversed", tap.Merchant, tap.ID, tap.Amount, tap.Currency)
	return tap
}

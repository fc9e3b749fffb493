package bank

import (
	"bytes"

	"sotto/bankapi"
	"sotto/emv"
)

// PostTaps posts offline debits of purses: a part of a terminal's batch. Each
// is judged by itself; the money of all that are posted moves as one transfer
// from float to settlement.
type PostTaps struct {
	Request bankapi.PostTaps // chip data stands in chips
	chips   []chip
}

// NewPostTaps verifies the cryptograms, which needs no row: many goroutines do
// it while the committer is at work.
func (k *Keys) NewPostTaps(r bankapi.PostTaps) PostTaps {
	op := PostTaps{Request: r, chips: make([]chip, len(r.Taps))}
	op.Request.Taps = make([]bankapi.Tap, len(r.Taps))
	for i, t := range r.Taps {
		op.chips[i] = k.newChip(t.ChipData)
		t.ChipData = ""
		op.Request.Taps[i] = t
	}
	return op
}

// weight is in other ops: two taps take the committer as long as one. Lighter ones
// would make batches so large that one is applied while nothing is verified.
func (op PostTaps) weight() int { return 1 + len(op.chips)/2 }

func (op PostTaps) names(v *View, n *names) {
	nameBatch(v, n, op.Request.Terminal, op.Request.Batch)
	for i := range op.chips {
		c := &op.chips[i]
		c.names(v, n)
		if known := v.tapOf(c); known != nil && !same(known, c, n.actor.Merchant) {
			n.row(KindTap, disputeID(known.ID, c))
		}
	}
}

// tapOf is the tap of the chip's counter, if it has been loaded and exists.
func (v *View) tapOf(c *chip) *Tap {
	if c.panMAC == "" || !v.Has(Key{ByChip, c.panMAC}) {
		return nil
	}
	return v.Taps.peek(tapID(v.lookup(ByChip, c.panMAC), c.Input.ATC))
}

// same reports whether a tap is this one once more. The cryptogram covers all
// that matters but whose it is.
func same(t *Tap, c *chip, merchant string) bool {
	return t.Merchant == merchant && bytes.Equal(t.AC, c.AC[:])
}

// disputeID is the tap's own id and the beginning of the other cryptogram.
func disputeID(tap string, c *chip) string { return tap + "." + hexOf(c.AC[:4]) }

func (op PostTaps) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleMerchant); refused {
		return a
	}
	r := op.Request
	batch, a, refused := o.batch(r.Terminal, r.Batch)
	switch {
	case refused:
		return a
	case len(r.Taps) < 1 || len(r.Taps) > bankapi.TapsMax:
		return invalid("taps", "give 1 to 500 taps")
	}
	for i := range op.chips {
		if applet := o.applet(&op.chips[i]); applet != nil {
			if a, refused := o.altered(applet); refused {
				return a
			}
		}
	}
	post := posting{o: o, batch: batch, moves: map[[2]string]int64{}}
	out := bankapi.TapsPosted{Results: make([]bankapi.TapResult, len(r.Taps))}
	for i := range r.Taps {
		out.Results[i] = post.one(&r.Taps[i], &op.chips[i])
	}
	post.flush()
	out.Batch = batchView(post.batch)
	return done(out)
}

// posting is one upload at work.
type posting struct {
	o     *opContext
	batch *Batch
	// moves are the sums to be moved, by float and settlement account; all of
	// one currency, so there is one.
	moves   map[[2]string]int64
	changed bool
}

// one judges a tap, in this order of precedence, and posts it.
func (p *posting) one(t *bankapi.Tap, c *chip) bankapi.TapResult {
	o, a := p.o, p.o.applet(c)
	refused := func(reason bankapi.Reason) bankapi.TapResult {
		return bankapi.TapResult{Reference: t.Reference, Status: bankapi.TapRefused, Reason: reason}
	}
	switch {
	case c.fault == bankapi.Malformed || !text(t.Reference, 1, 32):
		return refused(bankapi.Malformed)
	case a == nil:
		return refused(bankapi.NotFound)
	case c.fault != "" || a.Kind != string(bankapi.AppletPurse) || c.IAD.CVN != emv.CVN01:
		return refused(bankapi.NotGenuine)
	case !c.began(emv.TC) || c.Input.Type != emv.TypePurchase || !c.carries(t.Amount, t.Currency) || t.Currency != a.Currency:
		return refused(bankapi.Invalid)
	}
	id := tapID(a.ID, c.Input.ATC)
	if known := o.Taps.get(id); known != nil {
		if same(known, c, o.actor.Merchant) {
			return known.result(t.Reference)
		}
		return p.dispute(disputeID(id, c), t, c, a, bankapi.Duplicate)
	}
	switch {
	case p.batch.SettledAt != 0 || t.Currency != p.batch.Currency:
		return refused(bankapi.WrongState)
	}
	torn := p.hear(a, c)
	switch a = o.Applets.get(a.ID); {
	case torn:
		return p.dispute(id, t, c, a, bankapi.Torn)
	case a.Balance < t.Amount:
		return p.dispute(id, t, c, a, bankapi.InsufficientFunds)
	}
	p.post(id, t, c, a)
	return bankapi.TapResult{Reference: t.Reference, Tap: id, Status: bankapi.TapPosted}
}

// hear takes what the purse says of what was before this tap. Debits of this very
// upload may be among that.
func (p *posting) hear(a *Applet, c *chip) (torn bool) {
	earlier, torn := p.o.follow(a, c)
	for _, e := range earlier {
		p.flush()
		p.o.unpost(e)
		if e.Batch == p.batch.ID {
			p.batch, p.changed = p.o.Batches.get(p.batch.ID), false
		}
	}
	p.o.resolve(p.o.Applets.get(a.ID), c)
	return torn
}

func (p *posting) post(id string, t *bankapi.Tap, c *chip, a *Applet) {
	p.add(id, t, c, a, bankapi.TapPosted, "")
	purse := p.o.sawATC(a.ID, c)
	purse.Balance -= t.Amount
	p.moves[[2]string{a.Float, a.Settlement}] += t.Amount
	b := p.edit()
	b.Count++
	b.Amount += t.Amount
}

// dispute keeps a tap that is not paid, once, for somebody to look at.
func (p *posting) dispute(id string, t *bankapi.Tap, c *chip, a *Applet, reason bankapi.Reason) bankapi.TapResult {
	result := bankapi.TapResult{Reference: t.Reference, Tap: id, Status: bankapi.TapDisputed, Reason: reason}
	// What names has not asked for is not there: the tap that is disputed with
	// was posted by this very upload, or by one that is committed with it.
	if p.o.Taps.peek(id) != nil {
		result.Already = true
		return result
	}
	p.add(id, t, c, a, bankapi.TapDisputed, reason)
	p.o.emit("tap.disputed", p.o.actor.Merchant, id, t.Amount, t.Currency)
	if p.batch.SettledAt == 0 {
		p.edit().Disputed++
	}
	return result
}

// result is what the bank says of a tap that it is brought once more. How a
// dispute has ended changes nothing for a terminal: it is not of its batch.
func (t *Tap) result(reference string) bankapi.TapResult {
	status := bankapi.TapStatus(t.Status)
	if status == bankapi.TapAccepted || status == bankapi.TapRejected {
		status = bankapi.TapDisputed
	}
	return bankapi.TapResult{Reference: reference, Tap: t.ID, Status: status, Reason: bankapi.Reason(t.Reason), Already: true}
}

func (p *posting) add(id string, t *bankapi.Tap, c *chip, a *Applet, status bankapi.TapStatus, reason bankapi.Reason) {
	p.o.Taps.add(p.o.View, id, Tap{
		ID: id, Applet: a.ID, Number: a.Number, ATC: int64(c.Input.ATC), Merchant: p.o.actor.Merchant, Batch: p.batch.ID,
		Reference: t.Reference, Amount: t.Amount, Currency: t.Currency, Status: string(status), Reason: string(reason),
		AC: c.cryptogram(), Told: c.said.told, CreatedAt: p.o.now,
	})
}

// edit is the batch, to be changed.
func (p *posting) edit() *Batch {
	if !p.changed {
		p.changed = true
		p.batch = p.o.editBatch(p.batch)
	}
	return p.batch
}

// flush moves the money of what was posted so far.
func (p *posting) flush() {
	for accounts, amount := range p.moves {
		if _, reason := p.o.move(Transfer{
			Kind: string(bankapi.TransferTap), Debit: accounts[0], Credit: accounts[1], Amount: amount,
			Currency: p.batch.Currency, Note: p.batch.ID,
		}); reason != "" {
			panic("bank: the float is smaller than the purses")
		}
		p.o.emit("taps.posted", p.o.actor.Merchant, p.batch.ID, amount, p.batch.Currency)
	}
	clear(p.moves)
}

// sawATC keeps the highest counter, and returns the applet to be changed.
func (o *opContext) sawATC(applet string, c *chip) *Applet {
	a := o.Applets.edit(o.View, applet)
	a.ATC = max(a.ATC, int64(c.Input.ATC))
	return a
}

func batchView(b *Batch) bankapi.Batch {
	return bankapi.Batch{
		ID: b.ID, Merchant: b.Merchant, Terminal: b.Terminal, Number: int(b.Number), Currency: b.Currency,
		Count: b.Count, Amount: b.Amount, Disputed: b.Disputed, Transfer: b.Transfer, Settled: b.SettledAt != 0,
	}
}

// TapView is what the API shows of a tap.
func TapView(t *Tap) bankapi.TapRecord {
	_, terminal, number := splitBatch(t.Batch)
	return bankapi.TapRecord{
		ID: t.ID, Applet: t.Applet, Number: t.Number, ATC: int(t.ATC), Merchant: t.Merchant, Terminal: terminal, Batch: number,
		Reference: t.Reference, Amount: t.Amount, Currency: t.Currency, Status: bankapi.TapStatus(t.Status),
		Reason: bankapi.Reason(t.Reason), Told: t.Told, Owed: t.Owed, CreatedAt: bankapi.Time(t.CreatedAt),
	}
}

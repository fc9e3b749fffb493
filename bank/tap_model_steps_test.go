package bank_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/emv"
)

// draw chooses what happens next outside of the bank. The kinds stand mixed, as
// small numbers are drawn more often.
func (m *tapModel) draw() step {
	kinds := []func() step{
		m.drawUpload, m.drawTap, m.drawLoad, m.drawAuthorize, m.drawEvidence, m.drawSettle, m.drawReverse, m.drawWithheld,
		m.drawAgain, m.drawFund, m.drawBlock, m.drawTick, m.drawResolve, m.drawInquire,
	}
	weights := []int{20, 18, 14, 10, 6, 5, 6, 4, 4, 2, 2, 1, 6, 4}
	var at []int
	for round := range weights[0] {
		for i, w := range weights {
			if round < w {
				at = append(at, i)
			}
		}
	}
	return kinds[rapid.SampledFrom(at).Draw(m.t, "what")]()
}

// anyOf draws one by its place, which prints shorter.
func anyOf[T any](t *rapid.T, of []T, name string) T {
	return of[rapid.IntRange(0, len(of)-1).Draw(t, name)]
}

// chance is one of n.
func (m *tapModel) chance(n int, what string) bool {
	return rapid.IntRange(0, n-1).Draw(m.t, what) == n-1
}

// asked gives a call a key of its own, mostly.
func (m *tapModel) asked(s step) step {
	if !m.chance(3, "no key") {
		m.calls++
		s.call.IdempotencyKey = fmt.Sprint("k", m.calls)
		s.call.Request = sha256.Sum256([]byte(s.name))
	}
	return s
}

// drawAgain asks once more what was asked before: the answer is the same, and
// nothing happens.
func (m *tapModel) drawAgain() step {
	if len(m.kept) == 0 {
		return step{}
	}
	k := pick(m.t, m.kept, "kept")
	a := m.ask(k.call)
	if !a.Replayed || !bytes.Equal(a.Body, k.answer.Body) {
		m.t.Fatalf("%T: not replayed: %s", k.call.Op, a.Body)
	}
	return step{}
}

func (m *tapModel) fundStep(h *mHolder, amount int64) step {
	return step{"fund", bank.Call{Actor: bank.Issuer, Op: bank.CreateTransfer{CreateTransfer: bankapi.CreateTransfer{
		Debit: h.vault, Credit: h.id, Amount: amount, Currency: h.currency,
	}}}, func(bank.Answer) bankapi.Reason {
		h.balance += amount
		return ""
	}}
}

func (m *tapModel) drawFund() step {
	return m.fundStep(anyOf(m.t, m.holders, "holder"), 10_000)
}

func (m *tapModel) drawTick() step {
	m.wait(time.Duration(rapid.SampledFrom([]int{1, 60, 86_400, 20 * 86_400}).Draw(m.t, "seconds")) * time.Second)
	return step{}
}

func (m *tapModel) drawBlock() step {
	var id string
	var blocked *bool
	if i := rapid.IntRange(0, len(m.purses)+len(m.debits)-1).Draw(m.t, "applet"); i < len(m.purses) {
		id, blocked = m.purses[i].id, &m.purses[i].blocked
	} else {
		d := m.debits[i-len(m.purses)]
		id, blocked = d.id, &d.blocked
	}
	block := rapid.Bool().Draw(m.t, "block")
	status := bankapi.AppletActive
	if block {
		status = bankapi.AppletBlocked
	}
	return step{"block", bank.Call{Actor: bank.Issuer, Op: bank.SetAppletStatus{Applet: id, Status: status}}, func(bank.Answer) bankapi.Reason {
		*blocked = block
		return ""
	}}
}

// drawTap lets a purse pay at a till, which keeps it for later, and may have torn
// it. The bank hears nothing.
func (m *tapModel) drawTap() step {
	p := anyOf(m.t, m.purses, "purse")
	till := m.tillOf(p.currency)
	amount := rapid.SampledFrom([]int64{1, 250, 1_000, 9_999}).Draw(m.t, "amount")
	pay, torn := p.pay, m.chance(5, "tear")
	if torn {
		pay = p.tear
	}
	before := p.balance
	if d, ok := pay(min(amount, p.balance)); ok && p.balance >= 0 && d.Input.Amount != (emv.Amount{}) {
		minor, err := d.Input.Amount.Minor()
		if err != nil {
			m.t.Fatal(err)
		}
		till.taps = append(till.taps, &mTap{
			Tap:   bankapi.Tap{Reference: fmt.Sprint("R", len(till.taps)), Amount: minor, Currency: p.currency, ChipData: d.Hex()},
			purse: p, atc: p.atc, torn: torn, ended: map[string]bankapi.Outcome{},
		})
	}
	p.before[p.atc] = before
	return step{}
}

func (m *tapModel) tillOf(currency string) *mTill {
	var of []*mTill
	for _, t := range m.tills {
		if t.shop.currency == currency {
			of = append(of, t)
		}
	}
	return anyOf(m.t, of, "till")
}

// drawUpload brings some of a till's taps, those it has brought before too, and
// now and then one that it has from another till, or has changed.
func (m *tapModel) drawUpload() step {
	till := anyOf(m.t, m.tills, "till")
	of := till.taps
	if m.chance(6, "thief") {
		of = m.tillOf(till.shop.currency).taps
	}
	if len(of) == 0 {
		return step{}
	}
	var taps []*mTap
	for range rapid.IntRange(1, 6).Draw(m.t, "taps") {
		taps = append(taps, of[len(of)-1-rapid.IntRange(0, min(len(of), 12)-1).Draw(m.t, "tap")])
	}
	forged := -1
	if m.chance(8, "forge") {
		forged = rapid.IntRange(0, len(taps)-1).Draw(m.t, "forged")
	}
	return m.uploadStep(till, taps, forged)
}

func (m *tapModel) uploadStep(till *mTill, taps []*mTap, forged int) step {
	r := bankapi.PostTaps{Terminal: till.terminal, Batch: till.batch}
	for i, tap := range taps {
		if r.Taps = append(r.Taps, tap.Tap); i == forged {
			data := []byte(tap.ChipData)
			data[len(data)-1] = "0123456789ABCDEF"[(bytes.IndexByte([]byte("0123456789ABCDEF"), data[len(data)-1])+1)%16]
			r.Taps[i].ChipData = string(data)
		}
	}
	batch := till.batch
	return m.asked(step{fmt.Sprintf("upload %+v", r), bank.Call{Actor: actorOf(till.shop.Merchant), Op: m.bank.Keys().NewPostTaps(r)}, func(a bank.Answer) bankapi.Reason {
		var got bankapi.TapsPosted
		m.read(a, &got)
		for i, tap := range taps {
			want := bankapi.TapResult{Reference: tap.Reference, Status: bankapi.TapRefused, Reason: bankapi.NotGenuine}
			if i != forged {
				want = m.ruleTap(till, batch, tap)
			}
			result := got.Results[i]
			if (result.Tap == "") != (want.Status == bankapi.TapRefused) {
				m.t.Fatalf("tap %d has the id %q", i, result.Tap)
			}
			if result.Tap = ""; result != want {
				m.t.Fatalf("tap %d: got %+v, want %+v", i, result, want)
			}
		}
		if batch == till.batch && (got.Batch.Count != till.count || got.Batch.Amount != till.amount || got.Batch.Disputed != till.disputed) {
			m.t.Fatalf("the answer says %+v, want %d taps of %d", got.Batch, till.count, till.amount)
		}
		return ""
	}})
}

func (m *tapModel) read(a bank.Answer, into any) {
	if !a.OK() {
		m.t.Fatalf("refused: %s", a.Body)
	}
	if err := json.Unmarshal(a.Body, into); err != nil {
		m.t.Fatal(err)
	}
}

// ruleTap is what must become of a genuine tap: whoever brings it first is paid,
// if the batch that he names is open, and the bank has heard nothing that shows
// it to be torn.
func (m *tapModel) ruleTap(till *mTill, batch int, tap *mTap) bankapi.TapResult {
	r := bankapi.TapResult{Reference: tap.Reference}
	switch {
	case tap.till != nil && tap.till.shop == till.shop:
		r.Status, r.Already = bankapi.TapPosted, true
		if !tap.paid {
			r.Status, r.Reason = bankapi.TapDisputed, bankapi.Torn
		}
	case tap.till != nil:
		r.Status, r.Reason, r.Already = bankapi.TapDisputed, bankapi.Duplicate, tap.stolen != nil
		if !r.Already && batch == till.batch {
			till.disputed++
		}
		if !r.Already {
			tap.stolen = till.shop
		}
	case batch != till.batch:
		r.Status, r.Reason = bankapi.TapRefused, bankapi.WrongState
	default:
		tap.purse.told[tap.atc] = true
		m.heard(tap.purse, tap.atc)
		tap.purse.used[tap.atc] = true
		tap.till, tap.batch, tap.paid = till, batch, !m.shown(tap)
		if !tap.paid {
			r.Status, r.Reason = bankapi.TapDisputed, bankapi.Torn
			till.disputed++
			return r
		}
		r.Status = bankapi.TapPosted
		tap.purse.seen = max(tap.purse.seen, tap.atc)
		till.count++
		till.amount += tap.Amount
	}
	return r
}

// shown reports whether what the bank has heard shows that a tap was torn: the
// purse had more, later, than it said it would, and was not loaded between.
func (m *tapModel) shown(tap *mTap) bool {
	p := tap.purse
	for atc := tap.atc + 1; tap.torn && atc <= p.atc && !p.took[atc-1]; atc++ {
		if p.told[atc] && p.before[atc] > p.before[tap.atc]-tap.Amount {
			return true
		}
	}
	return false
}

// reveal takes back what was paid for taps of which the bank has heard meanwhile
// that they were torn. Who has been paid with his batch owes it.
func (m *tapModel) reveal(p *mPurse) {
	for _, till := range m.tills {
		for _, tap := range till.taps {
			if tap.purse != p || !tap.paid || !m.shown(tap) {
				continue
			}
			tap.paid = false
			if by := tap.till; tap.batch == by.batch {
				by.count, by.amount, by.disputed = by.count-1, by.amount-tap.Amount, by.disputed+1
			} else {
				tap.owed = true
				m.lost[p.currency] += tap.Amount
			}
		}
	}
}

// drawResolve ends a dispute, or asks for an end once more.
func (m *tapModel) drawResolve() step {
	type claim struct {
		id   string
		tap  *mTap
		shop *mShop
	}
	var all []claim
	for _, till := range m.tills {
		for _, tap := range till.taps {
			id := fmt.Sprintf("%s.%04X", tap.purse.id, tap.atc)
			if tap.till != nil && !tap.paid {
				all = append(all, claim{id, tap, tap.till.shop})
			}
			if tap.stolen != nil {
				d, err := bankapi.ParseChipData(tap.ChipData)
				if err != nil {
					m.t.Fatal(err)
				}
				all = append(all, claim{fmt.Sprintf("%s.%x", id, d.AC[:4]), tap, tap.stolen})
			}
		}
	}
	if len(all) == 0 {
		return step{}
	}
	c := pick(m.t, all, "dispute")
	r := bankapi.ResolveTap{Outcome: rapid.SampledFrom([]bankapi.Outcome{bankapi.Accept, bankapi.Reject}).Draw(m.t, "outcome")}
	return m.asked(step{fmt.Sprintf("resolve %s %v", c.id, r), bank.Call{Actor: bank.Issuer, Op: bank.ResolveTap{Tap: c.id, Request: r}}, func(bank.Answer) bankapi.Reason {
		owed := c.tap.owed && c.shop == c.tap.till.shop
		switch ended := c.tap.ended[c.id]; {
		case ended == r.Outcome:
			return ""
		case ended != "":
			return bankapi.WrongState
		case r.Outcome == bankapi.Accept && !owed:
			c.shop.paid += c.tap.Amount
			m.lost[c.shop.currency] += c.tap.Amount
		case r.Outcome == bankapi.Reject && owed && c.shop.paid < c.tap.Amount:
			return bankapi.InsufficientFunds
		case r.Outcome == bankapi.Reject && owed:
			c.shop.paid -= c.tap.Amount
			m.lost[c.shop.currency] -= c.tap.Amount
		}
		c.tap.ended[c.id] = r.Outcome
		return ""
	}})
}

// heard is a cryptogram of a purse that has reached the bank. A load that came
// before it has arrived if the purse has the money.
func (m *tapModel) heard(p *mPurse, atc uint16) {
	m.reveal(p)
	if p.load == nil || atc <= p.load.atc {
		return
	}
	if !p.load.took {
		p.load.payer.balance += p.load.amount
	}
	p.seen = max(p.seen, atc)
	p.load = nil
}

// drawLoad brings a purse to a load terminal. Its ARQC may be kept back.
func (m *tapModel) drawLoad() step {
	p := anyOf(m.t, m.purses, "purse")
	amount := rapid.SampledFrom([]int64{1, 2_000, 7_000, 25_000}).Draw(m.t, "amount")
	r := mRequest{CreateLoad: p.loadRequest(amount), atc: p.atc, told: p.balance}
	p.before[p.atc] = p.balance
	if m.chance(5, "withhold") {
		p.withheld = append(p.withheld, r)
		return step{}
	}
	return m.loadStep(p, r)
}

// drawWithheld brings an ARQC that was kept back, or used before.
func (m *tapModel) drawWithheld() step {
	p := anyOf(m.t, m.purses, "purse")
	if len(p.withheld) == 0 {
		return step{}
	}
	return m.loadStep(p, pick(m.t, p.withheld, "withheld"))
}

func (m *tapModel) loadStep(p *mPurse, r mRequest) step {
	p.withheld = append(p.withheld, r) // a reader has it from now on
	payer := p.holder
	if m.chance(4, "friend") {
		payer = anyOf(m.t, m.holders, "payer")
		r.Account = payer.id
	}
	fate := rapid.IntRange(0, 6).Draw(m.t, "fate")
	return m.asked(step{fmt.Sprintf("load %+v", r), bank.Call{Actor: bank.Issuer, Op: m.loadOp(r.CreateLoad)}, func(a bank.Answer) bankapi.Reason {
		if no := m.ruleLoad(p, r, payer); no != "" {
			return no
		}
		var l bankapi.Load
		m.read(a, &l)
		if l.Status != bankapi.LoadInFlight || l.Amount != r.Amount || l.Account != payer.id || l.Applet != p.id {
			m.t.Fatalf("got %+v", l)
		}
		payer.balance -= r.Amount
		p.seen, p.used[r.atc] = r.atc, true
		p.load = &mLoad{id: l.ID, amount: r.Amount, atc: r.atc, payer: payer}
		before := p.balance
		p.fate(fate, l)
		p.load.took = p.balance != before
		p.took[r.atc] = p.load.took
		if want := before + r.Amount; p.load.took && p.balance != want {
			m.t.Fatalf("the purse was set to %d, want %d", p.balance, want)
		}
		return ""
	}})
}

// fate is how far the bank's answer comes, and what a reader that lies makes of
// it.
func (p *mPurse) fate(n int, l bankapi.Load) {
	if n == 0 {
		return // lost
	}
	p.hear(l.IssuerAuth)
	switch n {
	case 1:
	case 2:
		p.run(spoiled(l.Script))
		p.run(l.Script)
	case 3:
		p.run(l.Script)
		p.run(spoiled(l.Script))
	case 4:
		p.run(l.Script)
		p.run(l.Script)
	default:
		p.run(l.Script)
	}
}

// ruleLoad is whether a load begins, and what its ARQC has told the bank anyhow.
func (m *tapModel) ruleLoad(p *mPurse, r mRequest, payer *mHolder) bankapi.Reason {
	switch {
	case payer.currency != p.currency:
		return bankapi.Invalid
	case p.used[r.atc]:
		return bankapi.Duplicate
	case p.blocked || !m.now().Before(p.expires):
		return bankapi.AppletBlockedNow
	}
	p.told[r.atc] = true
	m.heard(p, r.atc)
	switch {
	case p.load != nil:
		return bankapi.LoadPending
	case r.atc < p.seen:
		return bankapi.WrongState
	case r.told+r.Amount > p.most:
		return bankapi.Invalid
	case payer.balance < r.Amount:
		return bankapi.InsufficientFunds
	}
	return ""
}

// drawEvidence lets a purse say something new to the bank, or to nobody.
func (m *tapModel) drawEvidence() step {
	p := anyOf(m.t, m.purses, "purse")
	of := anyOf(m.t, m.purses, "of")
	if !m.chance(5, "another") {
		of = p
	}
	d := p.decline()
	p.before[p.atc] = p.balance
	if of.load == nil || m.chance(4, "lost") {
		return step{}
	}
	l := of.load
	return m.asked(step{"evidence " + l.id, bank.Call{Actor: bank.Issuer, Op: m.resolveOp(l.id, d)}, func(a bank.Answer) bankapi.Reason {
		if of != p {
			return bankapi.Invalid
		}
		if p.load == l { // else the op before has resolved it
			p.told[d.Input.ATC] = true
			m.heard(p, d.Input.ATC)
		}
		var got bankapi.Load
		m.read(a, &got)
		if took := got.Status == bankapi.LoadCompleted; took != l.took || got.Status == bankapi.LoadInFlight {
			m.t.Fatalf("the load is %s, and the purse took it: %v", got.Status, l.took)
		}
		return ""
	}})
}

// drawAuthorize asks the bank about an online tap, or once more about one.
func (m *tapModel) drawAuthorize() step {
	d := anyOf(m.t, m.debits, "debit")
	till := m.tillOf(d.currency)
	var q *mQuestion
	if len(m.questions) > 0 && m.chance(3, "late") {
		if q = pick(m.t, m.questions, "question"); q.debit.currency == till.shop.currency {
			d = q.debit
		} else {
			q = nil
		}
	}
	if q == nil {
		amount := rapid.SampledFrom([]int64{1, 900, 20_000, 45_000}).Draw(m.t, "amount")
		q = &mQuestion{online: d.purchase(amount), debit: d, till: till}
		m.questions = append(m.questions, q)
		if m.chance(5, "unheard") {
			return step{}
		}
	}
	batch := till.batch
	r := bankapi.Authorize{Terminal: till.terminal, Batch: batch, Reference: "r", Amount: q.amount, Currency: d.currency, ChipData: q.data.Hex()}
	return m.asked(step{fmt.Sprintf("authorize %+v", r), bank.Call{Actor: actorOf(till.shop.Merchant), Op: m.bank.Keys().NewAuthorize(r)}, func(a bank.Answer) bankapi.Reason {
		return m.ruleAuthorize(q, till, batch, a)
	}})
}

func (m *tapModel) ruleAuthorize(q *mQuestion, till *mTill, batch int, a bank.Answer) bankapi.Reason {
	switch {
	case batch != till.batch:
		return bankapi.WrongState // settled meanwhile
	case q.status == bankapi.TapReversed && q.till.shop == till.shop:
	case q.status != "":
		return bankapi.Duplicate
	default:
		q.till, q.batch, q.status = till, batch, bankapi.TapDeclined
		if !q.debit.blocked && q.data.Input.ATC > q.debit.seen && q.debit.holder.balance >= q.amount {
			q.status = bankapi.TapApproved
			q.debit.holder.balance -= q.amount
			till.count++
			till.amount += q.amount
		}
		q.debit.seen = max(q.debit.seen, q.data.Input.ATC)
	}
	var got bankapi.Authorization
	m.read(a, &got)
	want := q.status
	if want == bankapi.TapReversed {
		want = bankapi.TapDeclined // it comes too late
	}
	if got.Status != want || (got.ResponseCode == "00") != (q.status == bankapi.TapApproved) {
		m.t.Fatalf("got %+v, want it %s", got, want)
	}
	if got.Reason == bankapi.InsufficientFunds && got.Script == "" || got.Reason == bankapi.WrongState && got.Script != "" {
		m.t.Fatalf("got %+v", got)
	}
	if arc, ok := q.debit.ac.VerifyIssuerAuth1(q.data.Input.ATC, q.data.AC, unhex(m.t, got.IssuerAuth)); !ok || arc.String() != got.ResponseCode {
		m.t.Fatalf("the chip would not believe %+v", got)
	}
	return ""
}

// drawInquire lets an account's chip ask what is available, and sometimes go on
// before the bank has heard of it.
func (m *tapModel) drawInquire() step {
	d := anyOf(m.t, m.debits, "debit")
	data := d.ask(emv.TypeBalance, 0)
	if m.chance(5, "unheard") {
		return step{}
	}
	return m.asked(step{"inquire " + data.Hex(), bank.Call{Actor: bank.Issuer, Op: m.inquireOp(data)}, func(a bank.Answer) bankapi.Reason {
		if data.Input.ATC <= d.seen {
			return bankapi.WrongState
		}
		d.seen = data.Input.ATC
		available, code := d.holder.balance, "00"
		if d.blocked {
			available, code = 0, "05"
		}
		var got bankapi.Inquiry
		m.read(a, &got)
		if got.Available != available || got.ResponseCode != code {
			m.t.Fatalf("got %+v, want %d and %s", got, available, code)
		}
		if d.atc != data.Input.ATC {
			return "" // the chip has gone on
		}
		if _, ok := d.hear(got.IssuerAuth); !ok || !d.run(got.Script) || d.balance != available {
			m.t.Fatalf("the chip knows of %d after %+v", d.balance, got)
		}
		return ""
	}})
}

// drawReverse takes a question back, whether the bank has heard of it or not.
func (m *tapModel) drawReverse() step {
	if len(m.questions) == 0 {
		return step{}
	}
	q := pick(m.t, m.questions, "question")
	till := q.till
	if m.chance(6, "stranger") {
		till = anyOf(m.t, m.tills, "till")
	}
	r := bankapi.Reverse{Terminal: till.terminal, Batch: till.batch, ChipData: q.data.Hex()}
	return m.asked(step{fmt.Sprintf("reverse %+v", r), bank.Call{Actor: actorOf(till.shop.Merchant), Op: m.bank.Keys().NewReverse(r)}, func(a bank.Answer) bankapi.Reason {
		switch {
		case q.status == "":
			q.status, q.till = bankapi.TapReversed, till
			q.debit.seen = max(q.debit.seen, q.data.Input.ATC)
		case q.till.shop != till.shop:
			return bankapi.NotFound
		case q.status == bankapi.TapApproved && q.batch != q.till.batch:
			return bankapi.WrongState
		case q.status == bankapi.TapApproved:
			q.status = bankapi.TapReversed
			q.debit.holder.balance += q.amount
			q.till.count--
			q.till.amount -= q.amount
		}
		var got bankapi.TapRecord
		m.read(a, &got)
		if got.Status != q.status || got.Amount != q.amount {
			m.t.Fatalf("got %+v, want it %s", got, q.status)
		}
		return ""
	}})
}

// drawSettle closes a till's batch, mostly with the right totals.
func (m *tapModel) drawSettle() step {
	till := anyOf(m.t, m.tills, "till")
	r := bankapi.SettleBatch{Terminal: till.terminal, Batch: till.batch, Count: till.count, Amount: till.amount, Currency: till.shop.currency}
	if m.chance(5, "wrong") {
		r.Amount++
	}
	return m.asked(step{fmt.Sprintf("settle %+v", r), bank.Call{Actor: actorOf(till.shop.Merchant), Op: bank.SettleBatch{SettleBatch: r}}, func(bank.Answer) bankapi.Reason {
		switch {
		case r.Batch != till.batch && till.closed[r.Batch] == [2]int64{r.Count, r.Amount}:
			return "" // settled by the op before
		case r.Batch != till.batch:
			return bankapi.TotalsDiffer
		case r.Count != till.count || r.Amount != till.amount:
			return bankapi.TotalsDiffer
		}
		till.shop.paid += till.amount
		till.closed[r.Batch] = [2]int64{r.Count, r.Amount}
		till.batch, till.count, till.amount, till.disputed = till.batch+1, 0, 0, 0
		return ""
	}})
}

package pos_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"sotto/apdu"
	"sotto/bankapi"
	"sotto/emv"
	"sotto/link"
	"sotto/pos"
	"sotto/pos/mem"
)

// way is a way of paying, to be torn at every point.
type way struct {
	name    string
	face    link.Interface
	change  func(*pos.Options)
	applets func() []*applet
}

var ways = []way{
	{"purse, class a", link.Contactless, nil, func() []*applet { return []*applet{newPurse(1, 5_000)} }},
	{"purse, class b, second application", link.Contactless,
		func(o *pos.Options) { o.Settings.WithoutSPI = true },
		func() []*applet { return []*applet{newPurse(1, 500), newPurse(2, 5_000)} }},
	{"purse, class c", link.Contact, nil, func() []*applet { return []*applet{newPurse(1, 5_000)} }},
	{"account, class a", link.Contactless, nil, func() []*applet { return []*applet{newAccount(1, 5_000)} }},
	{"account, class c", link.Contact, nil, func() []*applet { return []*applet{newAccount(1, 5_000)} }},
}

// commands counts what an undisturbed tap needs.
func (k way) commands(t *testing.T) int {
	t.Helper()
	w := newWorld(t, k.change, k.applets()...)
	w.reader.face = k.face
	w.tap(yuan(1_234))
	return w.reader.commands
}

// paid sees to it that a sale was paid once, and once only, on both sides.
func (w *world) paidOnce(applets []*applet, before int64) error {
	if _, err := w.Upload(context.Background()); err != nil {
		return err
	}
	sold := 0
	for _, s := range w.states() {
		switch s {
		case pos.Posted, pos.Authorized:
			sold++
		default:
			return fmt.Errorf("an entry is %s", s)
		}
	}
	left := int64(0)
	for _, a := range applets {
		if !a.account {
			left += a.left()
		}
	}
	paid := before - left
	for _, amount := range w.bank.approved {
		paid += amount
	}
	if sold != 1 || paid != 1_234 || len(w.bank.posted)+len(w.bank.approved) != 1 {
		return fmt.Errorf("%d entries sold, %d paid, bank has %v and %v", sold, paid, w.bank.posted, w.bank.approved)
	}
	return nil
}

func sum(applets []*applet) (total int64) {
	for _, a := range applets {
		if !a.account {
			total += a.balance
		}
	}
	return total
}

// The chip is pulled away before or after each command, comes back, and is
// pulled away again; at last it stays. Whatever happened, the sale is paid once.
func TestATornTapIsPaidOnce(t *testing.T) {
	for _, k := range ways {
		n := k.commands(t)
		if n < 4 {
			t.Fatalf("%s: %d commands", k.name, n)
		}
		for first := range 2 * n {
			for second := range 2*n + 6 {
				applets := k.applets()
				before := sum(applets)
				w := newWorld(t, k.change, applets...)
				w.reader.face = k.face
				history := ""
				done := false
				for _, at := range []int{first, second, -1} {
					if done {
						break
					}
					w.reader.cutAt, w.reader.after = at/2+1, at%2 == 1
					if at < 0 {
						w.reader.cutAt = 0
					}
					r := w.tap(yuan(1_234))
					history += fmt.Sprintf("%d:%s ", at, r.Reason)
					done = r.Outcome == pos.Approved
					if !done && r.Outcome != pos.TryAgain {
						t.Fatalf("%s: %s\n%s", k.name, history, w.trace())
					}
				}
				if err := w.paidOnce(applets, before); !done || err != nil {
					t.Fatalf("%s: %s: %v", k.name, history, err)
				}
			}
		}
	}
}

// power is a journal whose terminal loses its power at one Save, before or after
// it was durable.
type power struct {
	mem.Journal
	saves, at int
	after     bool
	lost      bool
}

var errPower = errors.New("no power")

func (p *power) Save(changes ...pos.Change) error {
	p.saves++
	if p.lost || p.saves == p.at && !p.after {
		p.lost = true
		return errPower
	}
	err := p.Journal.Save(changes...)
	if p.saves == p.at {
		p.lost = true
		return errPower
	}
	return err
}

// The terminal loses its power at each of its writes, is started anew, and the
// customer taps again for the same order. It is paid once.
func TestATerminalWithoutPowerIsPaidOnce(t *testing.T) {
	for _, k := range ways {
		for at := 1; at <= 4; at++ {
			for _, after := range []bool{false, true} {
				applets := k.applets()
				before := sum(applets)
				w := newWorld(t, k.change, applets...)
				w.reader.face = k.face
				p := &power{at: at, after: after}
				w.journal = p
				w.start()
				sale := yuan(1_234)
				sale.Order = "A-1"
				_, err := w.Tap(context.Background(), sale)
				if err != nil && !errors.Is(err, pos.ErrJournal) {
					t.Fatalf("%s, write %d: %v", k.name, at, err)
				}
				if err != nil {
					// Until it is started anew it does nothing at all.
					if _, again := w.Tap(context.Background(), sale); !errors.Is(again, pos.ErrJournal) && at > 1 {
						t.Fatalf("%s: a broken terminal goes on: %v", k.name, again)
					}
				}
				p.lost, p.at = false, 0
				w.start()
				if r := w.tap(sale); r.Outcome != pos.Approved {
					t.Fatalf("%s, write %d, after %v: %s\n%s", k.name, at, after, r.Reason, w.trace())
				}
				if err := w.paidOnce(applets, before); err != nil {
					t.Fatalf("%s, write %d, after %v: %v\n%s", k.name, at, after, err, w.trace())
				}
			}
		}
	}
}

// torn leaves a tap whose debit was made final and not seen: the answer to the
// last record is lost.
func torn(t testing.TB, sale pos.Sale, p *applet) *world {
	t.Helper()
	w := newWorld(t, nil, p)
	w.reader.cutAt, w.reader.after = 7, true
	w.ends(sale, pos.Gone)
	w.reader.cutAt = 0
	w.wantStates(pos.Open)
	if p.torn || p.balance != 5_000-sale.Amount.Minor {
		t.Fatal("the chip has not made the debit final")
	}
	return w
}

func TestARecoveredTapIsNotDebitedAgain(t *testing.T) {
	p := newPurse(1, 5_000)
	w := torn(t, yuan(1_234), p)
	r := w.ends(yuan(1_234), pos.Recovered)
	if p.balance != 3_766 || p.atc != 1 || w.reader.commands != 2 {
		t.Errorf("purse %d, counter %d, %d commands", p.balance, p.atc, w.reader.commands)
	}
	if r.Receipt == nil || !r.Receipt.Approved || r.Receipt.Reference != "T0000001-1" || r.Label != "TEST" || len(r.AID) != 9 {
		t.Errorf("result %+v, receipt %+v", r, r.Receipt)
	}
	w.wantStates(pos.StateApproved)
	// The next sale of the same amount is a new one.
	w.ends(yuan(1_234), pos.OfflineProved)
	if p.balance != 2_532 {
		t.Errorf("purse %d", p.balance)
	}
}

// A torn tap that turns out to be paid, for a sale that is not the one at hand,
// is approved beside it.
func TestAnotherSaleFindsATornTap(t *testing.T) {
	for _, other := range []pos.Sale{
		yuan(100),
		{Order: "A-2", Amount: yuan(1_234).Amount},
	} {
		p := newPurse(1, 5_000)
		first := yuan(1_234)
		first.Order = "A-1"
		w := torn(t, first, p)
		r := w.ends(other, pos.OfflineProved)
		if len(r.Found) != 1 || r.Found[0].Order != "A-1" || r.Found[0].Amount != first.Amount {
			t.Errorf("found %+v", r.Found)
		}
		w.wantStates(pos.StateApproved, pos.StateApproved)
		if p.balance != 3_766-other.Amount.Minor {
			t.Errorf("purse %d", p.balance)
		}
		w.ends(first, pos.AlreadyPaid)
	}
}

// Another chip with an application of the same name knows nothing of it: the
// torn tap stays open, and is found when the right chip comes.
func TestAnotherChipLeavesATornTapOpen(t *testing.T) {
	p := newPurse(1, 5_000)
	w := torn(t, yuan(1_234), p)
	other := newPurse(1, 9_000)
	other.pan = newPAN(t, "6228480000000099")
	other.certify()
	other.iccKey = "icc-1024-3"
	other.certify()
	mine := w.reader.chip
	w.reader.chip = &fake{applets: []*applet{other}}
	w.ends(yuan(100), pos.OfflineProved)
	w.wantStates(pos.Open, pos.StateApproved)
	w.reader.chip = mine
	w.ends(yuan(1_234), pos.Recovered)
	w.wantStates(pos.StateApproved, pos.StateApproved)
}

// A chip that never made the debit final has the tap voided, once it has proved
// that it is the same.
func TestATapThatNeverCountedIsVoid(t *testing.T) {
	p := newPurse(1, 5_000)
	w := newWorld(t, nil, p)
	for _, at := range []int{7, 9, 9} { // before the last record is heard; twice with two commands of looking in the log
		w.reader.cutAt = at
		w.ends(yuan(1_234), pos.Gone)
	}
	open := len(w.Entries(pos.Open))
	w.reader.cutAt = 0
	if p.left() != 5_000 || open != 3 {
		t.Fatalf("purse %d, %d open", p.left(), open)
	}
	w.ends(yuan(1_234), pos.OfflineProved)
	w.wantStates(pos.StateApproved)
	if p.balance != 3_766 {
		t.Errorf("purse %d", p.balance)
	}
}

// A log that goes back less far than the tap tells nothing of it.
func TestALogThatHasForgottenTellsNothing(t *testing.T) {
	p := newPurse(1, 5_000)
	w := torn(t, yuan(1_234), p)
	kept := w.journal
	w.journal = &mem.Journal{}
	w.start()
	for range 10 {
		w.ends(yuan(1), pos.OfflineProved)
	}
	w.journal = kept
	w.start()
	w.ends(yuan(1), pos.OfflineProved)
	w.wantStates(pos.Open, pos.StateApproved)
}

// A log that has the tap and does not prove it changes nothing; nor does one
// that cannot be read.
func TestALogMustProveATap(t *testing.T) {
	for name, twist := range map[string]func([]byte) []byte{
		"another 9F69":  func(b []byte) []byte { b = slices.Clone(b); b[28] ^= 1; return b },
		"one byte less": func(b []byte) []byte { return b[:len(b)-1] },
		"another form":  func([]byte) []byte { return mustHex("7000") },
	} {
		p := newPurse(1, 5_000)
		w := torn(t, yuan(1_234), p)
		w.fake().twist = func(c apdu.Command, r apdu.Response) apdu.Response {
			if c.INS == rec && c.P2>>3 == 11 && r.Status.OK() {
				r.Data = twist(r.Data)
			}
			return r
		}
		w.ends(yuan(1_234), pos.OfflineProved)
		w.wantStates(pos.Open, pos.StateApproved)
		w.fake().twist = nil
		if r := w.ends(yuan(1), pos.OfflineProved); len(r.Found) != 1 {
			t.Errorf("%s: found %v", name, r.Found)
		}
	}
}

// Open taps that nobody comes back for do not fill the journal, and do not make
// every tap slow.
func TestOpenTapsAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	for n := range 70 {
		p := newPurse(byte(n%100), 5_000)
		w.reader.chip = &fake{applets: []*applet{p}}
		// Before the seven commands of a tap, each of four applications is
		// looked for.
		w.reader.cutAt = 7 + min(n, 4)
		w.ends(yuan(1_234), pos.Gone)
		if got := len(w.Entries(pos.Open)); got != min(n+1, 64) {
			t.Fatalf("%d open taps after %d", got, n+1)
		}
	}
	open := w.Entries(pos.Open)
	if err := w.Abandon(open[0].Receipt.Reference); err != nil {
		t.Fatal(err)
	}
	if err := w.Abandon(open[0].Receipt.Reference); err == nil {
		t.Error("abandoned twice")
	}
	w.reader.cutAt = 0
	w.reader.chip = &fake{applets: []*applet{newPurse(99, 5_000)}}
	w.ends(yuan(1), pos.OfflineProved)
	if w.reader.commands > 7+4 {
		t.Errorf("%d commands", w.reader.commands)
	}
}

// tornContact leaves a debit over contacts whose answer is lost.
func tornContact(t *testing.T, change func(*pos.Options), sale pos.Sale) (*world, *applet) {
	t.Helper()
	p := newPurse(1, 5_000)
	w := contact(newWorld(t, change, p))
	w.reader.cutAt, w.reader.after = 10, true
	w.ends(sale, pos.Gone)
	w.reader.cutAt = 0
	w.wantStates(pos.Open)
	if p.balance != 3_766 || len(p.log) != 1 {
		t.Fatalf("the chip has not debited itself: %d", p.balance)
	}
	return w, p
}

// Over contacts the bank proves what the log cannot.
func TestATornContactDebitIsProvedByTheBank(t *testing.T) {
	sale := yuan(1_234)
	w, p := tornContact(t, nil, sale)
	r := w.ends(sale, pos.Recovered)
	if p.balance != 3_766 || len(w.bank.posted) != 1 || !r.Receipt.Approved {
		t.Errorf("purse %d, bank %v", p.balance, w.bank.posted)
	}
	w.wantStates(pos.Posted)
	w.ends(sale, pos.OfflineProved)
	if _, err := w.Settle(t.Context()); err != nil || w.bank.settled[1] != (bank2{2, 2_468}) {
		t.Errorf("settled %v: %v", w.bank.settled, err)
	}
}

// Without the bank such a debit is neither approved nor made once more; it is
// approved as soon as the bank can be asked, over whatever interface.
func TestATornContactDebitWaitsForTheBank(t *testing.T) {
	sale := yuan(1_234)
	sale.Order = "A-1"
	w, p := tornContact(t, nil, sale)
	w.reader.face = link.Contactless
	w.bank.deaf = 1
	w.ends(sale, pos.Unproved)
	w.wantStates(pos.Found)
	w.bank.dumb = 1
	w.ends(sale, pos.Unproved)
	w.wantStates(pos.Found)
	if p.balance != 3_766 {
		t.Errorf("purse %d", p.balance)
	}
	w.options = offline
	w.start()
	w.ends(sale, pos.Unproved)
	w.options = nil
	w.start()
	// The upload of the evening asks as well.
	if done, err := w.Upload(t.Context()); err != nil || done.Posted != 1 || len(done.Found) != 1 || done.Found[0].Order != "A-1" {
		t.Errorf("upload %+v: %v", done, err)
	}
	w.wantStates(pos.Posted)
	w.ends(sale, pos.AlreadyPaid)

	w, p = tornContact(t, offline, sale)
	w.ends(sale, pos.Unproved)
	w.wantStates(pos.Found)
	other := yuan(1)
	w.ends(other, pos.OfflineProved)
	if p.balance != 3_765 {
		t.Errorf("purse %d", p.balance)
	}
}

// uploading is a bank during whose uploads something else is done.
type uploading struct {
	*bank
	do func()
}

func (u uploading) PostTaps(ctx context.Context, r bankapi.PostTaps) (bankapi.TapsPosted, error) {
	u.do()
	return u.bank.PostTaps(ctx, r)
}

// A customer who comes back during an upload is not kept waiting for its end.
func TestATornContactDebitDuringAnUpload(t *testing.T) {
	sale := yuan(1_234)
	w, _ := tornContact(t, nil, sale)
	w.bank.deaf = 1
	w.ends(sale, pos.Unproved)
	asked := false
	w.options = func(o *pos.Options) {
		o.Acquirer = uploading{w.bank, func() {
			if !asked {
				asked = true
				w.ends(sale, pos.Unproved)
			}
		}}
	}
	w.start()
	if done, err := w.Upload(t.Context()); err != nil || len(done.Found) != 1 || !asked {
		t.Errorf("%+v: %v", done, err)
	}
	w.wantStates(pos.Posted)
}

// What the bank does not know as genuine was never paid.
func TestATornContactDebitThatTheBankRefuses(t *testing.T) {
	sale := yuan(1_234)
	w, p := tornContact(t, nil, sale)
	p.log[0][18] ^= 1 // the cryptogram in the log
	w.ends(sale, pos.Unproved)
	w.wantStates(pos.Stuck)
	if len(w.bank.posted) != 0 {
		t.Error("the bank has posted it")
	}
	if _, err := w.Settle(t.Context()); err != nil || w.bank.settled[1] != (bank2{0, 0}) {
		t.Errorf("settled %v: %v", w.bank.settled, err)
	}
}

// A debit over contacts that never was is voided with the next one.
func TestAContactTapThatNeverCountedIsVoid(t *testing.T) {
	p := newPurse(1, 5_000)
	w := contact(newWorld(t, nil, p))
	w.reader.cutAt = 10
	w.ends(yuan(1_234), pos.Gone)
	w.wantStates(pos.Open)
	w.reader.cutAt = 0
	w.ends(yuan(1_234), pos.OfflineProved)
	w.wantStates(pos.StateApproved)
	if p.balance != 3_766 || p.input.Type != emv.TypePurchase {
		t.Errorf("purse %d", p.balance)
	}
}

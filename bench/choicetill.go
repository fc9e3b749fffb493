package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"math/rand/v2"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/link"
	"sotto/money"
	"sotto/pos"
	"sotto/pos/mem"
	"sotto/sim"
)

// readerClass is one of the three kinds of reader that a device meets.
type readerClass struct {
	name, about string
	face        link.Interface
	withoutSPI  bool
}

var readerClasses = []readerClass{
	{"a", "contactless, amount before selection (SPI)", link.Contactless, false},
	{"b", "contactless, without SPI", link.Contactless, true},
	{"c", "contact", link.Contact, false},
}

// tap lets a wallet pay at a new till of this class, and looks what became of
// it. The error says that till or wallet have not done what they promise, which
// is more than not to pay.
func (w *wallet) tap(ctx context.Context, class readerClass, alone bool) (pos.Result, error) {
	device, err := w.device(alone)
	if err != nil {
		return pos.Result{}, err
	}
	bank := &acquirer{wallet: w}
	var asks pos.Acquirer // nil: a till without a bank
	if !w.plan.offline {
		asks = bank
	}
	till, err := newTill(w.press, &slot{chip: device, face: class.face}, w.plan.currency, class, asks)
	if err != nil {
		return pos.Result{}, err
	}
	r, err := till.Tap(ctx, pos.Sale{Amount: money.Amount{Minor: w.plan.amount, Currency: w.plan.currency}})
	if err != nil {
		return r, err
	}
	return r, w.audit(device, r, bank)
}

func newTill(p *press, reader link.Reader, currency money.Currency, class readerClass, bank pos.Acquirer) (*pos.Terminal, error) {
	return pos.New(pos.Options{
		Settings: pos.Settings{
			Terminal: "T1", Merchant: "M1", Name: "Tea House", Category: 5499, Country: country, Currency: currency,
			Applications: []pos.Application{{AID: pos.OurAID}}, Authorities: p.authorities(), WithoutSPI: class.withoutSPI,
		},
		Reader: reader, Journal: &mem.Journal{}, Acquirer: bank, Now: noon,
		Random: rand.NewChaCha8([32]byte{1}),
	})
}

// audit looks at the money: what was approved is missing in exactly one place,
// and where nothing was approved nothing is missing.
func (w *wallet) audit(device *sim.Device, r pos.Result, bank *acquirer) error {
	list, err := device.List()
	if err != nil {
		return err
	}
	gone := bank.taken
	for _, shown := range list {
		for _, a := range w.plan.applets {
			if !a.account && string(a.aid) == string(shown.AID) && a.state != stateBare {
				gone += a.balance - shown.Available
			}
		}
	}
	owed := int64(0)
	if r.Outcome == pos.Approved {
		owed = w.plan.amount
	}
	if gone != owed {
		return errors.New("the money that is gone is not what the till has approved")
	}
	return nil
}

// acquirer is the bank of the accounts in one wallet: it checks the cryptogram,
// looks whether the money is there, and takes it.
type acquirer struct {
	wallet *wallet
	taken  int64
}

var _ pos.Acquirer = (*acquirer)(nil)

// Authorize implements pos.Acquirer.
func (b *acquirer) Authorize(_ context.Context, _ string, r bankapi.Authorize) (bankapi.Authorization, error) {
	d, err := bankapi.ParseChipData(r.ChipData)
	if err != nil {
		return bankapi.Authorization{}, bankapi.NewProblem(bankapi.Malformed, "")
	}
	for i, a := range b.wallet.plan.applets {
		keys := b.wallet.press.keys(i, a)
		if string(a.aid) != string(d.AID) || !keys[0].VerifyAC(d.Input, d.AC) {
			continue
		}
		said := bankapi.Authorization{Tap: "tap", Status: bankapi.TapDeclined}
		arc := emv.ARCInsufficient
		switch {
		case a.expiry < choiceToday:
			arc = emv.ARCExpired
		case a.account && a.balance >= r.Amount && r.Currency == string(a.currency) && d.CID == emv.ARQC:
			said.Status, arc = bankapi.TapApproved, emv.ARCApproved
			b.taken += r.Amount
		}
		auth := keys[0].IssuerAuth1(d.Input.ATC, d.AC, arc)
		said.ResponseCode, said.IssuerAuth = arc.String(), hex.EncodeToString(auth[:])
		return said, nil
	}
	return bankapi.Authorization{}, bankapi.NewProblem(bankapi.NotGenuine, "")
}

// errNotAsked is for calls that no tap makes.
var errNotAsked = errors.New("bench: nobody settles these taps")

// Reverse implements pos.Acquirer.
func (b *acquirer) Reverse(context.Context, bankapi.Reverse) (bankapi.TapRecord, error) {
	return bankapi.TapRecord{}, errNotAsked
}

// PostTaps implements pos.Acquirer.
func (b *acquirer) PostTaps(context.Context, bankapi.PostTaps) (bankapi.TapsPosted, error) {
	return bankapi.TapsPosted{}, errNotAsked
}

// SettleBatch implements pos.Acquirer.
func (b *acquirer) SettleBatch(context.Context, bankapi.SettleBatch) (bankapi.Batch, error) {
	return bankapi.Batch{}, errNotAsked
}

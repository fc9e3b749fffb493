package bank

import (
	"encoding/hex"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/ident"
)

// CreateLoad moves money from an account into the float, and tells the purse in
// a script to set its balance. The money is in flight until a later cryptogram
// of the purse says whether the script was executed: whatever the reader says
// of it is not believed, for nobody can check it.
type CreateLoad struct {
	Request bankapi.CreateLoad // chip data stands in chip
	chip    chip
}

// NewCreateLoad verifies the cryptogram.
func (k *Keys) NewCreateLoad(r bankapi.CreateLoad) CreateLoad {
	op := CreateLoad{Request: r, chip: k.newChip(r.ChipData)}
	op.Request.ChipData = ""
	return op
}

func (op CreateLoad) names(v *View, n *names) {
	n.row(KindAccount, op.Request.Account)
	op.chip.names(v, n)
	if a := v.appletOf(&op.chip); a != nil {
		n.row(KindAccount, a.Account)
	}
}

func (op CreateLoad) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	r, c := op.Request, &op.chip
	applet, a, refused := o.presented(c, bankapi.AppletPurse)
	if refused {
		return a
	}
	account := applet.Account
	if r.Account != "" {
		account = r.Account
	}
	from := o.Accounts.get(account)
	switch {
	case c.said.mute:
		return no(bankapi.NotGenuine, "read the chip again")
	case !c.began(emv.ARQC) || c.Input.Type != emv.TypeLoad || !c.carries(r.Amount, r.Currency) || r.Currency != applet.Currency:
		return invalid("chip_data", "give the ARQC of a load (63) of this amount, in the currency of the purse")
	case from == nil || from.Kind != string(bankapi.AccountCustomer) || from.Currency != r.Currency:
		return invalid("account", "give the id of a customer's account in the currency of the purse")
	case o.Taps.get(tapID(applet.ID, c.Input.ATC)) != nil:
		return no(bankapi.Duplicate, "this cryptogram was used already; ask with the same Idempotency-Key, or begin anew at the chip")
	case !o.usable(applet) || c.Input.ATC == atcMax:
		return no(bankapi.AppletBlockedNow, "it is not loaded any more")
	}
	o.hear(applet, c)
	applet = o.Applets.get(applet.ID)
	switch {
	case applet.Load != "":
		return no(bankapi.LoadPending, "read the purse once more, and resolve the load "+applet.Load)
	case int64(c.Input.ATC) < applet.ATC:
		return no(bankapi.WrongState, "the purse has gone on since; begin anew at the chip")
	case c.said.told+r.Amount > applet.BalanceMax:
		return invalid("amount", "the purse would hold more than it may")
	}
	return op.begin(o, applet, account)
}

func (op CreateLoad) begin(o *opContext, applet *Applet, account string) Answer {
	r, c := op.Request, &op.chip
	id := o.newID(ident.Load)
	if _, reason := o.move(Transfer{
		Kind: string(bankapi.TransferLoad), Debit: account, Credit: applet.Float, Amount: r.Amount, Currency: r.Currency, Note: id,
	}); reason != "" {
		return no(reason, "the account does not have it")
	}
	auth := o.issuerAuth(applet, c, emv.ARCApproved)
	l := o.Loads.add(o.View, id, Load{
		ID: id, Applet: applet.ID, Account: account, Amount: r.Amount, Currency: r.Currency, Status: string(bankapi.LoadInFlight),
		ATC: int64(c.Input.ATC), Scripts: int64(c.Input.CVR.Scripts()), IssuerAuth: auth[:], Script: o.setAmount(applet, c, emv.TagBalance, c.said.told+r.Amount), CreatedAt: o.now,
	})
	o.Taps.add(o.View, tapID(applet.ID, c.Input.ATC), Tap{
		ID: tapID(applet.ID, c.Input.ATC), Applet: applet.ID, Number: applet.Number, ATC: int64(c.Input.ATC), Reference: id,
		Amount: r.Amount, Currency: r.Currency, Status: string(bankapi.TapApproved), AC: c.cryptogram(), CreatedAt: o.now,
	})
	o.sawATC(applet.ID, c).Load = id
	o.emit("load.in_flight", "", id, r.Amount, r.Currency)
	return done(LoadView(l))
}

// atcMax is the last counter of a chip. No later cryptogram could say what became
// of a load that began with it.
const atcMax = 0xFFFF

// resolve ends the applet's load in flight if this cryptogram, which must be
// genuine, is of a later transaction: the script of a load works in its own
// transaction or never. The CVR counts the scripts that the applet has executed,
// modulo 16, and one more than in the load's own ARQC says that it has.
func (o *opContext) resolve(applet *Applet, c *chip) {
	l := o.Loads.get(applet.Load)
	if l == nil || int64(c.Input.ATC) <= l.ATC {
		return
	}
	l = o.Loads.edit(o.View, l.ID)
	a := o.Applets.edit(o.View, applet.ID)
	a.Load, a.ATC, l.EndedAt = "", max(a.ATC, int64(c.Input.ATC)), o.now
	if int64(c.Input.CVR.Scripts()) == (l.Scripts+1)&0x0F {
		a.Balance += l.Amount
		l.Status = string(bankapi.LoadCompleted)
	} else {
		if _, reason := o.move(Transfer{
			Kind: string(bankapi.TransferLoadReturn), Debit: a.Float, Credit: l.Account, Amount: l.Amount, Currency: l.Currency, Note: l.ID,
		}); reason != "" {
			panic("bank: the float is smaller than the loads in flight")
		}
		l.Status = string(bankapi.LoadReturned)
	}
	o.emit("load."+l.Status, "", l.ID, l.Amount, l.Currency)
}

// LoadView is what the API shows of a load. What the chip is to be told is there
// while it is in flight.
func LoadView(l *Load) bankapi.Load {
	v := bankapi.Load{
		ID: l.ID, Applet: l.Applet, Account: l.Account, Amount: l.Amount, Currency: l.Currency, Status: bankapi.LoadStatus(l.Status),
		ATC: int(l.ATC), ResponseCode: emv.ARCApproved.String(), CreatedAt: bankapi.Time(l.CreatedAt),
	}
	if v.Status == bankapi.LoadInFlight {
		v.IssuerAuth, v.Script = hex.EncodeToString(l.IssuerAuth), hex.EncodeToString(l.Script)
	}
	return v
}

// ResolveLoad ends a load with a later cryptogram of its purse.
type ResolveLoad struct {
	Load string
	chip chip
}

// NewResolveLoad verifies the cryptogram.
func (k *Keys) NewResolveLoad(load string, r bankapi.ResolveLoad) ResolveLoad {
	return ResolveLoad{Load: load, chip: k.newChip(r.ChipData)}
}

func (op ResolveLoad) names(v *View, n *names) {
	n.row(KindLoad, op.Load)
	op.chip.names(v, n)
}

func (op ResolveLoad) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	l := o.Loads.get(op.Load)
	if l == nil {
		return no(bankapi.NotFound, "give the id of a load")
	}
	applet, a, refused := o.presented(&op.chip, bankapi.AppletPurse)
	switch {
	case refused:
		return a
	case applet.ID != l.Applet:
		return invalid("chip_data", "this is another purse than the load's")
	case l.Status != string(bankapi.LoadInFlight):
		return done(LoadView(l))
	}
	if a, refused := o.altered(applet); refused {
		return a
	}
	if int64(op.chip.Input.ATC) <= l.ATC {
		return invalid("chip_data", "give a cryptogram of a later transaction than the load's")
	}
	o.hear(applet, &op.chip)
	return done(LoadView(o.Loads.get(op.Load)))
}

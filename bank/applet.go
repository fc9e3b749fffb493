package bank

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/ident"
	"sotto/money"
	"sotto/secret"
)

// IssueApplet makes a card application for a customer's account (B6 at the
// bank's side).
type IssueApplet struct {
	Request bankapi.IssueApplet // PAN stands in PAN
	PAN     secret.Secret
	panMAC  string
}

// NewIssueApplet takes the PAN out of the request.
func (k *Keys) NewIssueApplet(r bankapi.IssueApplet) IssueApplet {
	op := IssueApplet{Request: r, PAN: secret.New([]byte(r.PAN))}
	op.Request.PAN = ""
	if number, err := emv.NewPAN(r.PAN); err == nil && r.Sequence >= 0 && r.Sequence <= 99 {
		op.panMAC = hexOf(k.chipMAC(number, sequenceByte(r.Sequence)))
	}
	return op
}

// sequenceByte is 5F34: two digits.
func sequenceByte(n int) byte { return byte(n/10<<4 | n%10) }

func (op IssueApplet) names(v *View, n *names) {
	n.row(KindAccount, op.Request.Account)
	n.row(ByChip, op.panMAC)
	if a := v.Accounts.peek(op.Request.Account); a != nil {
		for _, purpose := range []bankapi.AccountKind{bankapi.AccountFloat, bankapi.AccountSettlement} {
			id := bookID(purpose, a.Currency)
			n.row(KindBook, id)
			if b := v.Books.peek(id); b != nil {
				n.row(KindAccount, b.Account)
			}
		}
	}
}

func (op IssueApplet) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	if a, refused := op.check(o); refused {
		return a
	}
	r, account := op.Request, o.Accounts.get(op.Request.Account)
	id := o.newID(ident.Applet)
	expires, _ := parseMonth(r.Expires)
	a := o.Applets.add(o.View, id, Applet{
		ID: id, Kind: string(r.Kind), Account: r.Account, Currency: account.Currency, AID: strings.ToUpper(r.AID), Label: r.Label,
		Status: string(bankapi.AppletActive), Number: mask(string(op.PAN.Reveal())), Sequence: int64(r.Sequence),
		Priority: int64(r.Priority), Expires: expires, CreatedAt: o.now,
		Float: o.book(bankapi.AccountFloat, account.Currency), Settlement: o.book(bankapi.AccountSettlement, account.Currency),
	})
	if r.Kind == bankapi.AppletPurse {
		a.BalanceMax, a.TapMax = r.BalanceMax, r.TapMax
		if a.TapMax == 0 {
			a.TapMax = a.BalanceMax
		}
	}
	a.PANMAC, _ = hex.DecodeString(op.panMAC)
	a.PANSealed = seal(o.keys.s.PANEncryption, o.draw12(), a.issuedAs(), op.PAN.Reveal())
	o.setLookup(ByChip, op.panMAC, id)
	o.emit("applet.issued", "", id, 0, a.Currency)
	return done(AppletView(a))
}

func (op IssueApplet) check(o *opContext) (Answer, bool) {
	r := op.Request
	account := o.Accounts.get(r.Account)
	expires, wellFormed := parseMonth(r.Expires)
	_, badAID := hex.DecodeString(r.AID)
	switch {
	case r.Kind != bankapi.AppletPurse && r.Kind != bankapi.AppletAccount:
		return invalid("kind", "use purse or account"), true
	case account == nil || account.Kind != string(bankapi.AccountCustomer):
		return invalid("account", "give the id of a customer's account"), true
	case !pan(string(op.PAN.Reveal())):
		return invalid("pan", "give 12 to 19 digits with a right check digit"), true
	case r.Sequence < 0 || r.Sequence > 99:
		return invalid("sequence", "use 0 to 99"), true
	case badAID != nil || len(r.AID) < 10 || len(r.AID) > 32:
		return invalid("aid", "give 5 to 16 bytes in hex"), true
	case !label(r.Label):
		return invalid("label", "give 1 to 16 letters, digits and spaces"), true
	case r.Priority < 0 || r.Priority > 15:
		return invalid("priority", "use 0 to 15"), true
	case !wellFormed || expires < monthOf(o.now):
		return invalid("expires", "give a month that is not over, as 2031-12"), true
	case r.Kind == bankapi.AppletPurse && (r.BalanceMax < 1 || r.BalanceMax > emv.PurseMax):
		return invalid("balance_max", "give the most the purse may hold, in minor units"), true
	case r.TapMax < 0 || r.TapMax > r.BalanceMax || r.Kind == bankapi.AppletAccount && r.BalanceMax != 0:
		return invalid("tap_max", "limits are a purse's, and a tap debits at most what the purse holds"), true
	case o.keys.applets[emv.PBOC].AC.Empty():
		return no(bankapi.Unavailable, "this bank has no keys for applets; start it with a key store of this version"), true
	case o.lookup(ByChip, op.panMAC) != "":
		return no(bankapi.Duplicate, "this PAN and sequence number are issued already"), true
	}
	return Answer{}, false
}

// amountMax is what twelve digits can say.
const amountMax = 999_999_999_999

// label reports whether s can be an application label (EMV Book 1, 12.2.4).
func label(s string) bool {
	for _, c := range []byte(s) {
		if c != ' ' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return text(s, 1, 16)
}

// parseMonth reads 2031-12 as 203112.
func parseMonth(s string) (int64, bool) {
	t, err := time.Parse("2006-01", s)
	return int64(t.Year()*100 + int(t.Month())), err == nil && t.Year() >= 2000 && t.Year() < 2050
}

func monthOf(millis int64) int64 {
	t := time.UnixMilli(millis).UTC()
	return int64(t.Year()*100 + int(t.Month()))
}

// NumericOf is the ISO 4217 number of a currency as it stands in 5F2A.
func NumericOf(currency string) (emv.Numeric, error) {
	return emv.NewNumeric(money.Currency(currency).Numeric())
}

// book is the bank's own account of this purpose and currency; it is opened when
// it is first needed.
func (o *opContext) book(purpose bankapi.AccountKind, currency string) string {
	id := bookID(purpose, currency)
	if b := o.Books.get(id); b != nil {
		return b.Account
	}
	account := o.openAccount(string(purpose)+" "+currency, purpose, currency, "")
	o.Books.add(o.View, id, Book{ID: id, Account: account.ID})
	return account.ID
}

func bookID(purpose bankapi.AccountKind, currency string) string {
	return string(purpose) + "|" + currency
}

// genuineApplet reports whether the applet still is what was issued.
func (k *Keys) genuineApplet(a *Applet) bool {
	_, ok := k.AppletPAN(a)
	return ok
}

// altered refuses to move money for an applet that is not what was issued any
// more: the accounts its row names may be anybody's. Nothing is lost by it, for
// whoever asks keeps what he has and asks again when the row is mended.
func (o *opContext) altered(a *Applet) (Answer, bool) {
	if o.keys.genuineApplet(a) {
		return Answer{}, false
	}
	return no(bankapi.Unavailable, "an applet's row was changed; nothing is done with it until sotto bank audit verify is content"), true
}

// AppletPAN is the applet's card number, false when its row was tampered with.
func (k *Keys) AppletPAN(a *Applet) (secret.Secret, bool) {
	return unseal(k.s.PANEncryption, a.issuedAs(), a.PANSealed)
}

func (a *Applet) issuedAs() string {
	return strings.Join([]string{a.ID, a.Account, a.Kind, a.Currency, a.Float, a.Settlement, strconv.FormatInt(a.Expires, 10)}, "|")
}

// AppletView is what the API shows of an applet.
func AppletView(a *Applet) bankapi.Applet {
	return bankapi.Applet{
		ID: a.ID, Kind: bankapi.AppletKind(a.Kind), Account: a.Account, Number: a.Number, Sequence: int(a.Sequence), AID: a.AID,
		Label: a.Label, Priority: int(a.Priority), Currency: a.Currency,
		Expires: strconv.FormatInt(a.Expires/100, 10) + "-" + strconv.FormatInt(a.Expires%100+100, 10)[1:],
		Status:  bankapi.AppletStatus(a.Status), Balance: a.Balance, BalanceMax: a.BalanceMax, TapMax: a.TapMax,
		ATC: int(a.ATC), Load: a.Load, CreatedAt: bankapi.Time(a.CreatedAt),
	}
}

// SetAppletStatus blocks or unblocks an applet at the bank.
type SetAppletStatus struct {
	Applet string
	Status bankapi.AppletStatus
}

func (op SetAppletStatus) names(_ *View, n *names) { n.row(KindApplet, op.Applet) }

func (op SetAppletStatus) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	if op.Status != bankapi.AppletActive && op.Status != bankapi.AppletBlocked {
		return invalid("status", "use active or blocked")
	}
	if o.Applets.get(op.Applet) == nil {
		return no(bankapi.NotFound, "give the id of an applet")
	}
	a := o.Applets.edit(o.View, op.Applet)
	a.Status = string(op.Status)
	o.emit("applet."+a.Status, "", a.ID, 0, "")
	return done(AppletView(a))
}

// PersonalizeApplet records that an applet's keys are handed to a personalising
// station. The data itself is made by Keys.AppletData and never stored.
type PersonalizeApplet struct{ Applet string }

func (op PersonalizeApplet) names(_ *View, n *names) { n.row(KindApplet, op.Applet) }

func (op PersonalizeApplet) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	a := o.Applets.get(op.Applet)
	if a == nil {
		return no(bankapi.NotFound, "give the id of an applet")
	}
	o.emit("applet.personalized", "", a.ID, 0, "")
	return done(AppletView(a))
}

// usable reports whether the bank still deals with the applet: loads it, and
// authorises online.
func (o *opContext) usable(a *Applet) bool {
	return a.Status == string(bankapi.AppletActive) && a.Expires >= monthOf(o.now) && o.keys.genuineApplet(a)
}

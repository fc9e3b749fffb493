package bank

import (
	"sync"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/secret"
)

// AppletKeys are the issuer master keys of one cipher suite (EMV Book 2, A1.4).
type AppletKeys struct{ AC, MAC, ENC emv.IssuerKey }

// SuiteOf is how cryptograms of a version are made here: purses use version 01
// with PBOC session keys, accounts version 17 with common session keys.
func SuiteOf(v emv.CVN) emv.Suite {
	if v == emv.CVN17 {
		return emv.Common
	}
	return emv.PBOC
}

// AppletKeys are those of a suite.
func (k *Keys) AppletKeys(s emv.Suite) AppletKeys { return k.applets[s] }

func appletKeys(s Secrets) map[emv.Suite]AppletKeys {
	keys := map[emv.Suite]AppletKeys{}
	for _, suite := range []emv.Suite{emv.PBOC, emv.Common} {
		keys[suite] = AppletKeys{
			AC: issuerKey(suite, s.AppletAC), MAC: issuerKey(suite, s.AppletMAC), ENC: issuerKey(suite, s.AppletENC),
		}
	}
	return keys
}

// issuerKey takes the first 16 bytes of a root key of 32; a bank that issues no
// applets has none.
func issuerKey(suite emv.Suite, root secret.Secret) emv.IssuerKey {
	if root.Empty() {
		return emv.IssuerKey{}
	}
	whole := root.Reveal()
	key, err := emv.NewIssuerKey(suite, secret.New(whole[:16]))
	if err != nil {
		panic("bank: a root key has the wrong size")
	}
	return key
}

// chip is what a terminal has brought from a chip, with what can be found out
// about it before the op waits for its turn: all that needs no row.
type chip struct {
	bankapi.ChipData
	fault  bankapi.Reason // Malformed, or NotGenuine for any applet at all
	panMAC string
	said   said // of a purse
}

// newChip parses chip data and verifies its cryptogram, and what a purse says of
// its balance. It may be called by many goroutines.
func (k *Keys) newChip(text string) chip {
	data, err := bankapi.ParseChipData(text)
	if err != nil {
		return chip{fault: bankapi.Malformed}
	}
	c := chip{ChipData: data, panMAC: hexOf(k.chipMAC(data.PAN, data.Sequence))}
	issuer := k.applets[SuiteOf(data.IAD.CVN)]
	if issuer.AC.Empty() {
		c.fault = bankapi.NotGenuine
		return c
	}
	own, known := k.chips.get(c.panMAC, issuer.AC.Suite())
	if !known {
		own = chipKeys{ac: issuer.AC.Master(data.PAN, data.Sequence), mac: issuer.MAC.Master(data.PAN, data.Sequence)}
	}
	if !own.ac.VerifyAC(data.Input, data.AC) || data.IAD.CVN == emv.CVN01 && !c.listen(own.mac) {
		c.fault = bankapi.NotGenuine
		return c
	}
	if !known {
		k.chips.put(c.panMAC, own)
	}
	return c
}

// chipKeys are a chip's own keys.
type chipKeys struct{ ac, mac emv.MasterKey }

// keyring keeps the keys of chips that were found genuine lately: a fifth of the
// work on a debit is to derive them, and most that pay today pay again today.
type keyring struct {
	mu   sync.Mutex
	keys map[string]chipKeys // by panMAC
}

// chipsMax bounds the chips whose keys are kept: about 1 KB each.
const chipsMax = 8192

func (r *keyring) get(panMAC string, suite emv.Suite) (chipKeys, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own, known := r.keys[panMAC]
	return own, known && own.ac.Suite() == suite
}

func (r *keyring) put(panMAC string, own chipKeys) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil || len(r.keys) >= chipsMax {
		r.keys = map[string]chipKeys{}
	}
	r.keys[panMAC] = own
}

// listen reads what a purse says of its balance. No cryptogram covers that, but
// a MAC of its own does. It is not there when the till has found the debit in the
// chip's log.
func (c *chip) listen(key emv.MasterKey) bool {
	c.said.atc = c.Input.ATC
	amount, bad := c.Input.Amount.Minor()
	switch {
	case bad != nil:
	case c.began(emv.TC) && c.Input.Type == emv.TypePurchase:
		c.said.debit = amount
	case c.began(emv.ARQC) && c.Input.Type == emv.TypeLoad:
		c.said.load = amount
	}
	if c.said.mute = c.IAD.IDD == nil; c.said.mute {
		return true
	}
	idd, err := emv.ParsePurseIDD(c.IAD.IDD)
	if err != nil || !key.VerifyBalance(c.Input.ATC, idd) {
		return false
	}
	c.said.told, err = idd.Balance.Minor()
	return err == nil
}

// chipMAC is by what an applet is found: its PAN and sequence number.
func (k *Keys) chipMAC(pan emv.PAN, sequence byte) []byte {
	return mac(k.s.PANLookup, "chip", pan.Reveal(), []byte{sequence})
}

// names asks for the applet and for the tap of this counter, and, when one is
// known, for the load in flight.
func (c *chip) names(v *View, n *names) {
	if c.panMAC == "" {
		return
	}
	n.row(ByChip, c.panMAC)
	if !v.Has(Key{ByChip, c.panMAC}) {
		return
	}
	a := v.Applets.peek(v.lookup(ByChip, c.panMAC))
	if a == nil {
		return
	}
	n.row(KindTap, tapID(a.ID, c.Input.ATC))
	n.row(KindAccount, a.Float)
	n.row(KindAccount, a.Settlement)
	n.row(KindLoad, a.Load)
	if l := v.Loads.peek(a.Load); l != nil {
		n.row(KindAccount, l.Account)
	}
	c.nameTorn(v, n, a)
}

// applet is whose chip it is, nil if the bank knows none. One that is issued in
// this very commit was not known when rows were named, and is not yet.
func (o *opContext) applet(c *chip) *Applet {
	if c.panMAC == "" {
		return nil
	}
	a := o.Applets.get(o.lookup(ByChip, c.panMAC))
	if a == nil || !o.Has(Key{KindTap, tapID(a.ID, c.Input.ATC)}) {
		return nil
	}
	return a
}

// began reports whether this is the first cryptogram of its transaction, and of
// this kind. That the CID says so is not enough: no cryptogram covers it, and a
// till could take what the chip has declined, or wants the bank to decide, for
// money. The CVR is covered.
func (c *chip) began(with emv.CID) bool {
	_, ended := c.Input.CVR.Second()
	return !ended && c.CID.Kind() == with && c.Input.CVR.First() == with
}

// cryptogram is a copy for a row, which lives on: were it a slice of the op, all
// chips of the upload would stay in memory with it, and their PANs.
func (c *chip) cryptogram() []byte { return append([]byte(nil), c.AC[:]...) }

// carries reports whether the chip's data are of this amount, which is some, and
// currency.
func (c *chip) carries(amount int64, currency string) bool {
	minor, badAmount := c.Input.Amount.Minor()
	number, badCurrency := NumericOf(currency)
	return badAmount == nil && badCurrency == nil && minor == amount && amount > 0 && c.Input.Currency == number
}

// tapID names what a counter was used for: the applet, a full stop, and four
// hex digits, so that ids sort by counter.
func tapID(applet string, atc uint16) string {
	const digits = "0123456789ABCDEF"
	return applet + "." + string([]byte{digits[atc>>12], digits[atc>>8&15], digits[atc>>4&15], digits[atc&15]})
}

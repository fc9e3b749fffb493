package sim

import (
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/tlv"
)

// stamp is a cryptogram with what stands beside it in an answer.
type stamp struct {
	cid emv.CID
	ac  [8]byte
	iad []byte
}

// stamped computes the cryptogram of the transaction under way. The account is
// as it will be when the answer leaves: 9F10 tells the balance behind the debit.
//
// The ATC has moved before, so that no two cryptograms have one session key
// beyond the two of one transaction.
func (a *applet) stamped(x terminal, cid emv.CID, cvr emv.CVR) stamp {
	p := a.profile
	cvr = a.account.history(cvr)
	ac, err := p.ac.AC(emv.ACInput{
		Amount: x.amount, Other: x.other, Country: x.country, TVR: x.results, Currency: x.currency,
		Date: x.date, Type: x.kind, Unpredictable: x.number,
		AIP: p.Contact.AIP, ATC: a.account.atc, CVN: p.CVN, CVR: cvr,
	})
	if err != nil {
		a.fail(err)
	}
	return stamp{cid: cid, ac: ac, iad: a.iad(cvr)}
}

// iad is the issuer application data (9F10). A purse adds its balance, with a
// MAC of its own (JR/T 0025.13).
func (a *applet) iad(cvr emv.CVR) []byte {
	p := a.profile
	i := emv.IAD{DKI: p.DKI, CVN: p.CVN, CVR: cvr, Algorithm: p.Suite.Algorithm()}
	if a.entry.kind == Purse {
		balance := amountOf(a.account.left())
		idd, err := emv.PurseIDD{
			Balance: balance, MAC: p.script.BalanceMAC(a.account.atc, balance),
		}.Append(nil)
		if err != nil {
			a.fail(err)
		}
		i.IDD = idd
	}
	return i.Append(nil)
}

// history puts into the CVR what happened before this transaction.
//
// Reading: the nibble is to be the number of issuer scripts executed on the last
// online transaction. But an ARQC that never reaches the bank is a transaction
// too, and the bank, which does not know of it, would take its zero for the
// fate of the load before. So the number counts on, modulo 16: the bank knows it
// from the ARQC that it answered, and whether the next one is higher.
func (a account) history(cvr emv.CVR) emv.CVR {
	cvr = cvr.WithScripts(int(a.scripts))
	if a.scriptFailed {
		cvr |= emv.CVRScriptFailed
	}
	if a.incomplete {
		cvr |= emv.CVRLastIncomplete
	}
	return cvr
}

// amountOf writes minor units, of which saveAccount has seen that they fit.
func amountOf(minor int64) emv.Amount {
	amount, err := emv.NewAmount(minor)
	assert(err == nil, "an amount has more than twelve digits")
	return amount
}

// sign makes 9F4B with the applet's own key.
func (a *applet) sign(with func(k oda.PrivateKey, random [oda.RandomSize]byte) ([]byte, error)) []byte {
	var random [oda.RandomSize]byte
	a.random.fill(random[:])
	key, err := a.profile.signer()
	if err != nil {
		a.fail(err)
		return nil
	}
	defer key.Wipe()
	signature, err := with(key, random)
	if err != nil {
		a.fail(err)
	}
	return signature
}

// append writes the stamp as it stands in a GENERATE AC answer of format 1: CID,
// ATC, cryptogram, issuer application data (EMV 4.4 Book 3, 6.5.5.4).
func (s stamp) append(dst []byte, atc uint16) []byte {
	dst = append(dst, byte(s.cid))
	dst = emv.AppendATC(dst, atc)
	dst = append(dst, s.ac[:]...)
	return append(dst, s.iad...)
}

// template puts an answer of format 2 around data objects.
func template(objects []byte) []byte { return tlv.Append(nil, emv.TagResponse2, objects) }

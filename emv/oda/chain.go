package oda

import (
	"slices"

	"sotto/emv"
)

// Revocation is an entry of a certification revocation list: a certificate that
// this key of this authority has signed (Book 2, 5.1.2).
type Revocation struct {
	RID    [5]byte
	Index  byte
	Serial [3]byte
}

func isRevoked(list []Revocation, r Revocation) bool { return slices.Contains(list, r) }

// Authorities is whom a terminal trusts.
type Authorities struct {
	CAs     []CA
	Revoked []Revocation
}

// Presented is what a card shows of itself, from its records.
type Presented struct {
	RID    [5]byte // the first five bytes of the AID that was selected
	Index  byte    // 8F
	PAN    emv.PAN // 5A, or from 57
	Issuer Certificate
	ICC    Certificate
	Static []byte // see StaticData
}

// CA finds the key of an authority by RID and index, and refuses one that is
// past its end (Book 2, 5.2).
func (a Authorities) CA(rid [5]byte, index byte, today emv.Date) (CA, error) {
	at := slices.IndexFunc(a.CAs, func(ca CA) bool { return ca.RID == rid && ca.Index == index })
	if at < 0 {
		return CA{}, in(partCA, ErrAuthority)
	}
	ca := a.CAs[at]
	if ca.Expiry != (Month{}) && ca.Expiry.Over(today) {
		return CA{}, in(partCA, ErrExpired)
	}
	return ca, nil
}

// Issuer verifies the first half of the chain, which is all that SDA needs.
func (a Authorities) Issuer(p Presented, today emv.Date) (Issuer, error) {
	ca, err := a.CA(p.RID, p.Index, today)
	if err != nil {
		return Issuer{}, err
	}
	return ca.RecoverIssuer(p.Issuer, p.PAN, today, a.Revoked)
}

// Verify verifies the whole chain, from the authority to the card.
func (a Authorities) Verify(p Presented, today emv.Date) (ICC, error) {
	issuer, err := a.Issuer(p, today)
	if err != nil {
		return ICC{}, err
	}
	return issuer.RecoverICC(p.ICC, p.PAN, p.Static, today)
}

package bankapi

import (
	"encoding/hex"
	"errors"
	"time"

	"sotto/emv/oda"
)

// ErrCAKey says that a public key is not as it must be.
var ErrCAKey = errors.New("bankapi: malformed public key of an authority")

// Authority is the key as a terminal uses it.
func (k CAKey) Authority() (oda.CA, error) {
	rid, err1 := hex.DecodeString(k.RID)
	modulus, err2 := hex.DecodeString(k.Modulus)
	expires, err3 := time.Parse("2006-01", k.Expires)
	ca := oda.CA{Index: byte(k.Index)}
	if err := errors.Join(err1, err2, err3); err != nil || len(rid) != len(ca.RID) || k.Index>>8 != 0 || k.Exponent < 0 || k.Exponent>>24 != 0 {
		return oda.CA{}, ErrCAKey
	}
	ca.RID = [5]byte(rid)
	exponent := []byte{byte(k.Exponent >> 16), byte(k.Exponent >> 8), byte(k.Exponent)}
	for len(exponent) > 1 && exponent[0] == 0 {
		exponent = exponent[1:]
	}
	var err error
	if ca.Key, err = oda.NewPublicKey(modulus, exponent); err != nil {
		return oda.CA{}, ErrCAKey
	}
	if ca.Expiry, err = oda.NewMonth(expires.Year(), int(expires.Month())); err != nil {
		return oda.CA{}, ErrCAKey
	}
	return ca, nil
}

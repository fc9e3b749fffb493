package service

import (
	"crypto/rand"
	"errors"

	"sotto/bank"
	"sotto/bank/issuer"
	"sotto/keystore/file"
	"sotto/secret"
)

// Secrets takes the bank's root keys out of a key store. Those of applets are
// added to a store that was made before there were applets.
func Secrets(keys *file.Keys) (bank.Secrets, error) {
	var s bank.Secrets
	var errs []error
	for _, one := range []struct {
		name string
		find func(string) (secret.Secret, error)
		into *secret.Secret
	}{
		{file.IssuerMaster, keys.Secret, &s.IssuerMaster}, {file.CodePepper, keys.Secret, &s.CodePepper},
		{file.PANEncryption, keys.Secret, &s.PANEncryption}, {file.PANLookup, keys.Secret, &s.PANLookup},
		{file.PhoneTransport, keys.Secret, &s.PhoneTransport}, {file.APIKeys, keys.Secret, &s.APIKeys},
		{file.Audit, keys.Secret, &s.Audit},
		{file.AppletAC, keys.Draw, &s.AppletAC}, {file.AppletMAC, keys.Draw, &s.AppletMAC}, {file.AppletENC, keys.Draw, &s.AppletENC},
	} {
		var err error
		*one.into, err = one.find(one.name)
		errs = append(errs, err)
	}
	return s, errors.Join(errs...)
}

// Issuer are the keys that certify applets. The zero Issuer issues none.
type Issuer struct{ Authority, Issuer secret.Secret }

// IssuerOf takes them out of a key store, and draws them first if there are
// none.
func IssuerOf(keys *file.Keys) (i Issuer, err error) {
	for _, one := range []struct {
		name string
		bits int
		into *secret.Secret
	}{{file.AppletAuthority, issuer.AuthorityBits, &i.Authority}, {file.AppletIssuer, issuer.IssuerBits, &i.Issuer}} {
		draw := func() (secret.Secret, error) { return issuer.NewKey(rand.Reader, one.bits) }
		if *one.into, err = keys.Make(one.name, draw); err != nil {
			return Issuer{}, err
		}
	}
	return i, nil
}

package service

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"sotto/bank"
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

// Sizes of the keys that certify applets, in bits: the authority's fits its
// certificate of an issuer into one record, the issuer's is between that and
// the applets' own 1024.
const (
	authorityBits = 1408
	issuerBits    = 1152
)

// makeKey draws an RSA private key as PKCS #1 DER.
func makeKey(bits int) func() (secret.Secret, error) {
	return func() (secret.Secret, error) {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return secret.Secret{}, fmt.Errorf("draw an RSA key: %w", err)
		}
		der := x509.MarshalPKCS1PrivateKey(key)
		defer clear(der)
		return secret.New(der), nil
	}
}

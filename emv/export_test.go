package emv

import "sotto/secret"

// Session shows tests the session key for this ATC.
func (k MasterKey) Session(atc uint16) secret.Secret {
	session := k.reveal().session(atc)
	return secret.New(session.raw[:])
}

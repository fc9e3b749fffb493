package sim

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/tlv"
)

// ddolSize is what a terminal sends with INTERNAL AUTHENTICATE: its
// unpredictable number.
//
// Reading: the applet has no DDOL (9F49), so a terminal takes its own default
// one, which asks for 9F37 and nothing else (EMV 4.4 Book 2, 6.5.1). Nothing
// longer is signed: fast DDA of version 01 signs twenty bytes in this form.
const ddolSize = 4

// internalAuthenticate answers INTERNAL AUTHENTICATE (EMV 4.4 Book 3, 6.5.9), by
// which a terminal that knows DDA and not CDA tells the applet from a copy of its
// data. Once in a transaction, before its first cryptogram, is all there is.
func (a *applet) internalAuthenticate(c apdu.Command) apdu.Response {
	switch {
	case c.P1 != 0 || c.P2 != 0:
		return status(apdu.StatusWrongP1P2)
	case a.session.phase != phaseBegun || a.session.dynamic || !a.profile.signs():
		return status(apdu.StatusConditions)
	case len(c.Data) != ddolSize:
		return status(apdu.StatusWrongLength)
	}
	a.session.dynamic = true
	var number [8]byte
	a.random.fill(number[:])
	signature := a.sign(func(k oda.PrivateKey, random [oda.RandomSize]byte) ([]byte, error) {
		return k.SignDDA(number[:], c.Data, random)
	})
	return answer(tlv.Append(nil, emv.TagResponse1, signature))
}

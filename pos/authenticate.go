package pos

import (
	"errors"

	"sotto/emv"
	"sotto/emv/oda"
)

// verifyChain verifies the chip's certificates (EMV 4.4 Book 2, 5 and 6), and
// keeps its key. Until all of them have been read it is errNotYet.
func (x *transaction) verifyChain(c *card) error {
	p := oda.Presented{
		RID: ridOf(x.aid), PAN: c.pan,
		Issuer: oda.Certificate{
			Signature: x.told[emv.TagIssuerCertificate], Remainder: x.told[emv.TagIssuerRemainder], Exponent: x.told[emv.TagIssuerExponent],
		},
		ICC: oda.Certificate{
			Signature: x.told[emv.TagICCCertificate], Remainder: x.told[emv.TagICCRemainder], Exponent: x.told[emv.TagICCExponent],
		},
	}
	index := x.told[emv.TagCAIndex]
	if index == nil || p.Issuer.Signature == nil || p.Issuer.Exponent == nil || p.ICC.Signature == nil || p.ICC.Exponent == nil {
		return errNotYet
	}
	aip, err := x.profile()
	if err != nil {
		return err
	}
	if p.Static, err = oda.StaticData(x.static, x.told[emv.TagSDATagList], [2]byte(aip.Append(nil))); err != nil || len(index) != 1 {
		return end(NotAuthentic)
	}
	p.Index = index[0]
	icc, err := x.settings.Authorities.Verify(p, x.date)
	if err != nil {
		// The error names the object and the check, and no byte of either.
		x.trace.step("The chip's certificates are not good: " + err.Error() + ".")
		return end(NotAuthentic)
	}
	c.key = icc.Key
	x.trace.step("The chip's certificates lead to an authority that is trusted.")
	return nil
}

// errNotYet says that not all certificates have been read.
var errNotYet = errors.New("pos: certificates are still to come")

package pos

import (
	"context"
	"errors"

	"sotto/emv"
	"sotto/tlv"
)

// payContact is a payment over contacts (EMV 4.4 Book 1, 12; Book 3, 10).
func (x *transaction) payContact(ctx context.Context) error {
	list, err := x.contactCandidates(ctx)
	if err != nil {
		return err
	}
	return x.tryAll(ctx, list, x.contactKernel)
}

// contactKernel goes through the functions of Book 3, 10, in the order of Book
// 3, 8.
func (x *transaction) contactKernel(ctx context.Context) error {
	cda, err := x.begin(ctx)
	if err != nil {
		return err
	}
	asked, err := x.analyse(cda)
	if err != nil {
		return err
	}
	return x.firstCryptogram(ctx, asked)
}

// begin initiates the application (10.1), reads its records (10.2) and judges
// what it has read (10.3 to 10.6). It reports whether the chip can sign what it
// approves.
func (x *transaction) begin(ctx context.Context) (cda bool, err error) {
	x.tvr, x.tsi = 0, 0
	if err := x.processingOptions(ctx); err != nil {
		return false, err
	}
	afl, err := x.locator()
	if err != nil {
		return false, err
	}
	if err := x.readRecords(ctx, afl, func() error { return nil }); err != nil {
		return false, err
	}
	for _, tag := range []tlv.Tag{emv.TagExpiry, emv.TagPAN, emv.TagCDOL1, emv.TagCDOL2} { // Book 3, 7.2
		if x.told[tag] == nil {
			return false, end(Missing)
		}
	}
	if x.card, err = x.readCard(); err != nil {
		return false, err
	}
	if cda, err = x.authenticateOffline(); err != nil {
		return false, err
	}
	for _, judge := range []func() error{x.restrict, x.verifyHolderByList, x.manageRisk} {
		if err := judge(); err != nil {
			return false, err
		}
	}
	return cda, nil
}

// authenticateOffline verifies the certificates if the chip can do CDA (10.3).
// The other methods do not bind the amount, so that this terminal has no use for
// them.
func (x *transaction) authenticateOffline() (cda bool, err error) {
	aip, err := x.profile()
	if err != nil {
		return false, err
	}
	if !aip.Has(emv.AIPCDA) {
		x.tvr |= emv.TVRNoODA
		return false, nil
	}
	switch err := x.verifyChain(x.card); {
	case err == nil:
		return true, nil
	case errors.Is(err, errNotYet):
		x.tvr |= emv.TVRDataMissing | emv.TVRCDAFailed
	case errors.Is(err, end(NotAuthentic)):
		x.tvr |= emv.TVRCDAFailed
	default:
		return false, err
	}
	x.tsi |= emv.TSIODA
	return false, nil
}

// list parses one of the two lists of GENERATE AC.
func (x *transaction) list(tag tlv.Tag) (emv.DOL, error) {
	list, err := emv.ParseDOL(x.told[tag])
	if err != nil {
		return nil, end(Malformed)
	}
	return list, nil
}

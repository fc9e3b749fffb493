package pos

import (
	"context"
	"errors"

	"sotto/emv"
	"sotto/emv/oda"
)

// kernel is the contactless payment of kernels 3 and 7 (JR/T 0025.12, 7; EMV
// Contactless Book C-3, 5): GET PROCESSING OPTIONS is answered with a cryptogram
// at once.
func (x *transaction) kernel(ctx context.Context) error {
	if err := x.processingOptions(ctx); err != nil {
		return err
	}
	c, err := readCryptogram(x.told, true)
	if err != nil {
		return err
	}
	if _, err := x.profile(); err != nil {
		return err
	}
	switch {
	case c.kind == emv.TC:
		return x.approvedByChip(ctx, c)
	case c.kind == emv.ARQC:
		return x.wantsBank(ctx, c)
	}
	return x.declinedByChip(c)
}

func (x *transaction) declinedByChip(c cryptogram) error {
	x.trace.step("The application declines (AAC).")
	if known, err := x.readCard(); err == nil {
		x.card = known
	}
	x.receipt = x.newReceipt(c)
	return end(ChipDeclined)
}

// approvedByChip is an offline approval (TC). All that can be judged is judged
// before the last record is read, so that nothing is debited for a tap that will
// not be approved; and the journal knows of the tap by then, so that a debit
// whose end is not seen is not lost.
//
// Reading: where the signature is not good, a card may wish to go online (9F6C).
// A bank that wants a purse's money offline cannot do anything with its TC
// online, so the tap is declined.
func (x *transaction) approvedByChip(ctx context.Context, c cryptogram) error {
	afl, err := x.locator()
	if err != nil {
		return err
	}
	x.trace.step("The application approves offline; what follows must prove it.")
	var e Entry
	err = x.readRecords(ctx, afl, func() (err error) {
		if err = x.judge(afl); err != nil {
			return err
		}
		e, err = x.openEntry(c, x.told[emv.TagSDAD])
		return err
	})
	if err != nil {
		return err
	}
	return x.proveOffline(c, e)
}

// judge looks at what is known before the last record. Certificates that the
// last record must still bring are not missed yet.
func (x *transaction) judge(afl emv.AFL) (err error) {
	if x.card, err = x.readCard(); err != nil {
		return err
	}
	if err := x.wasTold(); err != nil {
		return err
	}
	if err := x.admit(x.card); err != nil || lastSigned(afl) {
		return err
	}
	if err := x.verifyChain(x.card); !errors.Is(err, errNotYet) {
		return err
	}
	return nil
}

// wasTold reports an application whose cryptogram nobody could check: it has not
// asked for the amount, the currency or the number.
func (x *transaction) wasTold() error {
	input, err := emv.ReadACInput(x.asked.Find)
	switch {
	case err != nil:
		return end(Malformed)
	case input.Amount != x.amount, input.Currency != x.currency(), input.Unpredictable != x.number:
		return end(Missing)
	}
	return nil
}

// admit looks at what needs no key.
func (x *transaction) admit(c *card) error {
	aip, err := x.profile()
	switch {
	case err != nil:
		return err
	case c.expired(x.date):
		return end(Expired)
	}
	if err := x.verifyHolder(); err != nil {
		return err
	}
	if !aip.Has(emv.AIPDDA) {
		return end(NotAuthentic)
	}
	return nil
}

// verifyHolder looks for a way of verifying the holder when the amount needs one
// (EMV Contactless Book C-3, 5.7). A signature on paper is all that this
// terminal can take; what the holder's own device has verified is as good.
func (x *transaction) verifyHolder() error {
	if !x.app.holder {
		return nil
	}
	ctq, err := x.cardQualifiers()
	switch {
	case err != nil:
		return err
	case ctq.Has(emv.CTQDeviceHolder):
		return nil
	case ctq.Has(emv.CTQSignature) && x.settings.Signature && !ctq.Has(emv.CTQOnlinePIN):
		return nil
	}
	return end(NoHolder)
}

// cardQualifiers are what the card wants (9F6C); nothing if it does not say.
func (x *transaction) cardQualifiers() (emv.CTQ, error) {
	b := x.told[emv.TagCTQ]
	if b == nil {
		return 0, nil
	}
	ctq, err := emv.ParseCTQ(b)
	if err != nil {
		return 0, end(Malformed)
	}
	return ctq, nil
}

// proveOffline verifies the chip's signature over this payment, and approves. If
// that fails the entry stays open: should the chip be honest after all, its log
// will tell.
func (x *transaction) proveOffline(c cryptogram, e Entry) error {
	known, err := x.readCard()
	if err != nil {
		return err
	}
	if err := x.admit(known); err != nil {
		return err
	}
	if known.key = x.card.key; known.key.Size() == 0 {
		if err := x.verifyChain(known); errors.Is(err, errNotYet) {
			return x.unproved()
		} else if err != nil {
			return err
		}
	}
	x.card = known
	signature := x.told[emv.TagSDAD]
	if signature == nil {
		return x.unproved()
	}
	if err := verifyTap(x.card.key, signature, x.fdda(c.atc, x.told[emv.TagCardAuth])); err != nil {
		x.trace.step("The chip's signature is not good: " + err.Error() + ".")
		return end(NotAuthentic)
	}
	x.proved = true
	x.trace.step("The chip has signed the amount, this terminal's number and its own counter: the payment is proved.")
	return x.approve(e, c)
}

func (x *transaction) fdda(atc uint16, cardData []byte) oda.FDDA {
	return oda.FDDA{UN: x.number, Amount: x.amount, Currency: x.currency(), CardData: cardData, ATC: atc}
}

// verifyTap verifies the signature of an offline approval over the air. Only
// version 01 covers the amount, and nothing less is taken.
func verifyTap(key oda.PublicKey, signature []byte, f oda.FDDA) error {
	return oda.ICC{Key: key}.VerifyFDDA(signature, f, oda.FDDA01)
}

// unproved ends a tap whose approval nothing proves.
func (x *transaction) unproved() error {
	x.trace.step("The chip does not prove its approval.")
	return end(NotAuthentic)
}

package pos

import (
	"context"
	"errors"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/tlv"
)

// firstCryptogram sends the first GENERATE AC (EMV 4.4 Book 3, 10.8). Asked for
// an approval, a purse debits itself at once; so the journal knows before.
func (x *transaction) firstCryptogram(ctx context.Context, asked emv.CID) error {
	list, err := x.list(emv.TagCDOL1)
	if err != nil {
		return err
	}
	values := x.fill(list)
	if err := x.wasTold(); err != nil {
		return err
	}
	var e Entry
	if asked == emv.TC {
		atc, err := x.counter(ctx)
		if err != nil {
			return err
		}
		if e, err = x.openEntry(cryptogram{kind: emv.TC, atc: atc}, nil); err != nil {
			return err
		}
	}
	c, err := x.generate(ctx, asked, asked == emv.TC, list, values)
	if err != nil {
		return err
	}
	x.tsi |= emv.TSICardRisk
	switch {
	case c.kind == emv.TC:
		return x.approve(e, c)
	case c.kind == emv.ARQC:
		return x.wantsBankContact(ctx, e, c)
	}
	if e.Number != 0 {
		if err := x.book.drop(e.Number); err != nil {
			return err
		}
	}
	return x.declinedByChip(c)
}

// counter asks for the transaction counter before it is told: should the answer
// to GENERATE AC be lost, the log is searched for it.
func (x *transaction) counter(ctx context.Context) (uint16, error) {
	r, err := x.chip.exchange(ctx, apdu.Command{CLA: 0x80, INS: insGetData, P1: 0x9F, P2: 0x36, Ne: apdu.NeMaxShort}, about{
		why: "Asks for the transaction counter, to know the payment again if the chip is pulled out now.",
	})
	if err != nil || !r.Status.OK() {
		return 0, err
	}
	b, err := tlv.Only(r.Data, emv.TagATC)
	if err != nil {
		return 0, end(Malformed)
	}
	atc, err := emv.ParseATC(b)
	if err != nil {
		return 0, end(Malformed)
	}
	return atc, nil
}

const insGetData byte = 0xCA

// generate sends GENERATE AC and verifies what it can of the answer: that it is
// no more than was asked for, and the signature, if there is one. An approval
// without a signature is none.
func (x *transaction) generate(ctx context.Context, asked emv.CID, cda bool, list emv.DOL, values []byte) (cryptogram, error) {
	b, err := x.chip.read(ctx, generateCommand(asked, cda, values), about{
		why: "Asks for " + asking(asked, cda) + ".", sent: list, values: cryptogramFormat,
	})
	if err != nil {
		return cryptogram{}, err
	}
	told, signed, err := readGenerated(b)
	if err != nil {
		return cryptogram{}, err
	}
	for tag := range told { // what the records have said is not to be said again
		if x.told[tag] != nil {
			return cryptogram{}, end(Duplicate)
		}
	}
	if told[emv.TagSDAD] != nil {
		if err := x.verifyCombined(told, signed); err != nil {
			return cryptogram{}, err
		}
	}
	first := x.reply.arc == 0
	c, err := readCryptogram(told, first)
	switch {
	case err != nil:
		return cryptogram{}, err
	case told[emv.TagCID] == nil:
		return cryptogram{}, end(Missing)
	case c.kind == emv.TC && asked != emv.TC, c.kind == emv.ARQC && asked == emv.AAC: // Book 3, 9.2
		return cryptogram{}, end(Malformed)
	case c.kind == emv.TC && cda && told[emv.TagSDAD] == nil:
		return cryptogram{}, x.unproved()
	}
	return c, nil
}

func asking(k emv.CID, cda bool) string {
	switch {
	case k == emv.TC && cda:
		return "an approval that the chip signs (TC)"
	case k == emv.TC:
		return "its agreement to the bank's approval (TC)"
	case k == emv.ARQC:
		return "a cryptogram for the bank (ARQC)"
	}
	return "the end of the transaction (AAC)"
}

// cryptogramFormat is the answer to GENERATE AC in format 1 (Book 3, 6.5.5.4).
var cryptogramFormat = emv.DOL{
	{Tag: emv.TagCID, Length: 1}, {Tag: emv.TagATC, Length: 2}, {Tag: emv.TagAC, Length: 8}, {Tag: emv.TagIAD},
}

// readGenerated reads the answer, of format 1 or 2. Signed is the content of the
// template, which CDA covers.
func readGenerated(b []byte) (told objects, signed []byte, err error) {
	o, rest, ok, err := tlv.Next(b)
	told = objects{}
	switch {
	case err != nil || !ok || len(rest) > 0:
		return nil, nil, end(Malformed)
	case o.Tag == emv.TagResponse2:
		return told, o.Value, told.collect(o.Value)
	case o.Tag != emv.TagResponse1 || len(o.Value) < 11:
		return nil, nil, end(Malformed)
	}
	told[emv.TagCID], told[emv.TagATC] = o.Value[:1], o.Value[1:3]
	told[emv.TagAC], told[emv.TagIAD] = o.Value[3:11], o.Value[11:]
	return told, nil, nil
}

// verifyCombined verifies a combined DDA/AC signature (EMV 4.4 Book 2, 6.6.2),
// and takes the cryptogram out of it.
func (x *transaction) verifyCombined(told objects, signed []byte) error {
	cid, err := emv.ParseCID(told[emv.TagCID])
	if err != nil || told[emv.TagAC] != nil {
		return end(Malformed)
	}
	hash, err := oda.TransactionHash(signed, x.sent)
	if err != nil {
		return end(Malformed)
	}
	combined, err := oda.ICC{Key: x.card.key}.VerifyCDA(told[emv.TagSDAD], x.number, cid, hash)
	if err != nil {
		x.trace.step("The chip's signature is not good: " + err.Error() + ".")
		x.tvr |= emv.TVRCDAFailed
		return end(NotAuthentic)
	}
	x.tsi |= emv.TSIODA
	x.proved = true
	told[emv.TagAC] = combined.AC[:]
	x.trace.step("The chip has signed what it was told and its cryptogram: the answer is proved.")
	return nil
}

// wantsBankContact lets the bank decide, and the chip conclude (Book 3, 10.9 to
// 10.11). The payment is made when both have said yes.
func (x *transaction) wantsBankContact(ctx context.Context, e Entry, c cryptogram) error {
	if !x.online() {
		if e.Number != 0 {
			if err := x.book.drop(e.Number); err != nil {
				return err
			}
		}
		x.giveUp(ctx, answer{arc: emv.ARCNoConnectionDecline})
		return end(OfflineOnly)
	}
	a, e, err := x.askBankContact(e, c)
	ctx, cancel := x.chipTime()
	defer cancel()
	if err != nil {
		if a.arc == 0 {
			a.arc = emv.ARCNoConnectionDecline
		}
		x.giveUp(ctx, a)
		return err
	}
	kind, err := x.conclude(ctx, a, emv.TC)
	var s stop
	switch {
	case errors.As(err, &s):
		return x.reverseLater(e, s.reason)
	case err != nil:
		return err
	case kind != emv.TC:
		return x.reverseLater(e, ChipRefuses)
	}
	if err := x.book.put(append(x.voidedNow(), e.authorized(x.receipt))...); err != nil {
		return err
	}
	x.runLastScript(ctx, a)
	return end(BankApproved)
}

// askBankContact asks the bank; an entry that was open for an offline approval
// becomes the question.
func (x *transaction) askBankContact(e Entry, c cryptogram) (answer, Entry, error) {
	if e.Number == 0 {
		return x.askBank(c)
	}
	reference := x.receipt.Reference
	x.receipt = x.newReceipt(c)
	x.receipt.Reference = reference
	chip := x.chipData(c)
	e.State, e.Receipt, e.Chip, e.Proof = Asked, x.receipt, &chip, nil
	e, err := x.book.set(e)
	if err != nil {
		return answer{}, Entry{}, err
	}
	return x.ask(e)
}

func scriptIs(b []byte, tag tlv.Tag) bool {
	script, err := emv.ParseScript(b)
	return err == nil && script.Tag == tag
}

// giveUp lets the chip conclude what is not approved, and hands on what the bank
// has for it even so. Nothing depends on how it takes that.
func (x *transaction) giveUp(ctx context.Context, a answer) {
	if _, err := x.conclude(ctx, a, emv.AAC); err != nil {
		x.trace.step("The chip does not conclude the transaction; that does no harm.")
		return
	}
	x.runLastScript(ctx, a)
}

// runLastScript hands on what the chip is to carry out when the transaction is
// concluded, either way (Book 3, 10.10).
func (x *transaction) runLastScript(ctx context.Context, a answer) {
	if scriptIs(a.script, emv.TagScript2) {
		x.runScript(ctx, a.script)
	}
}

// conclude gives the chip the bank's answer and asks for its last cryptogram.
func (x *transaction) conclude(ctx context.Context, a answer, asked emv.CID) (emv.CID, error) {
	x.reply = bankReply{a.arc, a.issuerAuth}
	list, err := x.list(emv.TagCDOL2)
	if err != nil {
		return 0, err
	}
	aip, err := x.profile()
	if err != nil {
		return 0, err
	}
	if aip.Has(emv.AIPIssuerAuth) && len(a.issuerAuth) > 0 && !list.Has(emv.TagIssuerAuth) {
		x.tsi |= emv.TSIIssuerAuth
		if !x.authenticate(ctx, a) {
			x.tvr |= emv.TVRIssuerAuthFailed
		}
	}
	if scriptIs(a.script, emv.TagScript1) {
		x.tsi |= emv.TSIScript
		if !x.runScript(ctx, a.script) {
			x.tvr |= emv.TVRScriptFailedBeforeGAC
		}
	}
	c, err := x.generate(ctx, asked, false, list, x.fill(list))
	if err != nil {
		return 0, err
	}
	return c.kind, nil
}

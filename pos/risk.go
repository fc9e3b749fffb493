package pos

import (
	"encoding/binary"
	"slices"

	"sotto/emv"
	"sotto/tlv"
)

// restrict compares versions, use and dates (EMV 4.4 Book 3, 10.4).
func (x *transaction) restrict() error {
	if b := x.told[emv.TagVersion]; b != nil && string(b) != string(emv.VersionPBOC.Append(nil)) {
		x.tvr |= emv.TVRVersions
	}
	if err := x.restrictUse(); err != nil {
		return err
	}
	if b := x.told[emv.TagEffective]; b != nil {
		from, err := emv.ParseDate(b)
		if err != nil {
			return end(Malformed)
		}
		if from.Compare(x.date) > 0 {
			x.tvr |= emv.TVRNotYetEffective
		}
	}
	if x.card.expired(x.date) {
		x.tvr |= emv.TVRExpired
	}
	return nil
}

// restrictUse compares the application usage control with this place (10.4.2):
// goods or services, in or out of the issuer's country.
func (x *transaction) restrictUse() error {
	if x.told[emv.TagAUC] == nil {
		return nil
	}
	use, err := emv.ParseAUC(x.told[emv.TagAUC])
	if err != nil {
		return end(Malformed)
	}
	allowed := use.Has(emv.AUCOther)
	if country := x.told[emv.TagIssuerCountry]; country != nil {
		want := emv.AUCGoodsInternational | emv.AUCServicesInternational
		if string(country) == string(x.settings.Country[:]) {
			want = emv.AUCGoodsDomestic | emv.AUCServicesDomestic
		}
		allowed = allowed && use&want != 0
	}
	if !allowed {
		x.tvr |= emv.TVRServiceNotAllowed
	}
	return nil
}

// manageRisk is what of terminal risk management (10.6) a till with one chip at
// a time has: the floor limit. Picking payments at random for the bank is for
// terminals whose offline approvals prove less than these do.
func (x *transaction) manageRisk() error {
	x.tsi |= emv.TSITerminalRisk
	if limit := x.settings.FloorLimit; limit != 0 && x.sale.Amount.Minor > limit {
		x.tvr |= emv.TVRFloorLimit
	}
	return nil
}

// analyse is the first terminal action analysis (10.7): which cryptogram to ask
// for. An approval that the chip cannot sign is not asked for at all.
func (x *transaction) analyse(cda bool) (emv.CID, error) {
	denial, err1 := x.action(emv.TagIACDenial, 0)
	online, err2 := x.action(emv.TagIACOnline, allActions)
	standard, err3 := x.action(emv.TagIACDefault, allActions)
	if err1 != nil || err2 != nil || err3 != nil {
		return 0, end(Malformed)
	}
	bank := x.online()
	switch {
	case x.tvr.Matches(denial | x.settings.Denial):
		return emv.AAC, nil
	case bank && (!cda || x.tvr.Matches(online|x.settings.Online)):
		return emv.ARQC, nil
	case !cda || !bank && x.tvr.Matches(standard|x.settings.Default):
		return emv.AAC, nil
	}
	return emv.TC, nil
}

const allActions emv.TVR = 0xFF_FF_FF_FF_FF

// action is an action code of the issuer, or what counts without one.
func (x *transaction) action(tag tlv.Tag, without emv.TVR) (emv.TVR, error) {
	b := x.told[tag]
	if b == nil {
		return without, nil
	}
	return emv.ParseTVR(b)
}

// Methods and conditions of cardholder verification (EMV 4.4 Book 3, Annex C3).
const (
	methodFail      = 0x00
	methodPINLast   = 0x05 // 01 to 05 need a PIN
	methodSignature = 0x1E
	methodNone      = 0x1F
	methodBits      = 0x3F
	methodOrNext    = 0x40 // if it fails, the next rule

	conditionAlways    = 0x00
	conditionNotCash   = 0x02
	conditionSupported = 0x03
	conditionUnderX    = 0x06
	conditionOverX     = 0x07
	conditionUnderY    = 0x08
	conditionOverY     = 0x09
)

// Results of cardholder verification (9F34, byte 3).
const (
	resultUnknown = 0x00 // a signature, which somebody will look at
	resultFailed  = 0x01
	resultGood    = 0x02
)

// verifyHolderByList goes through the chip's list of methods (10.5). This
// terminal has two: a signature, if it is so set, and none at all.
func (x *transaction) verifyHolderByList() error {
	aip, err := x.profile()
	if err != nil || !aip.Has(emv.AIPHolder) {
		return err
	}
	b := x.told[emv.TagCVMList]
	switch {
	case b == nil:
		x.tvr |= emv.TVRDataMissing
		return nil
	case len(b) < 10 || len(b)%2 != 0:
		return end(Malformed)
	}
	x.tsi |= emv.TSIHolder
	x.verified = []byte{methodBits, 0, resultFailed}
	under, over := int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))
	for rule := range slices.Chunk(b[8:], 2) {
		if !x.applies(rule, under, over) {
			continue
		}
		if result, ok := x.perform(rule[0] & methodBits); ok {
			x.verified = []byte{rule[0], rule[1], result}
			return nil
		}
		x.verified = []byte{rule[0], rule[1], resultFailed}
		if rule[0]&methodOrNext == 0 {
			break
		}
	}
	x.tvr |= emv.TVRHolderNotVerified
	return nil
}

// applies reports whether the condition of a rule is met at a till, where goods
// are bought and no cash is given.
func (x *transaction) applies(rule []byte, under, over int64) bool {
	amount := x.sale.Amount.Minor
	own := x.told[emv.TagApplicationCurrency]
	currency := x.currency()
	same := string(own) == string(currency[:])
	switch rule[1] {
	case conditionAlways, conditionNotCash:
		return true
	case conditionSupported:
		method := rule[0] & methodBits
		return method == methodNone || method == methodSignature && x.settings.Signature
	case conditionUnderX:
		return same && amount < under
	case conditionOverX:
		return same && amount > under
	case conditionUnderY:
		return same && amount < over
	case conditionOverY:
		return same && amount > over
	}
	return false
}

// perform does one method.
func (x *transaction) perform(method byte) (result byte, ok bool) {
	switch {
	case method == methodNone:
		return resultGood, true
	case method == methodSignature && x.settings.Signature:
		return resultUnknown, true
	case method != methodFail && method <= methodPINLast:
		x.tvr |= emv.TVRPINPadMissing
	case method != methodFail && method != methodSignature:
		x.tvr |= emv.TVRUnknownCVM
	}
	return 0, false
}

// holderResult is 9F34.
func (x *transaction) holderResult() []byte {
	if x.verified == nil {
		return []byte{methodNone, 0, resultGood}
	}
	return x.verified
}

// signature reports whether the holder is to sign the receipt.
func (x *transaction) signature() bool {
	if x.contact() {
		return x.verified != nil && x.verified[0]&methodBits == methodSignature && x.verified[2] == resultUnknown
	}
	ctq, err := x.cardQualifiers()
	return err == nil && x.app.holder && ctq.Has(emv.CTQSignature) && !ctq.Has(emv.CTQDeviceHolder)
}

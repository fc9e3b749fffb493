package sim

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// TagLastAnswer is our own, of the range that EMV leaves to issuers: the whole
// answer to the last GENERATE AC that has debited, which a reader may have lost.
const TagLastAnswer tlv.Tag = 0xDF52

// getData answers GET DATA (EMV 4.4 Book 3, 6.5.7; JR/T 0025.13): counters, the
// purse, and where the logs are. A torn debit does not show in the balance.
func (a *applet) getData(c apdu.Command) apdu.Response {
	if len(c.Data) != 0 {
		return status(apdu.StatusWrongLength)
	}
	tag := tlv.Tag(c.P1)<<8 | tlv.Tag(c.P2)
	value, ok := a.datum(tag)
	if !ok {
		value, ok = logObject(tag)
	}
	if !ok {
		return status(apdu.StatusNoData)
	}
	return answer(tlv.Append(nil, tag, value))
}

func (a *applet) datum(tag tlv.Tag) ([]byte, bool) {
	x := a.account
	switch tag {
	case emv.TagATC:
		return emv.AppendATC(nil, x.atc), true
	case emv.TagLastOnlineATC:
		return emv.AppendATC(nil, x.lastOnline), true
	case TagLastAnswer:
		said := a.read([]byte{nameAnswer})
		return said, said != nil
	}
	amounts := map[tlv.Tag]int64{emv.TagAvailable: x.left()}
	if a.entry.kind == Purse {
		amounts = map[tlv.Tag]int64{
			emv.TagBalance: x.left(), emv.TagBalanceMax: x.most, emv.TagPurseTapMax: x.tapMax, emv.TagPurseReset: x.reserve,
		}
	}
	minor, ok := amounts[tag]
	if !ok {
		return nil, false
	}
	amount := amountOf(minor)
	return amount[:], true
}

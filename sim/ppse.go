package sim

import (
	"slices"

	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// directoryMax is the longest answer to SELECT PPSE: what a short response
// holds.
const directoryMax = apdu.NeMaxShort - 1

// sdol asks a reader for the amount and its currency before anything is selected
// (EMV Contactless Book B, Annex A), and for the day if this device has no clock;
// a reader that does not tell it sends zeros. It is short on purpose: each byte
// is 85 microseconds in the field.
func (t *turn) sdol() emv.DOL {
	list := emv.DOL{{Tag: emv.TagAmount, Length: 6}, {Tag: emv.TagCurrency, Length: 2}}
	if t.today == (emv.Date{}) {
		list = append(list, emv.DOLEntry{Tag: emv.TagDate, Length: 3})
	}
	return list
}

// selectPPSE answers SELECT PPSE (EMV Contactless Book B, 3.3.2): the applets
// that could pay, in the order of the policy, for readers that take what is
// offered; and a selection DOL, for readers that can be asked for the amount.
func (t *turn) selectPPSE() apdu.Response {
	t.session.selectFile(selected{file: filePPSE})
	return answer(ppse(t.offerable(), tlv.Append(nil, emv.TagSDOL, t.sdol().Append(nil))))
}

// ppse is the FCI of the PPSE (EMV Contactless Book B, table 3-2). A long list
// is cut behind what a short response holds; the first come first.
//
// The priority (87) says the place in this list, not what the issuer wished: a
// reader sorts by it, and the holder's policy shall stand. The label is left
// out: no contactless reader shows it before it selects.
func ppse(list []candidate, behind []byte) []byte {
	var entries []byte
	for i, c := range list {
		e := tlv.Append(nil, emv.TagADFName, c.aid)
		e = tlv.Append(e, emv.TagPriority, []byte{byte(min(i+1, 15))})
		longer := tlv.Append(entries, emv.TagApplicationTemplate, e)
		if len(ppseFCI(longer, behind)) > directoryMax {
			break
		}
		entries = longer
	}
	return ppseFCI(entries, behind)
}

func ppseFCI(entries, behind []byte) []byte {
	discretionary := slices.Concat(entries, behind)
	return fci([]byte(namePPSE), tlv.Append(nil, emv.TagFCIDiscretionary, discretionary))
}

package sim

import (
	"cmp"
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

// ppse is the FCI of the PPSE (EMV Contactless Book B, table 3-2). An applet with
// nothing in it is not offered. What a short response does not hold is left out by
// what it could pay, and not by the policy: a reader that does not send the amount
// would find nobody if the only applet with the money came late in it.
//
// The priority (87) says the place in this list, not what the issuer wished: a
// reader sorts by it, and the holder's policy shall stand. The label is left
// out: no contactless reader shows it before it selects.
func ppse(list []candidate, behind []byte) []byte {
	list = slices.DeleteFunc(list, func(c candidate) bool { return c.pays() <= 0 })
	fits := func(list []candidate) bool { return len(ppseFCI(ppseEntries(list), behind)) <= directoryMax }
	if fits(list) {
		return ppseFCI(ppseEntries(list), behind)
	}
	kept := map[string]bool{}
	only := func(c candidate) bool { return !kept[string(c.aid)] }
	for _, c := range byWorth(list) {
		kept[string(c.aid)] = true
		if !fits(slices.DeleteFunc(slices.Clone(list), only)) {
			delete(kept, string(c.aid))
			break
		}
	}
	return ppseFCI(ppseEntries(slices.DeleteFunc(list, only)), behind)
}

// byWorth are the candidates in the order in which they are kept: of each currency
// the one that could pay the most, then the second of each, and so on. Applets
// that ask their bank are counted apart, for there are tills without one. Where
// the day is known the first of each already pay whatever any could.
//
// The holder's preferred applet comes before all: if it can pay, it shall.
func byWorth(list []candidate) []candidate {
	type group struct {
		currency emv.Numeric
		byBank   bool
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(b.pays(), a.pays()) })
	place, seen := map[string]int{}, map[group]int{}
	for _, c := range list {
		g := group{c.currency, c.byBank}
		if seen[g]++; !c.preferred {
			place[string(c.aid)] = seen[g]
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(place[string(a.aid)], place[string(b.aid)]) })
	return list
}

func ppseEntries(list []candidate) (entries []byte) {
	for i, c := range list {
		e := tlv.Append(nil, emv.TagADFName, c.aid)
		e = tlv.Append(e, emv.TagPriority, []byte{byte(min(i+1, 15))})
		entries = tlv.Append(entries, emv.TagApplicationTemplate, e)
	}
	return entries
}

func ppseFCI(entries, behind []byte) []byte {
	discretionary := slices.Concat(entries, behind)
	return fci([]byte(namePPSE), tlv.Append(nil, emv.TagFCIDiscretionary, discretionary))
}

package sim

import (
	"slices"

	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// The payment system directory lies in this file of the PSE.
const directorySFI = 1

// P2 of READ RECORD: the file in the high bits, and that P1 is a record number
// (EMV 4.4 Book 3, 6.5.11).
const recordNumber = 0x04

// recordMax is the longest record (EMV 4.4 Book 1, 10.1.2): 255 bytes with
// template and length.
const recordMax = 255

// selectPSE answers SELECT PSE of a contact reader (EMV 4.4 Book 1, 12.2.1).
func (t *turn) selectPSE() apdu.Response {
	t.session.selectFile(selected{file: filePSE})
	return answer(fci([]byte(namePSE), tlv.Append(nil, emv.TagSFI, []byte{directorySFI})))
}

// readDirectory answers READ RECORD in the PSE: the applets that could pay, in
// the order of the policy, as many in a record as it holds.
func (t *turn) readDirectory(c apdu.Command) apdu.Response {
	file, word := recordFile(c)
	switch {
	case !word.OK():
		return status(word)
	case file != directorySFI:
		return status(apdu.StatusNotFound)
	}
	records := t.directory()
	if c.P1 == 0 || int(c.P1) > len(records) {
		return status(apdu.StatusNoRecord)
	}
	return answer(tlv.Append(nil, emv.TagRecord, records[c.P1-1]))
}

// recordFile is the file that READ RECORD asks for.
func recordFile(c apdu.Command) (file byte, word apdu.Status) {
	switch {
	case len(c.Data) != 0:
		return 0, apdu.StatusWrongLength
	case c.P2&0x07 != recordNumber:
		return 0, apdu.StatusWrongP1P2
	}
	return c.P2 >> 3, apdu.StatusOK
}

// directory is the content of the directory's records (EMV 4.4 Book 1, tables 46
// and 47).
func (t *turn) directory() (records [][]byte) {
	labels := make(map[string]string)
	t.eachEntry(func(e entry) { labels[string(e.aid)] = e.label })
	var record []byte
	for i, c := range t.offerable() {
		e := tlv.Append(nil, emv.TagADFName, c.aid)
		e = appendText(e, emv.TagLabel, labels[string(c.aid)])
		e = tlv.Append(e, emv.TagPriority, []byte{byte(min(i+1, 15))})
		longer := tlv.Append(slices.Clip(record), emv.TagApplicationTemplate, e)
		if len(tlv.Append(nil, emv.TagRecord, longer)) > recordMax {
			records = append(records, record)
			longer = tlv.Append(nil, emv.TagApplicationTemplate, e)
		}
		record = longer
	}
	if record != nil {
		records = append(records, record)
	}
	return records
}

// offerable are the applets that could pay something, in the order of the
// policy.
func (t *turn) offerable() []candidate {
	list := slices.DeleteFunc(t.candidates(), func(c candidate) bool { return c.locked || c.expired(t.today) })
	slices.SortFunc(list, t.settings().policy.compare)
	return list
}

package sim

import (
	"sotto/emv"
	"sotto/tlv"
)

// atcMax is the last value of the ATC. There is no transaction behind it.
const atcMax = 0xFFFF

// phase is how far a transaction has come.
type phase byte

const (
	phaseNone     phase = iota
	phaseOffered        // a debit was made, and the last record commits it
	phaseBegun          // GENERATE AC is to come
	phaseOnline         // an ARQC was given
	phaseFinished       // the last cryptogram was given
)

// transaction is what the device remembers of one transaction between its
// commands. It ends with the next SELECT, and with the power.
type transaction struct {
	phase    phase
	atc      uint16
	loadOnly bool // the reader has begun with GET PROCESSING OPTIONS for a load
	dynamic  bool // the applet has proved itself by DDA
	terminal terminal
	sent     []byte // values for PDOL and CDOL1, which CDA signs

	ac       [8]byte // the first cryptogram, which scripts answer
	cvr      emv.CVR // of the first cryptogram
	cardAuth [8]byte // 9F69

	asked    bool    // issuer authentication was tried: once is all there is
	answered emv.ARC // what the bank says, once it has proved to be the bank
	executed [scriptsMax][scriptMACSize]byte
	scripts  int
	barred   bool // a script failed, and no other is listened to
}

// begin forgets what was under way and begins a transaction with this ATC.
func (s *session) begin(p phase, atc uint16) {
	s.transaction = transaction{phase: p, atc: atc}
}

// terminal is what a reader has told of the transaction. Amount, currency and
// date are as they stood on the wire: the cryptogram covers that.
type terminal struct {
	qualifiers  emv.TTQ
	amount      emv.Amount
	other       emv.Amount
	country     emv.Numeric
	results     emv.TVR
	currency    emv.Numeric
	date        emv.Date
	kind        byte // 9C
	place       byte // 9F35, over contacts
	number      [4]byte
	arc         emv.ARC
	issuerReply []byte // 91
	minor       int64  // amount
	badDigits   bool   // an amount is no number
}

// pdol is what a contactless reader has to tell, of either kind of applet.
var pdol = emv.DOL{
	{Tag: emv.TagTTQ, Length: 4},
	{Tag: emv.TagAmount, Length: 6},
	{Tag: emv.TagAmountOther, Length: 6},
	{Tag: emv.TagCountry, Length: 2},
	{Tag: emv.TagTVR, Length: 5},
	{Tag: emv.TagCurrency, Length: 2},
	{Tag: emv.TagDate, Length: 3},
	{Tag: emv.TagType, Length: 1},
	{Tag: emv.TagUnpredictable, Length: 4},
}

// contactPDOL is what a contact reader has to tell: just enough to know whether
// this applet can pay, before it begins.
var contactPDOL = emv.DOL{
	{Tag: emv.TagAmount, Length: 6},
	{Tag: emv.TagCurrency, Length: 2},
	{Tag: emv.TagDate, Length: 3},
	{Tag: emv.TagType, Length: 1},
	{Tag: emv.TagTerminalType, Length: 1},
}

// offlineOnly reports whether a contact reader has no bank to ask: types 3 and 6
// of each environment (EMV 4.4 Book 4, Annex A1). Over the air 9F66 tells.
func (x terminal) offlineOnly() bool { return x.place&0x0F == 3 || x.place&0x0F == 6 }

// readTerminal takes the values of a data object list. Objects of another length
// than theirs were asked for by a list that storeData has refused.
func readTerminal(values emv.Values) (x terminal) {
	for tag, v := range values.All() {
		x.take(tag, v)
	}
	var err, errOther error
	x.minor, err = x.amount.Minor()
	_, errOther = x.other.Minor()
	x.badDigits = err != nil || errOther != nil
	return x
}

func (x *terminal) take(tag tlv.Tag, v []byte) {
	switch tag {
	case emv.TagTTQ:
		x.qualifiers, _ = emv.ParseTTQ(v)
	case emv.TagAmount:
		copy(x.amount[:], v)
	case emv.TagAmountOther:
		copy(x.other[:], v)
	case emv.TagCountry:
		copy(x.country[:], v)
	case emv.TagTVR:
		x.results, _ = emv.ParseTVR(v)
	case emv.TagCurrency:
		copy(x.currency[:], v)
	case emv.TagDate:
		copy(x.date[:], v)
	case emv.TagType:
		x.kind = v[0]
	case emv.TagTerminalType:
		x.place = v[0]
	case emv.TagUnpredictable:
		copy(x.number[:], v)
	case emv.TagARC:
		x.arc, _ = emv.ParseARC(v)
	case emv.TagIssuerAuth:
		x.issuerReply = v
	}
}

// lengths are those that readTerminal relies on.
var lengths = map[tlv.Tag]int{
	emv.TagTTQ: 4, emv.TagAmount: 6, emv.TagAmountOther: 6, emv.TagCountry: 2, emv.TagTVR: 5,
	emv.TagCurrency: 2, emv.TagDate: 3, emv.TagType: 1, emv.TagTerminalType: 1, emv.TagUnpredictable: 4,
	emv.TagARC: 2, emv.TagIssuerAuth: 10,
}

// readable reports whether a list asks for what a cryptogram covers, and for
// every object that we read in its own length.
func readable(list emv.DOL) bool {
	for _, tag := range []tlv.Tag{
		emv.TagAmount, emv.TagAmountOther, emv.TagCountry, emv.TagTVR, emv.TagCurrency,
		emv.TagDate, emv.TagType, emv.TagUnpredictable,
	} {
		if !list.Has(tag) {
			return false
		}
	}
	for _, e := range list {
		if n, ours := lengths[e.Tag]; ours && n != e.Length {
			return false
		}
	}
	return true
}

package pos_test

import (
	"bytes"
	"fmt"
	"slices"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/link"
	"sotto/tlv"
)

// fake is a small honest chip: purses and accounts, over the air and over
// contacts. It keeps what it has through resets, as a chip does.
type fake struct {
	applets []*applet
	face    link.Interface
	file    string // what is selected: ppse, pse, an AID
	pending apdu.Pending
	chunk   int // 0, or how many bytes an answer has at most
	// twist changes answers, to make a dishonest one.
	twist func(c apdu.Command, r apdu.Response) apdu.Response
}

// applet is a purse or an account.
type applet struct {
	aid     []byte
	account bool
	pan     emv.PAN
	balance int64
	tapMax  int64
	iccKey  string
	cvm     []byte          // 8E, if it wants the holder to be verified
	icc     oda.Certificate // over the air
	contact oda.Certificate

	atc    uint16
	torn   bool
	before int64
	log    [][]byte
	heard  int // scripts carried out

	// Of the session.
	offered  []byte
	cardAuth []byte
	begun    bool
	arqc     *[8]byte
	approved bool
	answered bool
	sent     []byte
	input    emv.ACInput
}

var (
	fakePDOL  = must(emv.ParseDOL(mustHex("9F66049F02069F03069F1A0295055F2A029A039C019F3704")))
	fakeCDOL1 = must(emv.ParseDOL(mustHex("9F02069F03069F1A0295055F2A029A039C019F3704")))
	fakeCDOL2 = must(emv.ParseDOL(mustHex("8A029F02069F03069F1A0295055F2A029A039C019F3704")))
	fakeAFL   = emv.AFL{{SFI: 1, First: 1, Last: 3}}
	slotAFL   = emv.AFL{{SFI: 1, First: 1, Last: 1}, {SFI: 2, First: 1, Last: 2, Signed: 1}}
	cny       = emv.Numeric{0x01, 0x56}
)

const fakeAIP = emv.AIPDDA | emv.AIPCDA | emv.AIPIssuerAuth | emv.AIPTerminalRisk

func newPurse(n byte, balance int64) *applet {
	pan := must(emv.NewPAN(fmt.Sprintf("6228480000000000%02d", n)))
	a := &applet{aid: mustHex("F0736F74746F0100"), pan: pan, balance: balance, tapMax: 100_000, iccKey: "icc-1024"}
	a.aid = append(a.aid, n)
	a.certify()
	return a
}

func newAccount(n byte, available int64) *applet {
	a := newPurse(n, available)
	a.account, a.aid[6] = true, 2
	a.certify()
	return a
}

func (a *applet) certify() {
	a.icc = iccCertificate(a.iccKey, a.pan, nil)
	static := must(oda.StaticData([]oda.Record{{SFI: 2, Data: a.staticRecord()}}, []byte{0x82}, [2]byte(a.aip().Append(nil))))
	a.contact = iccCertificate(a.iccKey, a.pan, static)
}

func (a *applet) aip() emv.AIP {
	if a.cvm != nil {
		return fakeAIP | emv.AIPHolder
	}
	return fakeAIP
}

// Reset implements link.Chip.
func (f *fake) Reset(face link.Interface) {
	f.face, f.file, f.pending = face, "", apdu.Pending{}
	for _, a := range f.applets {
		a.forget()
	}
}

func (a *applet) forget() {
	a.offered, a.cardAuth, a.begun, a.arqc, a.approved, a.answered, a.sent = nil, nil, false, nil, false, false, nil
}

// Transmit implements link.Chip.
func (f *fake) Transmit(raw []byte) []byte {
	c, err := apdu.Parse(raw)
	if err != nil {
		return apdu.Response{Status: apdu.StatusWrongLength}.Bytes()
	}
	if apdu.IsGetResponse(c) {
		r, rest := f.pending.GetResponse(c)
		f.pending = rest
		return r.Bytes()
	}
	r := f.answer(c)
	if f.twist != nil {
		r = f.twist(c, r)
	}
	if f.chunk > 0 && len(r.Data) > f.chunk {
		r, f.pending = apdu.Respond(r, f.chunk)
	}
	return r.Bytes()
}

func word(s apdu.Status) apdu.Response { return apdu.Response{Status: s} }
func good(b []byte) apdu.Response      { return apdu.Response{Data: b, Status: apdu.StatusOK} }

func (f *fake) answer(c apdu.Command) apdu.Response {
	if c.INS == 0xA4 {
		return f.selectName(c)
	}
	switch f.file {
	case "":
		return word(apdu.StatusNotAllowed)
	case "ppse":
		if c.INS == 0x1A {
			return f.choose(c.Data)
		}
		return word(apdu.StatusWrongINS)
	case "pse":
		return f.directory(c)
	}
	a := f.selected()
	switch c.INS {
	case 0xA8:
		if f.face == link.Contact {
			return a.begin()
		}
		return a.tap(c.Data)
	case 0xB2:
		return a.record(c.P2>>3, c.P1, f.face)
	case 0xCA:
		return a.data(c)
	case 0xAE:
		return a.generate(c)
	case 0x82:
		return a.authenticate(c.Data)
	case emv.INSPutData:
		return a.put(c)
	}
	return word(apdu.StatusWrongINS)
}

func (f *fake) selected() *applet {
	at := slices.IndexFunc(f.applets, func(a *applet) bool { return string(a.aid) == f.file })
	return f.applets[at]
}

func (f *fake) selectName(c apdu.Command) apdu.Response {
	name := string(c.Data)
	switch {
	case name == "2PAY.SYS.DDF01" && f.face == link.Contactless:
		f.file = "ppse"
		return good(f.ppse(f.applets, mustHex("9F3F069F02065F2A02")))
	case name == "1PAY.SYS.DDF01" && f.face == link.Contact:
		f.file = "pse"
		return good(fciOf(c.Data, mustHex("880101")))
	}
	from := 0
	if c.P2 == 0x02 {
		from = slices.IndexFunc(f.applets, func(a *applet) bool { return string(a.aid) == f.file }) + 1
	}
	for _, a := range f.applets[from:] {
		if bytes.HasPrefix(a.aid, c.Data) {
			f.file = string(a.aid)
			a.forget()
			inner := tlv.Append(nil, emv.TagLabel, []byte("TEST"))
			if f.face == link.Contactless {
				inner = tlv.Append(inner, emv.TagPDOL, fakePDOL.Append(nil))
			}
			return good(fciOf(a.aid, inner))
		}
	}
	return word(apdu.StatusNotFound)
}

func fciOf(name, proprietary []byte) []byte {
	inner := tlv.Append(nil, emv.TagDFName, name)
	return tlv.Append(nil, emv.TagFCI, tlv.Append(inner, emv.TagFCIProprietary, proprietary))
}

func (f *fake) ppse(list []*applet, behind []byte) []byte {
	var entries []byte
	for i, a := range list {
		e := tlv.Append(nil, emv.TagADFName, a.aid)
		e = tlv.Append(e, emv.TagPriority, []byte{byte(i + 1)})
		entries = tlv.Append(entries, emv.TagApplicationTemplate, e)
	}
	return fciOf([]byte("2PAY.SYS.DDF01"), tlv.Append(nil, emv.TagFCIDiscretionary, append(entries, behind...)))
}

func (f *fake) choose(data []byte) apdu.Response {
	values, err := tlv.Only(data, emv.TagCommandTemplate)
	if err != nil || len(values) < 8 {
		return word(apdu.StatusWrongData)
	}
	amount, err := emv.Amount(values[:6]).Minor()
	if err != nil || string(values[6:8]) != string(cny[:]) {
		return good(f.ppse(nil, mustHex("DF500103")))
	}
	for _, a := range f.applets {
		if a.left() >= amount {
			return good(f.ppse([]*applet{a}, nil))
		}
	}
	return good(f.ppse(nil, mustHex("DF500101")))
}

func (f *fake) directory(c apdu.Command) apdu.Response {
	if c.INS != 0xB2 || c.P1 != 1 {
		return word(apdu.StatusNoRecord)
	}
	var entries []byte
	for i, a := range f.applets {
		e := tlv.Append(nil, emv.TagADFName, a.aid)
		e = tlv.Append(e, emv.TagPriority, []byte{byte(i + 1)})
		entries = tlv.Append(entries, emv.TagApplicationTemplate, e)
	}
	return good(tlv.Append(nil, emv.TagRecord, entries))
}

func (a *applet) left() int64 {
	if a.torn {
		return a.before
	}
	return a.balance
}

func (a *applet) advance() {
	a.balance, a.torn = a.left(), false
	a.atc++
}

func (a *applet) amount() emv.Amount { return must(emv.NewAmount(a.balance)) }

// stamp computes a cryptogram.
func (a *applet) stamp(kind emv.CID) (ac [8]byte, iad []byte) {
	cvr := emv.CVRSecondNone | emv.CVR(kind)<<14
	key, mac := cardKeys(a.pan)
	a.input.AIP, a.input.ATC, a.input.CVN, a.input.CVR = a.aip(), a.atc, emv.CVN01, cvr
	balance := a.amount()
	idd := must(emv.PurseIDD{Balance: balance, MAC: mac.BalanceMAC(a.atc, balance)}.Append(nil))
	return must(key.AC(a.input)), emv.IAD{DKI: 1, CVN: emv.CVN01, CVR: cvr, Algorithm: emv.AlgorithmTDES, IDD: idd}.Append(nil)
}

// tap is a payment over the air.
func (a *applet) tap(data []byte) apdu.Response {
	values, err := tlv.Only(data, emv.TagCommandTemplate)
	if err != nil {
		return word(apdu.StatusWrongData)
	}
	told, err := fakePDOL.Read(values)
	if err != nil {
		return word(apdu.StatusWrongData)
	}
	a.input = must(emv.ReadACInput(told.Find))
	minor, err := a.input.Amount.Minor()
	ttq, _ := told.Find(emv.TagTTQ)
	offline := must(emv.ParseTTQ(ttq)).Has(emv.TTQOfflineOnly)
	if err != nil || minor > a.left() || a.account && offline {
		return word(apdu.StatusConditions)
	}
	a.advance()
	kind := emv.ARQC
	if !a.account {
		kind, a.before = emv.TC, a.balance
		a.balance -= minor
		a.torn = true
	}
	ac, iad := a.stamp(kind)
	b := tlv.Append(nil, emv.TagAIP, a.aip().Append(nil))
	if !a.account {
		b = tlv.Append(b, emv.TagAFL, fakeAFL.Append(nil))
	}
	b = tlv.Append(b, emv.TagATC, emv.AppendATC(nil, a.atc))
	b = tlv.Append(b, emv.TagAC, ac[:])
	b = tlv.Append(b, emv.TagIAD, iad)
	b = tlv.Append(b, emv.TagTrack2, a.track2())
	b = tlv.Append(b, emv.TagPSN, []byte{1})
	b = tlv.Append(b, emv.TagCTQ, []byte{0, 0})
	if a.account {
		a.arqc = &ac
		return good(tlv.Append(nil, emv.TagResponse2, b))
	}
	a.cardAuth = []byte{1, 0xC0, byte(a.atc >> 8), byte(a.atc), 0xDE, 0, 0, 0}
	a.offered = a.logRecord(ac, a.cardAuth)
	sdad := must(key(a.iccKey).SignFDDA(oda.FDDA{
		UN: a.input.Unpredictable, Amount: a.input.Amount, Currency: a.input.Currency, CardData: a.cardAuth, ATC: a.atc,
	}, [oda.RandomSize]byte{3}))
	return good(tlv.Append(nil, emv.TagResponse2, tlv.Append(b, emv.TagSDAD, sdad)))
}

func (a *applet) track2() []byte {
	return must(emv.Track2{PAN: a.pan, Expiry: [2]byte{0x29, 0x12}, Service: emv.Numeric{2, 0x20}}.Append(nil))
}

func (a *applet) logRecord(ac [8]byte, cardAuth []byte) []byte {
	b := emv.AppendATC(nil, a.atc)
	b = append(b, a.input.Amount[:]...)
	b = append(b, a.input.Currency[:]...)
	b = append(b, a.input.Date[:]...)
	b = append(b, a.input.Type)
	b = append(b, a.input.Unpredictable[:]...)
	b = append(b, ac[:]...)
	b = append(b, cardAuth...)
	balance := a.amount()
	return append(b, balance[:]...)
}

func (a *applet) keep(record []byte) {
	a.log = append([][]byte{record}, a.log...)
	a.log = a.log[:min(len(a.log), 10)]
}

func (a *applet) record(file, number byte, face link.Interface) apdu.Response {
	switch {
	case file == 11 && number >= 1 && int(number) <= len(a.log):
		return good(a.log[number-1])
	case file == 1 && number == 1:
		b := tlv.Append(nil, emv.TagCAIndex, []byte{caIndex})
		return good(tlv.Append(nil, emv.TagRecord, appendCertificate(b, issuerCertificate(), emv.TagIssuerCertificate, emv.TagIssuerRemainder, emv.TagIssuerExponent)))
	case file == 1 && number == 2:
		return good(tlv.Append(nil, emv.TagRecord, appendCertificate(nil, a.icc, emv.TagICCCertificate, emv.TagICCRemainder, emv.TagICCExponent)))
	case file == 1 && number == 3 && a.cardAuth != nil:
		if a.offered != nil {
			a.keep(a.offered)
			a.torn, a.offered = false, nil
		}
		b := tlv.Append(nil, emv.TagPurseCode, []byte("SOTTO1"))
		return good(tlv.Append(nil, emv.TagRecord, tlv.Append(b, emv.TagCardAuth, a.cardAuth)))
	case file == 2 && number == 1 && face == link.Contact:
		return good(a.staticRecord())
	case file == 2 && number == 2 && face == link.Contact:
		return good(tlv.Append(nil, emv.TagRecord, appendCertificate(nil, a.contact, emv.TagICCCertificate, emv.TagICCRemainder, emv.TagICCExponent)))
	}
	return word(apdu.StatusNoRecord)
}

func (a *applet) staticRecord() []byte {
	b := tlv.Append(nil, emv.TagPAN, a.pan.Append(nil))
	b = tlv.Append(b, emv.TagExpiry, []byte{0x29, 0x12, 0x31})
	b = tlv.Append(b, emv.TagPSN, []byte{1})
	b = tlv.Append(b, emv.TagCDOL1, fakeCDOL1.Append(nil))
	b = tlv.Append(b, emv.TagCDOL2, fakeCDOL2.Append(nil))
	if a.cvm != nil {
		b = tlv.Append(b, emv.TagCVMList, a.cvm)
	}
	b = tlv.Append(b, emv.TagIACDefault, make([]byte, 5))
	b = tlv.Append(b, emv.TagIACDenial, make([]byte, 5))
	b = tlv.Append(b, emv.TagIACOnline, make([]byte, 5))
	return tlv.Append(nil, emv.TagRecord, tlv.Append(b, emv.TagSDATagList, []byte{0x82}))
}

func appendCertificate(b []byte, c oda.Certificate, signature, remainder, exponent tlv.Tag) []byte {
	b = tlv.Append(b, signature, c.Signature)
	if len(c.Remainder) > 0 {
		b = tlv.Append(b, remainder, c.Remainder)
	}
	return tlv.Append(b, exponent, c.Exponent)
}

func (a *applet) data(c apdu.Command) apdu.Response {
	if c.P1 == 0x9F && c.P2 == 0x36 {
		return good(tlv.Append(nil, emv.TagATC, emv.AppendATC(nil, a.atc)))
	}
	return word(apdu.StatusNoData)
}

// begin is GET PROCESSING OPTIONS over contacts.
func (a *applet) begin() apdu.Response {
	a.advance()
	a.begun = true
	return good(tlv.Append(nil, emv.TagResponse1, slotAFL.Append(a.aip().Append(nil))))
}

func (a *applet) generate(c apdu.Command) apdu.Response {
	asked, cda := emv.CID(c.P1).Kind(), c.P1&emv.RequestCDA != 0
	list := fakeCDOL1
	if a.arqc != nil {
		list = fakeCDOL2
	}
	told, err := list.Read(c.Data)
	if err != nil || !a.begun {
		return word(apdu.StatusConditions)
	}
	a.input = must(emv.ReadACInput(told.Find))
	a.sent = append(a.sent, c.Data...)
	minor, _ := a.input.Amount.Minor()
	kind := emv.AAC
	switch {
	case a.arqc != nil:
		if a.approved && asked == emv.TC {
			kind = emv.TC
		}
	case asked == emv.AAC || minor > a.balance:
	case a.account || asked == emv.ARQC:
		kind = emv.ARQC
	case cda:
		kind = emv.TC
		a.balance -= minor
	}
	ac, iad := a.stamp(kind)
	if kind == emv.TC && a.arqc == nil {
		a.keep(a.logRecord(ac, make([]byte, 8)))
	}
	first := a.arqc == nil
	if kind == emv.ARQC {
		a.arqc = &ac
	}
	if !cda || kind == emv.AAC || !first {
		b := append([]byte{byte(kind)}, emv.AppendATC(nil, a.atc)...)
		b = append(append(b, ac[:]...), iad...)
		return good(tlv.Append(nil, emv.TagResponse1, b))
	}
	b := tlv.Append(nil, emv.TagCID, []byte{byte(kind)})
	b = tlv.Append(b, emv.TagATC, emv.AppendATC(nil, a.atc))
	b = tlv.Append(b, emv.TagIAD, iad)
	hash := must(oda.TransactionHash(b, a.sent))
	sdad := must(key(a.iccKey).SignCDA(oda.Combined{Number: []byte{1, 2, 3, 4}, CID: kind, AC: ac, Transaction: hash},
		a.input.Unpredictable, [oda.RandomSize]byte{4}))
	return good(tlv.Append(nil, emv.TagResponse2, tlv.Append(b, emv.TagSDAD, sdad)))
}

func (a *applet) authenticate(b []byte) apdu.Response {
	if a.arqc == nil {
		return word(apdu.StatusConditions)
	}
	ac, _ := cardKeys(a.pan)
	arc, ok := ac.VerifyIssuerAuth1(a.atc, *a.arqc, b)
	a.answered, a.approved = ok, ok && arc.Approved()
	if !ok {
		return word(apdu.StatusRefused)
	}
	return good(nil)
}

func (a *applet) put(c apdu.Command) apdu.Response {
	_, mac := cardKeys(a.pan)
	if a.arqc == nil || !a.approved && !(a.account && a.answered) {
		return word(apdu.StatusConditions)
	}
	value, ok := mac.VerifyScript(c, a.atc, *a.arqc)
	if !ok || len(value) != 6 {
		return word(apdu.StatusWrongMAC)
	}
	a.balance = must(emv.Amount(value).Minor())
	a.heard++
	return good(nil)
}

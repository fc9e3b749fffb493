package pos_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/link"
	"sotto/pos"
	"sotto/tlv"
)

// at changes the answer to a command with this instruction, and in READ RECORD to
// one with this record number in P1; 0 is any.
func at(ins, p1 byte, change func([]byte) []byte) func(apdu.Command, apdu.Response) apdu.Response {
	return func(c apdu.Command, r apdu.Response) apdu.Response {
		if c.INS == ins && (p1 == 0 || c.P1 == p1) && r.Status.OK() {
			r.Data = change(bytes.Clone(r.Data))
		}
		return r
	}
}

func always(b []byte) func([]byte) []byte { return func([]byte) []byte { return b } }

func cut(b []byte) []byte { return b[:len(b)-1] }

// longRecord is a well-formed record of so many bytes.
func longRecord(n int) []byte {
	return tlv.Append(nil, emv.TagRecord, tlv.Append(nil, 0xDF01, make([]byte, n)))
}

// What a hostile chip can answer, and how it ends. None is approved.
var hostile = []struct {
	name  string
	face  link.Interface
	twist func(apdu.Command, apdu.Response) apdu.Response
	want  pos.Reason
}{
	{"PPSE is cut", 0, at(0xA4, 0, cut), pos.Malformed},
	{"PPSE is no FCI", 0, at(0xA4, 0, always(mustHex("7000"))), pos.Malformed},
	{"PPSE is empty", 0, at(0xA4, 0, always(nil)), pos.Malformed},
	{"SPI answer is cut", 0, at(spi, 0, cut), pos.Malformed},
	{"SPI answer has a name too long", 0, at(spi, 0, always(mustHex("6F13 8411 3250415932504159325041593250415932"))), pos.Malformed},
	{"SDOL is half a list", 0, at(0xA4, 0, replaced("9F3F069F02065F2A02", "9F3F059F02065F2A")), pos.Malformed},
	{"GPO is cut", 0, at(gpo, 0, cut), pos.Malformed},
	{"GPO is another template", 0, at(gpo, 0, func(b []byte) []byte { b[0] = 0x70; return b }), pos.Malformed},
	{"GPO is empty", 0, at(gpo, 0, always(nil)), pos.Malformed},
	{"GPO has something behind it", 0, at(gpo, 0, func(b []byte) []byte { return append(b, 0x5A, 0) }), pos.Malformed},
	{"GPO has track 2 twice", 0, at(gpo, 0, twice(emv.TagTrack2)), pos.Duplicate},
	{"GPO has the cryptogram twice", 0, at(gpo, 0, twice(emv.TagAC)), pos.Duplicate},
	{"a record has the cryptogram again", 0, at(rec, 1, with(emv.TagAC, "0011223344556677")), pos.Duplicate},
	{"the last record has 9F69 twice", 0, at(rec, 3, twice(emv.TagCardAuth)), pos.Duplicate},
	{"no profile", 0, at(gpo, 0, without(emv.TagAIP)), pos.Missing},
	{"profile of one byte", 0, at(gpo, 0, with(emv.TagAIP, "20")), pos.Malformed},
	{"no locator", 0, at(gpo, 0, without(emv.TagAFL)), pos.Missing},
	{"locator of file 0", 0, at(gpo, 0, with(emv.TagAFL, "00010100")), pos.Malformed},
	{"locator that never ends", 0, at(gpo, 0, with(emv.TagAFL, "0801FF00 1001FF00 1801FF00")), pos.Endless},
	{"locator of one record too many", 0, at(gpo, 0, with(emv.TagAFL, "08012900")), pos.Endless},
	{"no issuer application data", 0, at(gpo, 0, without(emv.TagIAD)), pos.Missing},
	{"issuer application data of another form", 0, at(gpo, 0, with(emv.TagIAD, "0102030405060708")), pos.Malformed},
	{"a reserved kind of cryptogram", 0, at(gpo, 0, with(emv.TagCID, "C0")), pos.Malformed},
	{"9F27 says ARQC, and the CVR TC", 0, at(gpo, 0, with(emv.TagCID, "80")), pos.Malformed},
	{"no card number", 0, at(gpo, 0, without(emv.TagTrack2)), pos.Missing},
	{"two card numbers", 0, at(gpo, 0, with(emv.TagPAN, "6228480012345678")), pos.Malformed},
	{"track 2 of month 13", 0, at(gpo, 0, replaced("D2912", "D2913")), pos.Malformed},
	{"sequence number of two bytes", 0, at(gpo, 0, with(emv.TagPSN, "0101")), pos.Malformed},
	{"CTQ of three bytes", 0, at(gpo, 0, with(emv.TagCTQ, "000000")), pos.OfflineProved}, // nobody looks at it
	{"record is cut", 0, at(rec, 2, cut), pos.Malformed},
	{"record is no template 70", 0, at(rec, 1, always(mustHex("5A00"))), pos.Malformed},
	{"record with an endless object", 0, at(rec, 1, always(mustHex("7080 5A00 0000"))), pos.Malformed},
	{"record of 300 bytes", 0, at(rec, 1, always(longRecord(300))), pos.Endless},
	{"certificate of another issuer", 0, at(rec, 1, flipped(emv.TagIssuerCertificate)), pos.NotAuthentic},
	{"certificate of another card", 0, at(rec, 2, flipped(emv.TagICCCertificate)), pos.NotAuthentic},
	{"an authority that nobody knows", 0, at(rec, 1, with(emv.TagCAIndex, "52")), pos.NotAuthentic},
	{"no certificate", 0, at(rec, 2, without(emv.TagICCCertificate)), pos.NotAuthentic},
	{"no signature", 0, at(gpo, 0, without(emv.TagSDAD)), pos.NotAuthentic},
	{"wrong signature", 0, at(gpo, 0, flipped(emv.TagSDAD)), pos.NotAuthentic},
	{"empty signature", 0, at(gpo, 0, with(emv.TagSDAD, "")), pos.NotAuthentic},
	{"no 9F69: version 00", 0, at(rec, 3, without(emv.TagCardAuth)), pos.NotAuthentic},
	{"9F69 of version 00", 0, at(rec, 3, with(emv.TagCardAuth, "00C00001DE000000")), pos.NotAuthentic},
	{"another 9F69", 0, at(rec, 3, flipped(emv.TagCardAuth)), pos.NotAuthentic},
	{"another counter", 0, at(gpo, 0, with(emv.TagATC, "0002")), pos.NotAuthentic},
	{"no offline data authentication in the profile", 0, at(gpo, 0, with(emv.TagAIP, "0800")), pos.NotAuthentic},
	{"SELECT names another application", 0, at(0xA4, 0, replaced("8409F0736F74746F010001", "8409F0736F74746F010009")), pos.Malformed},
	{"PDOL asks for 253 bytes", 0, at(0xA4, 0, replaced("9F66049F0206", "9F66049F02FD")), pos.Malformed},
	{"PDOL asks for the amount in another length", 0, at(0xA4, 0, replaced("9F66049F0206", "9F66049F0207")), pos.WrongStatus},

	{"PSE without a file", link.Contact, at(0xA4, 0, replaced("A503880101", "A503880100")), pos.Malformed},
	{"directory is cut", link.Contact, at(rec, 1, cut), pos.Malformed},
	{"no CDOL1", link.Contact, at(rec, 1, without(emv.TagCDOL1)), pos.Missing},
	{"CDOL1 without the amount", link.Contact, at(rec, 1, replaced("8C159F0206", "8C159F0306")), pos.Missing},
	{"CDOL1 asks for 253 bytes", link.Contact, at(rec, 1, replaced("8C159F0206", "8C159F02FD")), pos.Malformed},
	{"GENERATE AC is cut", link.Contact, at(gac, 0, cut), pos.Malformed},
	{"GENERATE AC tells 5A again", link.Contact, at(gac, 0, with(emv.TagPAN, "6228480012345678")), pos.Duplicate},
	{"approval without a signature", link.Contact, at(gac, 0, func(b []byte) []byte {
		return with(emv.TagAC, "0011223344556677")(without(emv.TagSDAD)(b))
	}), pos.NotAuthentic},
	{"approval with a cryptogram beside the signature", link.Contact, at(gac, 0, with(emv.TagAC, "0011223344556677")), pos.Malformed},
	{"wrong signature over contacts", link.Contact, at(gac, 0, flipped(emv.TagSDAD)), pos.NotAuthentic},
	{"signature about other data", link.Contact, at(gac, 0, flipped(emv.TagIAD)), pos.NotAuthentic},
	{"another kind than was signed", link.Contact, at(gac, 0, with(emv.TagCID, "80")), pos.NotAuthentic},
	{"no kind", link.Contact, at(gac, 0, without(emv.TagCID)), pos.Malformed},
}

func TestHostileChipsAreNotApproved(t *testing.T) {
	for _, h := range hostile {
		w := newWorld(t, nil, newPurse(1, 5_000))
		w.reader.face, w.fake().twist = h.face, h.twist
		r := w.tap(yuan(1_234))
		if r.Reason != h.want {
			t.Errorf("%s: got %q %s, want %q", h.name, r.Reason, r.Status, h.want)
		}
		for _, e := range w.Entries() {
			if e.State != pos.Open && h.want != pos.OfflineProved {
				t.Errorf("%s: the journal has an entry that is %s", h.name, e.State)
			}
		}
		if strings.Contains(w.trace(), "000000000001") && strings.Contains(w.trace(), "622848000000000001") {
			t.Errorf("%s: the trace has the card number", h.name)
		}
	}
}

// rogue is a chip that answers by a function.
type rogue func(command []byte) []byte

func (rogue) Reset(link.Interface)             {}
func (r rogue) Transmit(command []byte) []byte { return r(command) }
func answering(b []byte) rogue                 { return func([]byte) []byte { return b } }
func (w *world) endsSoon(chip link.Chip) pos.Reason {
	w.reader.chip = chip
	return w.tap(yuan(1)).Reason
}

// Chips that would keep a terminal busy for ever are given up soon.
func TestEndlessChipsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		chip link.Chip
		want pos.Reason
	}{
		"always more":           {answering([]byte{0xAA, 0x61, 0x01}), pos.Endless},
		"more without any":      {answering([]byte{0x61, 0x01}), pos.Endless},
		"always another Le":     {answering([]byte{0x6C, 0x10}), pos.NoApplication},
		"no status":             {answering([]byte{0x90}), pos.Malformed},
		"nothing":               {answering(nil), pos.Malformed},
		"a status that is none": {answering([]byte{0x12, 0x34}), pos.Malformed},
		"70000 bytes":           {answering(append(make([]byte, 70_000), 0x90, 0x00)), pos.Malformed},
		"257 bytes":             {answering(append(make([]byte, 257), 0x90, 0x00)), pos.Endless},
	} {
		for _, face := range []link.Interface{link.Contactless, link.Contact} {
			w := newWorld(t, nil)
			w.reader.face = face
			if got := w.endsSoon(c.chip); got != c.want {
				t.Errorf("%s, %s: got %q, want %q", name, face, got, c.want)
			}
			if w.reader.commands > 160 {
				t.Errorf("%s: %d commands", name, w.reader.commands)
			}
		}
	}
}

// A directory with many applications, none of which can pay, is given up too.
func TestAChipWithTooManyApplications(t *testing.T) {
	var entries []byte
	for n := range 14 {
		entries = append(entries, mustHex("610B4F09F0736F74746F0100")...)
		entries = append(entries, byte(n))
	}
	ppse := fciOf([]byte("2PAY.SYS.DDF01"), tlv.Append(nil, emv.TagFCIDiscretionary, entries))
	w := newWorld(t, nil)
	got := w.endsSoon(rogue(func(command []byte) []byte {
		switch {
		case command[1] == 0xA4 && command[4] == 14:
			return append(slices.Clone(ppse), 0x90, 0)
		case command[1] == 0xA4:
			return append(fciOf(command[5:14], nil), 0x90, 0)
		}
		return []byte{0x69, 0x85}
	}))
	if got != pos.NoneCanPay {
		t.Errorf("got %q", got)
	}
}

// Whoever stands between terminal and chip and changes the amount is found out:
// the chip signs what it was told.
func TestAnotherAmountIsFoundOut(t *testing.T) {
	for _, face := range []link.Interface{link.Contactless, link.Contact} {
		p := newPurse(1, 5_000)
		f := &fake{applets: []*applet{p}}
		w := newWorld(t, nil)
		between := rogue(func(command []byte) []byte {
			if command[1] == gpo || command[1] == gac {
				command = bytes.Replace(command, mustHex("000000001234"), mustHex("000000000001"), 1)
			}
			return f.Transmit(command)
		})
		f.Reset(face)
		w.reader.face = face
		if got := w.endsSoon(resetting{between, f}); got != pos.NotAuthentic {
			// endsSoon pays 1, which nobody changes
			if got != pos.OfflineProved {
				t.Fatalf("%s: got %q", face, got)
			}
		}
		if r := w.tap(yuan(1_234)); r.Reason != pos.NotAuthentic {
			t.Errorf("%s: got %q", face, r.Reason)
		}
		if p.balance != 5_000-2 && p.left() != 5_000-2 {
			t.Errorf("%s: the chip was not told another amount: %d", face, p.balance)
		}
	}
}

type resetting struct {
	rogue
	f *fake
}

func (r resetting) Reset(face link.Interface) { r.f.Reset(face) }

// A signature of version 00 is right, and is not enough.
func TestVersion00IsNotEnough(t *testing.T) {
	p := newPurse(1, 5_000)
	w := newWorld(t, nil, p)
	w.fake().twist = func(c apdu.Command, r apdu.Response) apdu.Response {
		switch {
		case c.INS == gpo && r.Status.OK():
			sdad := must(key(p.iccKey).SignFDDA(oda.FDDA{UN: p.input.Unpredictable, ATC: p.atc}, [oda.RandomSize]byte{5}))
			r.Data = edit(func(o tlv.Object) []tlv.Object {
				if o.Tag == emv.TagSDAD {
					o.Value = sdad
				}
				return []tlv.Object{o}
			})(r.Data)
		case c.INS == rec && c.P1 == 3:
			r.Data = without(emv.TagCardAuth)(r.Data)
		}
		return r
	}
	w.ends(yuan(1_234), pos.NotAuthentic)
}

// A chip that does not answer is given up when its time is over, and so is one
// whose caller has lost patience.
func TestAChipThatIsSilent(t *testing.T) {
	w := newWorld(t, func(o *pos.Options) { o.Settings.ChipTimeMax = time.Millisecond }, newPurse(1, 5_000))
	w.reader.slow = true
	w.ends(yuan(1), pos.Timeout)

	w = newWorld(t, nil)
	w.reader.chip = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Tap(ctx, yuan(1)); err == nil || !strings.Contains(err.Error(), "wait for a chip") {
		t.Errorf("nobody came: got %v", err)
	}
}

// Whatever a chip answers, a tap ends, and what it approves the honest half of
// the chip has debited.
func FuzzTap(f *testing.F) {
	f.Add([]byte{}, false)
	f.Add([]byte{0, 3, 9, 1}, false)
	f.Add([]byte{1, 5, 200, 2, 7, 100}, true)
	f.Add(bytes.Repeat([]byte{2, 0, 0x61, 3, 1, 0xFF}, 8), false)
	f.Fuzz(func(t *testing.T, script []byte, contact bool) {
		p := newPurse(1, 5_000)
		honest := &fake{applets: []*applet{p, newAccount(2, 5_000)}}
		w := newWorld(t, nil)
		if contact {
			w.reader.face = link.Contact
		}
		w.reader.chip = resetting{rogue(func(command []byte) []byte {
			return distort(honest.Transmit(command), &script)
		}), honest}
		r := w.tap(yuan(1_234))
		approved := r.Outcome == pos.Approved
		if debited := p.left() == 5_000-1_234; approved && r.Reason == pos.OfflineProved && !debited {
			t.Fatalf("approved without a debit\n%s", w.trace())
		}
		if approved && r.Reason == pos.BankApproved && len(w.bank.approved) != 1 {
			t.Fatal("approved without the bank")
		}
		if strings.Contains(w.trace(), "622848000000000001") {
			t.Fatal("the trace has a card number")
		}
	})
}

// distort takes three bytes of the script for each answer: what to do, where,
// and with what. Without a script it changes nothing.
func distort(answer []byte, script *[]byte) []byte {
	if len(*script) < 3 {
		return answer
	}
	what, where, with := (*script)[0], int((*script)[1]), (*script)[2]
	*script = (*script)[3:]
	answer = bytes.Clone(answer)
	switch {
	case len(answer) == 0:
	case what%8 == 1:
		answer[where%len(answer)] ^= with
	case what%8 == 2:
		answer = answer[:where%len(answer)]
	case what%8 == 3:
		answer = append(answer[:where%len(answer)], append([]byte{with}, answer[where%len(answer):]...)...)
	case what%8 == 4:
		return append(bytes.Repeat([]byte{with}, where), 0x90, 0x00)
	case what%8 == 5:
		return []byte{0x60 + with%16, byte(where)}
	case what%8 == 6:
		return append(tlv.Append(nil, emv.TagResponse2, bytes.Repeat([]byte{with, 0}, where)), 0x90, 0x00)
	}
	return answer
}

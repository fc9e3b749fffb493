package pos_test

import (
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/pos"
)

// asked is P1 of the first GENERATE AC: what the terminal wants of this chip.
func asked(t *testing.T, change func(*pos.Options), twist func(apdu.Command, apdu.Response) apdu.Response) (p1, tvr string) {
	t.Helper()
	w := contact(newWorld(t, change, newPurse(1, 5_000)))
	w.fake().twist = twist
	w.tap(yuan(1_234))
	for _, e := range w.events {
		if e.Exchange == nil || e.Exchange.Name != "GENERATE AC" {
			continue
		}
		for _, f := range e.Exchange.Sent {
			if f.Tag == emv.TagTVR {
				tvr, _, _ = strings.Cut(f.Value, " ")
			}
		}
		return e.Exchange.Command[4:6], tvr
	}
	return "", ""
}

// The static record is signed: whoever changes it is found out, and the terminal
// asks the bank, or declines where it has none.
func TestTerminalActionAnalysis(t *testing.T) {
	static := func(change func([]byte) []byte) func(apdu.Command, apdu.Response) apdu.Response {
		return func(c apdu.Command, r apdu.Response) apdu.Response {
			if c.INS == rec && c.P2>>3 == 2 && c.P1 == 1 && r.Status.OK() {
				r.Data = change(r.Data)
			}
			return r
		}
	}
	none := func(_ apdu.Command, r apdu.Response) apdu.Response { return r }
	for _, c := range []struct {
		name    string
		change  func(*pos.Options)
		twist   func(apdu.Command, apdu.Response) apdu.Response
		p1, tvr string
	}{
		{"all is well", nil, none, "50", "0000000000"},
		{"all is well, no bank", offline, none, "50", "0000000000"},
		{"above the floor limit", func(o *pos.Options) { o.Settings.FloorLimit = 1_233 }, none, "80", "0000008000"},
		{"at the floor limit", func(o *pos.Options) { o.Settings.FloorLimit = 1_234 }, none, "50", "0000000000"},
		{"above the floor limit, no bank", func(o *pos.Options) { o.Settings.FloorLimit = 1; o.Acquirer = nil }, none, "00", "0000008000"},
		{"denied by the terminal", func(o *pos.Options) { o.Settings.FloorLimit = 1; o.Settings.Denial = emv.TVRFloorLimit }, none, "00", "0000008000"},
		{"nobody is trusted", func(o *pos.Options) { o.Settings.Authorities.CAs = nil }, none, "80", "0400000000"},
		{"nobody is trusted, no bank", func(o *pos.Options) { o.Settings.Authorities.CAs = nil; o.Acquirer = nil }, none, "00", "0400000000"},
		{"expired", nil, static(replaced("5F2403291231", "5F2403251231")), "80", "0440000000"},
		{"not yet effective", nil, static(with(emv.TagEffective, "271231")), "80", "0420000000"},
		{"effective", nil, static(with(emv.TagEffective, "261122")), "80", "0400000000"},
		{"another version", nil, static(with(emv.TagVersion, "0020")), "80", "0480000000"},
		{"cash machines only", nil, static(with(emv.TagAUC, "0200")), "80", "0410000000"},
		{"denied by the issuer", nil, static(replaced("9F0E050000000000", "9F0E050400000000")), "00", "0400000000"},
		{"no certificate", nil, at(rec, 2, without(emv.TagICCCertificate)), "80", "2400000000"},
		{"no CDA", nil, func(c apdu.Command, r apdu.Response) apdu.Response {
			if c.INS == gpo {
				r.Data = replaced("800A2D00", "800A2C00")(r.Data)
			}
			return r
		}, "80", "8000000000"},
	} {
		p1, tvr := asked(t, c.change, c.twist)
		if p1 != c.p1 || tvr != c.tvr {
			t.Errorf("%s: got %s under %s, want %s under %s", c.name, p1, tvr, c.p1, c.tvr)
		}
	}
}

// holder has the profile ask for verification by this list.
func holder(list string) func(apdu.Command, apdu.Response) apdu.Response {
	return func(c apdu.Command, r apdu.Response) apdu.Response {
		switch {
		case c.INS == gpo && r.Status.OK():
			r.Data = replaced("800A2D00", "800A3D00")(r.Data)
		case c.INS == rec && c.P2>>3 == 2 && c.P1 == 1 && r.Status.OK() && list != "":
			r.Data = with(emv.TagCVMList, list)(with(emv.TagApplicationCurrency, "0156")(r.Data))
		}
		return r
	}
}

// The list of verification methods, for 12.34 where X is 10.00 and Y 20.00.
func TestCardholderVerification(t *testing.T) {
	const xy = "000003E8000007D0"
	signs := func(o *pos.Options) { o.Settings.Signature = true }
	for _, c := range []struct {
		name, list string
		change     func(*pos.Options)
		tvr        string
	}{
		{"no list", "", nil, "2400000000"},
		{"none is needed", xy + "1F00", nil, "0400000000"},
		{"a signature, which nobody looks at", xy + "1E00", nil, "0400800000"},
		{"a signature", xy + "1E00", signs, "0400000000"},
		{"a signature, if it is supported, or none", xy + "1E031F00", nil, "0400000000"},
		{"a PIN", xy + "0100", nil, "0400900000"},
		{"a PIN, or if that fails none", xy + "41001F00", nil, "0400100000"},
		{"a method of tomorrow, or none", xy + "6000" + "1F00", nil, "0400400000"},
		{"fail", xy + "0000", nil, "0400800000"},
		{"for cash", xy + "1F01", nil, "0400800000"},
		{"for cashback", xy + "1F05", nil, "0400800000"},
		{"under X", xy + "1F06", nil, "0400800000"},
		{"over X", xy + "1F07", nil, "0400000000"},
		{"under Y", xy + "1F08", nil, "0400000000"},
		{"over Y", xy + "1F09", nil, "0400800000"},
		{"no rule", xy, nil, ""},
	} {
		if _, tvr := asked(t, c.change, holder(c.list)); tvr != c.tvr {
			t.Errorf("%s: got %s, want %s", c.name, tvr, c.tvr)
		}
	}
}

// A signature over contacts is asked for on the receipt.
func TestASignatureOverContacts(t *testing.T) {
	a := newAccount(1, 5_000)
	a.cvm = mustHex("00000000000000001E00")
	a.certify()
	w := contact(newWorld(t, func(o *pos.Options) { o.Settings.Signature = true }, a))
	r := w.ends(yuan(1_234), pos.BankApproved)
	if !r.Receipt.Signature || !strings.Contains(r.Receipt.Text(), "Signature") {
		t.Errorf("receipt\n%s", r.Receipt.Text())
	}
}

// Selection over contacts, with and without a directory.
func TestContactSelection(t *testing.T) {
	a, b := newPurse(1, 500), newPurse(2, 5_000)
	for _, c := range []struct {
		name  string
		twist func(apdu.Command, apdu.Response) apdu.Response
		want  pos.Reason
	}{
		{"a directory", nil, pos.ChipDeclined}, // the first purse declines: over contacts there is no next
		{"no directory", pse(word(apdu.StatusNotFound)), pos.ChipDeclined},
		{"a blocked directory", pse(word(apdu.StatusFileInvalidated)), pos.ChipDeclined},
		{"a blocked card", pse(word(apdu.StatusNotSupported)), pos.WrongStatus},
		{"the first is used up", func(c apdu.Command, r apdu.Response) apdu.Response {
			if c.INS == gpo && a.begun && !b.begun {
				return word(apdu.StatusConditions)
			}
			return r
		}, pos.OfflineProved},
		{"the holder is to confirm the first", func(c apdu.Command, r apdu.Response) apdu.Response {
			if c.INS == rec && c.P2>>3 == 1 && r.Status.OK() {
				r.Data = replaced("870101", "870181")(r.Data)
			}
			return r
		}, pos.OfflineProved},
		{"a directory with nothing in common", func(c apdu.Command, r apdu.Response) apdu.Response {
			if c.INS == rec && c.P2>>3 == 1 && len(r.Data) > 0 && r.Data[2] == 0x61 {
				r.Data = mustHex("700B61094F07A0000000031010")
			}
			return r
		}, pos.ChipDeclined},
	} {
		w := contact(newWorld(t, nil, a, b))
		w.fake().twist = c.twist
		if r := w.tap(yuan(1_234)); r.Reason != c.want {
			t.Errorf("%s: got %q, want %q\n%s", c.name, r.Reason, c.want, w.trace())
		}
		a.balance, b.balance, a.log, b.log = 500, 5_000, nil, nil
	}
}

func pse(r apdu.Response) func(apdu.Command, apdu.Response) apdu.Response {
	return func(c apdu.Command, answer apdu.Response) apdu.Response {
		if string(c.Data) == "1PAY.SYS.DDF01" {
			return r
		}
		return answer
	}
}

// A script that is to come before the last cryptogram comes before it.
func TestAScriptBeforeTheLastCryptogram(t *testing.T) {
	a := newAccount(1, 5_000)
	w := contact(newWorld(t, nil, a))
	w.options = func(o *pos.Options) { o.Acquirer = early{w.bank} }
	w.start()
	w.ends(yuan(1_234), pos.BankApproved)
	var order []string
	for _, e := range w.events {
		if e.Exchange != nil && (e.Exchange.Name == "PUT DATA" || e.Exchange.Name == "GENERATE AC") {
			order = append(order, e.Exchange.Name)
		}
	}
	if strings.Join(order, ", ") != "GENERATE AC, PUT DATA, GENERATE AC" || a.heard != 1 {
		t.Errorf("%q, scripts %d", order, a.heard)
	}
}

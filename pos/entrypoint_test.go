package pos_test

import (
	"fmt"
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/link"
	"sotto/pos"
	"sotto/tlv"
)

// sent are the commands with this instruction, in hexadecimal.
func (w *world) sent(name string) (list []string) {
	for _, e := range w.events {
		if e.Exchange != nil && e.Exchange.Name == name {
			list = append(list, e.Exchange.Command)
		}
	}
	return list
}

// ppseWith is a chip whose PPSE has this behind its one entry, and which answers
// SEND POI INFORMATION without an application.
func ppseWith(discretionary string, asked *string) link.Chip {
	return rogue(func(command []byte) []byte {
		c := must(apdu.Parse(command))
		switch c.INS {
		case 0xA4:
			if string(c.Data) == "2PAY.SYS.DDF01" {
				b := append(mustHex("610B4F09F0736F74746F010001"), mustHex(discretionary)...)
				return good(fciOf(c.Data, tlv.Append(nil, emv.TagFCIDiscretionary, b))).Bytes()
			}
		case 0x1A:
			*asked = fmt.Sprintf("%X", command)
			return good(ppseSaying(1)).Bytes()
		}
		return word(apdu.StatusConditions).Bytes()
	})
}

// SEND POI INFORMATION is sent when the chip asks for it and the terminal knows
// it, with what the chip asks for.
func TestSendPOIInformation(t *testing.T) {
	gate := func(o *pos.Options) { o.Settings.Place = 1 }
	for _, c := range []struct {
		name, ppse string
		change     func(*pos.Options)
		want       string
	}{
		{"nothing is asked", "", nil, ""},
		{"amount and currency", "9F3F069F02065F2A02", nil, "801A00000A8308000000001234015600"},
		{"the whole of what must be known", "9F3F 0B 9F0206 9F1A02 5F2A02 8B05", gate, "801A000011 830F 000000001234 0156 0156 0001020001 00"},
		{"what nobody knows is zeros", "9F3F03DF7703", nil, "801A000005830300000000"},
		{"an empty list", "9F3F00", nil, "801A000002830000"},
		{"a list, from a terminal that does not know it", "9F3F069F02065F2A02", func(o *pos.Options) { o.Settings.WithoutSPI = true }, ""},
		{"only the kind of place", "9F3E020001", gate, "801A0000078305000102000100"},
		{"another kind of place", "9F3E020002", gate, ""},
		{"one of several kinds", "9F3E0400020001", gate, "801A0000078305000102000100"},
		{"kinds, from a terminal that does not say its own", "9F3E020001", nil, ""},
		{"both", "9F3E020001 9F3F035F2A02", gate, "801A00000983070156000102000100"},
	} {
		got := ""
		w := newWorld(t, c.change)
		w.reader.chip = ppseWith(strings.ReplaceAll(c.ppse, " ", ""), &got)
		w.tap(yuan(1_234))
		if want := strings.ReplaceAll(c.want, " ", ""); got != want {
			t.Errorf("%s: got %s, want %s", c.name, got, want)
		}
	}
}

// The answer to SEND POI INFORMATION takes the place of the first list.
func TestTheSecondListCounts(t *testing.T) {
	poor, rich := newPurse(1, 500), newPurse(2, 5_000)
	w := newWorld(t, nil, poor, rich)
	w.ends(yuan(1_234), pos.OfflineProved)
	if got := w.sent("SELECT"); len(got) != 1 || !strings.Contains(got[0], "010002") {
		t.Errorf("selected %q", got)
	}
	// A chip that fails there has no applications at all.
	w = newWorld(t, nil, rich)
	w.fake().twist = func(c apdu.Command, r apdu.Response) apdu.Response {
		if c.INS == spi {
			return word(apdu.StatusWrongData)
		}
		return r
	}
	w.ends(yuan(1_234), pos.NoApplication)
}

// qualifiers are the TTQ that a chip is told for an amount.
func qualifiers(t *testing.T, change func(*pos.Options), minor int64) string {
	t.Helper()
	w := newWorld(t, change, newPurse(1, 100_000))
	w.tap(yuan(minor))
	got := w.sent("GET PROCESSING OPTIONS")
	if len(got) != 1 {
		return ""
	}
	return got[0][14:22]
}

// Limits and qualifiers of pre-processing, at and around their borders.
func TestPreProcessing(t *testing.T) {
	limits := func(o *pos.Options) {
		o.Settings.Applications = []pos.Application{{AID: pos.OurAID, TapMax: 300, FloorLimit: 100, HolderMin: 200}}
		o.Settings.Signature = true
	}
	for _, c := range []struct {
		name   string
		change func(*pos.Options)
		minor  int64
		want   string
	}{
		{"by itself", nil, 1, "30000080"},
		{"without a bank", offline, 1, "38000080"},
		{"somebody looks at signatures", limits, 1, "32000080"},
		{"at the floor limit", limits, 100, "32000080"},
		{"above the floor limit", limits, 101, "32800080"},
		{"below the limit for verification", limits, 199, "32800080"},
		{"at the limit for verification", limits, 200, "32C00080"},
		{"below the tap limit", limits, 299, "32C00080"},
		{"at the tap limit", limits, 300, ""},
		{"configured", func(o *pos.Options) { o.Settings.Applications[0].TTQ = 0xA0C0_4080 }, 1, "A0004080"},
	} {
		if got := qualifiers(t, c.change, c.minor); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// With a signature a purchase that needs verification is approved, and the
// receipt asks for it; a device that has verified its holder is as good.
func TestTheHolderIsVerified(t *testing.T) {
	signs := func(o *pos.Options) {
		o.Settings.Applications[0].HolderMin = 1
		o.Settings.Signature = true
	}
	for _, c := range []struct {
		ctq    string
		change func(*pos.Options)
		want   pos.Reason
		signed bool
	}{
		{"4000", signs, pos.OfflineProved, true},
		{"0080", signs, pos.OfflineProved, false},
		{"8000", signs, pos.NoHolder, false},
		{"C000", signs, pos.NoHolder, false},
		{"0000", signs, pos.NoHolder, false},
		{"4000", func(o *pos.Options) { o.Settings.Applications[0].HolderMin = 1 }, pos.NoHolder, false},
		{"00", signs, pos.Malformed, false},
	} {
		w := newWorld(t, c.change, newPurse(1, 5_000))
		w.fake().twist = at(gpo, 0, with(emv.TagCTQ, c.ctq))
		r := w.ends(yuan(100), c.want)
		if signed := r.Receipt != nil && r.Receipt.Signature; signed != c.signed {
			t.Errorf("CTQ %s: signature asked for: %v", c.ctq, signed)
		}
	}
}

// entries of a PPSE, and which of them are selected, in which order.
func TestCandidates(t *testing.T) {
	entry := func(aid, priority, kernel string) string {
		e := tlv.Append(nil, emv.TagADFName, mustHex(aid))
		if priority != "" {
			e = tlv.Append(e, emv.TagPriority, mustHex(priority))
		}
		if kernel != "" {
			e = tlv.Append(e, emv.TagKernel, mustHex(kernel))
		}
		return fmt.Sprintf("%X", tlv.Append(nil, emv.TagApplicationTemplate, e))
	}
	const a, b, c = "F0736F74746F010001", "F0736F74746F010002", "F0736F74746F010003"
	union := func(o *pos.Options) {
		o.Settings.Applications = []pos.Application{{AID: mustHex("A000000333")}, {AID: mustHex("A000000003"), Kernel: 3}, {AID: mustHex("A000000004")}}
	}
	for _, x := range []struct {
		name    string
		entries []string
		change  func(*pos.Options)
		want    string
	}{
		{"in the order of the chip", []string{entry(a, "", ""), entry(b, "", "")}, nil, a + " " + b},
		{"by priority, none is last", []string{entry(a, "00", ""), entry(b, "02", ""), entry(c, "01", "")}, nil, c + " " + b + " " + a},
		{"only the low half is a priority", []string{entry(a, "82", ""), entry(b, "01", "")}, nil, b + " " + a},
		{"one that comes twice", []string{entry(a, "01", ""), entry(b, "02", ""), entry(a, "03", "")}, nil, a + " " + b},
		{"a name too short or too long", []string{entry("F0736F74", "", ""), entry(a+a, "", ""), entry(b, "", "")}, nil, b},
		{"another's", []string{entry("A0000000041010", "", ""), entry(b, "", "")}, nil, b},
		{"the exact name", []string{entry("F0736F74746F", "", "")}, nil, "F0736F74746F"},
		{"our kernel", []string{entry(a, "", "07")}, nil, a},
		{"any kernel", []string{entry(a, "", "00")}, nil, a},
		{"another kernel", []string{entry(a, "", "02"), entry(b, "", "")}, nil, b},
		{"a domestic kernel", []string{entry(a, "", "870000"), entry(b, "", "C70000"), entry(c, "", "")}, nil, c},
		{"default kernels", []string{entry("A00000000401", "", ""), entry("A00000000301", "", ""), entry("A00000033301", "", "")}, union, "A00000000301 A00000033301"},
		{"a default kernel that the chip overrules", []string{entry("A00000000401", "", "07")}, union, "A00000000401"},
	} {
		w := newWorld(t, x.change)
		w.reader.chip = rogue(func(command []byte) []byte {
			c := must(apdu.Parse(command))
			if string(c.Data) == "2PAY.SYS.DDF01" {
				return good(fciOf(c.Data, tlv.Append(nil, emv.TagFCIDiscretionary, mustHex(strings.Join(x.entries, ""))))).Bytes()
			}
			return word(apdu.StatusNotFound).Bytes()
		})
		w.tap(yuan(1))
		var got []string
		for _, s := range w.sent("SELECT") {
			got = append(got, s[10:len(s)-2])
		}
		if strings.Join(got, " ") != x.want {
			t.Errorf("%s: selected %q, want %s", x.name, got, x.want)
		}
	}
}

// What the terminal says to a chip that asks for everything it knows.
func TestWhatATerminalSays(t *testing.T) {
	asks := "9F02069F03065F2A029A039F21039C019F37049F66049F1A029F1C089F160F9F4E149F15029F35019F3303" +
		"9F40059F09029F060A5F36019F39019F7A0195059B029F34038104DF7702"
	told := ""
	w := newWorld(t, nil)
	w.reader.chip = rogue(func(command []byte) []byte {
		c := must(apdu.Parse(command))
		switch {
		case c.INS == 0xA8:
			told = fmt.Sprintf("%X", c.Data)
		case string(c.Data) == "2PAY.SYS.DDF01":
			return good(fciOf(c.Data, mustHex("BF0C0D610B4F09F0736F74746F010001"))).Bytes()
		case c.INS == 0xA4:
			return good(fciOf(c.Data, tlv.Append(nil, emv.TagPDOL, mustHex(asks)))).Bytes()
		}
		return word(apdu.StatusConditions).Bytes()
	})
	w.ends(yuan(1_234), pos.NoneCanPay)
	want := "8374" +
		"000000001234" + "000000000000" + "0156" + "261122" + "120000" + "00" + "2B29EB01" + "30000080" + "0156" +
		fmt.Sprintf("%X", "T0000001") + fmt.Sprintf("%X", "M1             ") + fmt.Sprintf("%X", "Corner Shop         ") + "5411" +
		"22" + "200808" + "6000F0F001" + "0030" + "F0736F74746F01000100" + "02" + "07" + "01" + "0000000000" + "0000" + "1F0002" +
		"000004D2" + "0000"
	if told != want {
		t.Errorf("told\n%s, want\n%s", told, want)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*pos.Options){
		"no terminal":          func(o *pos.Options) { o.Settings.Terminal = "" },
		"terminal too long":    func(o *pos.Options) { o.Settings.Terminal = "T00000001" },
		"terminal with a dash": func(o *pos.Options) { o.Settings.Terminal = "T-1" },
		"name with a line":     func(o *pos.Options) { o.Settings.Name = "a\nb" },
		"merchant too long":    func(o *pos.Options) { o.Settings.Merchant = strings.Repeat("1", 16) },
		"category":             func(o *pos.Options) { o.Settings.Category = 10_000 },
		"no country":           func(o *pos.Options) { o.Settings.Country = emv.Numeric{} },
		"country of letters":   func(o *pos.Options) { o.Settings.Country = emv.Numeric{0x0A, 0} },
		"no currency":          func(o *pos.Options) { o.Settings.Currency = "" },
		"no applications":      func(o *pos.Options) { o.Settings.Applications = nil },
		"AID too short":        func(o *pos.Options) { o.Settings.Applications[0].AID = []byte{1, 2, 3, 4} },
		"another kernel":       func(o *pos.Options) { o.Settings.Applications[0].Kernel = 2 },
		"a limit below zero":   func(o *pos.Options) { o.Settings.Applications[0].FloorLimit = -1 },
		"no reader":            func(o *pos.Options) { o.Reader = nil },
		"no journal":           func(o *pos.Options) { o.Journal = nil },
		"no clock":             func(o *pos.Options) { o.Now = nil },
		"no randomness":        func(o *pos.Options) { o.Random = nil },
	} {
		w := newWorld(t, nil)
		o := optionsOf(w, w.journal)
		change(&o)
		if _, err := pos.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSalesAreChecked(t *testing.T) {
	w := newWorld(t, nil, newPurse(1, 5_000))
	for name, sale := range map[string]pos.Sale{
		"nothing":          yuan(0),
		"less than that":   yuan(-1),
		"too much":         yuan(1_000_000_000_000),
		"no currency":      {},
		"order too long":   {Order: strings.Repeat("1", 33), Amount: yuan(1).Amount},
		"order with a tab": {Order: "a\tb", Amount: yuan(1).Amount},
	} {
		if _, err := w.Tap(t.Context(), sale); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	paid := yuan(1)
	paid.Order = "A-1"
	w.ends(paid, pos.OfflineProved)
	w.ends(paid, pos.AlreadyPaid)
	paid.Amount.Minor++
	if _, err := w.Tap(t.Context(), paid); err == nil {
		t.Error("an order was paid with two amounts")
	}
}

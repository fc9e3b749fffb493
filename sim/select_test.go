package sim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sotto/emv"
	"sotto/link"
	"sotto/sim"
	"sotto/tlv"
)

func furnished(t testing.TB, n int, change func(i int, f *sim.Furnished)) *wallet {
	t.Helper()
	w := newWallet(t)
	sim.Furnish(t, w.device, n, func(i int) sim.Furnished {
		f := sim.Furnished{Available: 1000, TapMax: 5000, Currency: cny, Expiry: emv.Date{0x31, 0x12, 0x31}}
		if change != nil {
			change(i, &f)
		}
		return f
	})
	return w
}

const (
	ours   = "F0736F74746F01" // how our purses begin
	short  = "F0736F7474"     // five bytes of it
	isd    = "A000000151000000"
	ppse   = "325041592E5359532E4444463031"
	pse    = "315041592E5359532E4444463031"
	ok     = "9000"
	okSPI  = "801A00000A8308000000001234015600"
	selErr = "6A82"
)

func selectHex(p2 int, name string) string {
	return fmt.Sprintf("00A404%02X%02X%s00", p2, len(name)/2, name)
}

// Names whole and by their beginning, and the next occurrence.
func TestSelection(t *testing.T) {
	w := furnished(t, 3, nil)
	c := w.put(link.Contact)
	tests := []struct {
		name, command string
		want          string // the AID that is selected, or the status
	}{
		{"whole", selectHex(0, ours+"0001"), ours + "0001"},
		{"first of many", selectHex(0, ours), ours + "0000"},
		{"next", selectHex(2, ours), ours + "0001"},
		{"next again", selectHex(2, ours), ours + "0002"},
		{"and no more", selectHex(2, ours), selErr},
		{"which leaves the last one selected", selectHex(2, short), selErr},
		{"by five bytes", selectHex(0, short), ours + "0000"},
		{"by another beginning", selectHex(2, short), ours + "0001"},
		{"next of a whole name", selectHex(2, ours+"0001"), selErr},
		{"nobody", selectHex(0, "F000000000"), selErr},
		{"next of what is not selected", selectHex(2, "F000000000"), selErr},
		{"the PPSE", selectHex(0, ppse), ppse},
		{"the PSE", selectHex(0, pse), pse},
		{"the issuer", selectHex(0, isd), isd},
		{"the issuer by no name", "00A4040000", isd},
		{"next of no name", "00A4040200", "6700"},
		{"four bytes", selectHex(0, "F0736F74"), "6700"},
		{"seventeen bytes", selectHex(0, strings.Repeat("F0", 17)), "6700"},
		{"by file", "00A40000023F0000", "6A86"},
		{"last", selectHex(1, ours), "6A86"},
	}
	for _, tt := range tests {
		got := c.say(t, tt.command)
		if !strings.HasPrefix(got, "6F") && got != tt.want || strings.HasPrefix(got, "6F") && !strings.Contains(got[:min(40, len(got))], tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// What an applet asks for first: all that a tap needs in the field, and over
// contacts what tells whether it can pay.
func TestFCI(t *testing.T) {
	w := furnished(t, 1, nil)
	const pdol = "9F38189F66049F02069F03069F1A0295055F2A029A039C019F3704"
	if got := w.put(link.Contactless).say(t, selectHex(0, ours)); !strings.Contains(got, pdol) || strings.Contains(got, "BF0C") {
		t.Errorf("in the field: %s", got)
	}
	if got := w.put(link.Contact).say(t, selectHex(0, ours)); !strings.Contains(got, "9F380D9F02065F2A029A039C019F3501BF0C0A9F4D020B0ADF4D020C0A") || !strings.HasSuffix(got, ok) {
		t.Errorf("over contacts: %s", got)
	}
}

// Two hundred applets: the PPSE stays within a short response, the PSE within
// its records, and both are in the order of the policy.
func TestDirectoriesOfManyApplets(t *testing.T) {
	w := furnished(t, sim.AppletsMax, func(i int, f *sim.Furnished) {
		f.Available = int64(i)
		f.Blocked = i == 5
	})
	if err := w.device.SetPolicy(sim.PolicyMostLeft); err != nil {
		t.Fatal(err)
	}
	c := w.put(link.Contactless)
	said := c.say(t, selectHex(0, ppse))
	if n := len(said)/2 - 2; n > 255 || n < 230 || !strings.HasSuffix(said, ok) {
		t.Errorf("%d bytes", n)
	}
	if !strings.Contains(said[:100], ours+"00C7") || !strings.Contains(said[:100], "870101") || !strings.Contains(said, "9F3F069F02065F2A02") {
		t.Errorf("got %s", said)
	}
	x := &slot{till: newTill(readIssuer())}
	names, err := x.directory(w.put(link.Contact))
	if err != nil || len(names) != sim.AppletsMax-1 {
		t.Fatalf("%d names, %v", len(names), err)
	}
	if names[0][8] != 199 || names[198][8] != 0 {
		t.Errorf("got %x … %x", names[0], names[198])
	}
}

// A reader that asks gets one applet, or the reason.
func TestSendPOIInformation(t *testing.T) {
	w := furnished(t, 4, func(i int, f *sim.Furnished) {
		f.Available = []int64{100, 1234, 90_000, 500}[i]
		f.TapMax = 80_000
	})
	c := w.put(link.Contactless)
	c.say(t, selectHex(0, ppse))
	answer := func(serial string) string {
		return "6F25840E" + ppse + "A513BF0C10610E" + "4F09" + ours + serial + "870101" + ok
	}
	none := func(reason string) string {
		return "6F19840E" + ppse + "A507BF0C04" + "DF5001" + reason + ok
	}
	tests := []struct{ name, command, want string }{
		{"the amount that one has exactly", okSPI, answer("0001")},
		{"a cent more", "801A00000A8308000000001235015600", answer("0002")},
		{"nothing", "801A00000A8308000000000000015600", answer("0000")},
		{"more than one tap", "801A00000A8308000000080001015600", none("02")},
		{"more than anyone has", "801A00000A8308000000090001015600", none("02")},
		{"another currency", "801A00000A8308000000001234097800", none("03")},
		{"with an object behind", "801A00000F830D00000000123401560001020001" + "00", answer("0001")},
		{"with half an object", "801A00000E830C000000001234015600010200" + "00", "6A80"},
		{"a byte too few", "801A000009830700000000123401" + "00", "6A80"},
		{"no digits", "801A00000A830800000000123A015600", "6A80"},
		{"a currency of four digits", "801A00000A8308000000001234115600", "6A80"},
		{"another template", "801A00000A8408000000001234015600", "6A80"},
		{"P1", "801A01000A8308000000001234015600", "6A81"},
		{"no data", "801A000000", "6A80"},
		{"another class", "001A00000A8308000000001234015600", "6E00"},
	}
	for _, tt := range tests {
		if got := c.say(t, tt.command); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
	if w.flash.commits != 1 {
		t.Errorf("a question was committed: %d", w.flash.commits)
	}
	c.say(t, selectHex(0, ours))
	if got := c.say(t, okSPI); got != "6985" {
		t.Errorf("with an applet selected: got %s", got)
	}
}

// A PPSE too short for all keeps those that could pay: the richest of each
// currency, in the order of the policy, and none with nothing in it.
func TestWhatThePPSELeavesOut(t *testing.T) {
	few := furnished(t, 15, func(i int, f *sim.Furnished) {
		f.Available = int64(i / 14 * 900) // the last alone
	})
	if got := offered(t, few); fmt.Sprint(got) != "[14]" {
		t.Errorf("of fifteen, of which the last has money: %v", got)
	}
	for policy, want := range map[sim.Policy]string{
		sim.PolicyFixed:     "[3 7 47 87 127 167 192 193 194 195 196 197 198]",
		sim.PolicyPreferred: "[3 7 47 87 127 167 192 193 194 195 196 197 198]",
		sim.PolicyBestFit:   "[7 47 87 127 167 3 192 193 194 195 196 197 198]",
		sim.PolicyMostLeft:  "[198 197 196 195 194 193 192 3 167 127 87 47 7]",
	} {
		many := furnished(t, sim.AppletsMax, func(i int, f *sim.Furnished) {
			f.Available, f.TapMax = int64(1000+i), 5000
			switch {
			case i%50 == 49: // it has the most, and may not pay it
				f.Available, f.TapMax = 5000, 1
			case i%40 == 7:
				f.Currency = eur
				f.Available /= 10
			}
		})
		if err := errors.Join(many.device.SetPolicy(policy), many.device.Prefer(sim.FurnishedAID(3))); err != nil {
			t.Fatal(err)
		}
		if got := offered(t, many); fmt.Sprint(got) != want {
			t.Errorf("%v: got %v, want %s", policy, got, want)
		}
	}
}

// offered are the numbers of the applets in the PPSE, in its order.
func offered(t *testing.T, w *wallet) (numbers []int) {
	t.Helper()
	r, err := w.put(link.Contactless).send(selectCommand([]byte("2PAY.SYS.DDF01")))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range all(inside(r.Data, 0x6F, 0xA5, 0xBF0C), 0x61) {
		aid, _ := tlv.Find(entry, 0x4F)
		numbers = append(numbers, int(aid[7])<<8|int(aid[8]))
	}
	return numbers
}

package sim_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/cps"
	"sotto/link"
	"sotto/sim"
)

var update = flag.Bool("update", false, "write the transcripts of testdata anew; read the difference before you commit")

// record keeps one command and its response as two lines.
func (c *cable) record(command, response []byte) {
	parsed, err := apdu.Parse(command)
	if err != nil {
		return
	}
	r, err := apdu.ParseResponse(response)
	if err != nil {
		return
	}
	c.transcript = append(c.transcript,
		fmt.Sprintf("> %s  %s", spaced(command, parsed), commandName(parsed)),
		fmt.Sprintf("< %X", response)+word(r.Status))
}

func word(s apdu.Status) string {
	if s.OK() {
		return ""
	}
	return "  " + strings.SplitN(s.String(), " ", 2)[1]
}

// spaced is a command in hexadecimal: header, length, data, length.
func spaced(raw []byte, c apdu.Command) string {
	if len(c.Data) == 0 {
		return fmt.Sprintf("%X %X", raw[:4], raw[4:])
	}
	n := 5 + len(c.Data)
	return strings.TrimSpace(fmt.Sprintf("%X %X %X %X", raw[:4], raw[4:5], raw[5:n], raw[n:]))
}

func commandName(c apdu.Command) string {
	switch c.INS {
	case 0xA4:
		switch {
		case string(c.Data) == "2PAY.SYS.DDF01":
			return "SELECT PPSE"
		case string(c.Data) == "1PAY.SYS.DDF01":
			return "SELECT PSE"
		}
		return "SELECT applet"
	case 0x1A:
		return "SEND POI INFORMATION"
	case 0xA8:
		return "GET PROCESSING OPTIONS"
	case 0xB2:
		return fmt.Sprintf("READ RECORD %d of file %d", c.P1, c.P2>>3)
	case 0xAE:
		return "GENERATE AC"
	case 0x82:
		return "EXTERNAL AUTHENTICATE"
	case 0x88:
		return "INTERNAL AUTHENTICATE"
	case 0xCA:
		return fmt.Sprintf("GET DATA %02X%02X", c.P1, c.P2)
	case 0xDA:
		return "PUT DATA, with a MAC"
	}
	return fmt.Sprintf("instruction %02X", c.INS)
}

// transcripts are walks of real readers over a device that gives the same
// answers each time.
var transcripts = []struct {
	name, title string
	applets     func(b *issuer) []cps.Profile
	walk        func(w *wallet) (*cable, string)
}{
	{
		"amount-first", "A reader that sends the amount before it selects (class a). The device holds a\npurse with CNY 5.00 and one with CNY 200.00; the reader asks for CNY 12.34.",
		twoPurses, func(w *wallet) (*cable, string) {
			c := w.put(link.Contactless)
			return c, outcome(newTill(w.bank).pay(c, 1_234))
		},
	},
	{
		"amount-first-nobody", "The same reader asks for more than either purse has: the answer names no\napplet, and says why (01, the balance is too small).",
		twoPurses, func(w *wallet) (*cable, string) {
			c := w.put(link.Contactless)
			return c, outcome(newTill(w.bank).pay(c, 20_001))
		},
	},
	{
		"select-next", "A reader that does not send the amount (class b). The first purse cannot pay,\nand the reader goes on to the next one.",
		twoPurses, func(w *wallet) (*cable, string) {
			c := w.put(link.Contactless)
			x := newTill(w.bank)
			x.speaksSPI = false
			return c, outcome(x.pay(c, 1_234))
		},
	},
	{
		"contact", "A contact reader (class c): directory, records, and an offline approval with a\ncombined signature (CDA).",
		func(b *issuer) []cps.Profile { return twoPurses(b)[1:] }, func(w *wallet) (*cable, string) {
			c := w.put(link.Contact)
			x := &slot{till: newTill(w.bank)}
			names, err := x.directory(c)
			if err != nil {
				w.t.Fatal(err)
			}
			s := &sale{minor: 1_234}
			if err := x.begin(c, names[0], s, emv.TypePurchase); err != nil {
				w.t.Fatal(err)
			}
			_, _, err = x.generate(c, s, emv.TypePurchase, byte(emv.TC)|emv.RequestCDA)
			return c, outcome(err)
		},
	},
	{
		"contact-dda", "A contact reader that knows DDA and not CDA: INTERNAL AUTHENTICATE proves\nthe purse, which approves nothing offline for that: no amount is signed.",
		func(b *issuer) []cps.Profile { return twoPurses(b)[1:] }, func(w *wallet) (*cable, string) {
			c := w.put(link.Contact)
			x, s := &slot{till: newTill(w.bank)}, &sale{minor: 1_234}
			if err := x.begin(c, aid(sim.Purse, 2), s, emv.TypePurchase); err != nil {
				w.t.Fatal(err)
			}
			if _, err := x.say(c, apdu.Command{INS: 0x88, Data: []byte{0xD0, 1, 2, 3}, Ne: 256}); err != nil {
				w.t.Fatal(err)
			}
			_, said, err := x.generate(c, s, emv.TypePurchase, byte(emv.TC))
			if v := inside(said, 0x80); err != nil || len(v) == 0 || emv.CID(v[0]) != emv.AAC {
				w.t.Fatalf("got % X, %v", said, err)
			}
			return c, "declined"
		},
	},
	{
		"torn", "The device is pulled away before the last record, and comes back: the reader\nlooks in the log, finds nothing, and begins anew. The debit counts once.",
		func(b *issuer) []cps.Profile { return twoPurses(b)[1:] }, func(w *wallet) (*cable, string) {
			x := newTill(w.bank)
			c := w.put(link.Contactless)
			c.at = 7
			if err := x.pay(c, 1_234); !errors.Is(err, errLost) {
				w.t.Fatal(err)
			}
			before := append(c.transcript, "= the device is pulled away")
			c = w.put(link.Contactless)
			c.transcript = before
			return c, outcome(x.pay(c, 1_234))
		},
	},
	{
		"retap", "The device is pulled away while it answers for the last record. It has\ncommitted: the reader finds the sale in the log, with 9F69, and debits no more.",
		func(b *issuer) []cps.Profile { return twoPurses(b)[1:] }, func(w *wallet) (*cable, string) {
			x := newTill(w.bank)
			c := w.put(link.Contactless)
			c.at, c.after = 7, true
			if err := x.pay(c, 1_234); !errors.Is(err, errLost) {
				w.t.Fatal(err)
			}
			before := append(c.transcript, "= the device is pulled away, and the last answer is lost")
			c = w.put(link.Contactless)
			c.transcript = before
			return c, outcome(x.pay(c, 1_234))
		},
	},
	{
		"load", "A load of CNY 50.00 at a contactless reader: ARQC, the bank's answer, TC, and\nthe script that sets the balance.",
		func(b *issuer) []cps.Profile { return twoPurses(b)[:1] }, func(w *wallet) (*cable, string) {
			c := w.put(link.Contactless)
			_, err := load(c, &ledger{bank: w.bank, account: 50_000, float: 500}, 5_000)
			return c, outcome(err)
		},
	},
}

func twoPurses(b *issuer) []cps.Profile {
	return []cps.Profile{b.profile(sim.Purse, 1, 500, nil), b.profile(sim.Purse, 2, 20_000, nil)}
}

func outcome(err error) string {
	if err == nil {
		return "approved"
	}
	return err.Error()
}

func TestTranscripts(t *testing.T) {
	for _, tt := range transcripts {
		t.Run(tt.name, func(t *testing.T) {
			b := readIssuer()
			w := newWallet(t, tt.applets(b)...)
			c, end := tt.walk(w)
			got := "# " + strings.ReplaceAll(tt.title, "\n", "\n# ") + "\n\n" +
				strings.Join(c.transcript, "\n") + "\n= outcome: " + end + "\n"
			path := filepath.Join("testdata", tt.name+".apdu")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs: %s", path, firstDifference(got, string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}

// The air time of a tap, by the rule of thumb of 85 microseconds a byte, three
// bytes of block around each command and response, and 86.4 microseconds of
// turning round.
func TestAirTime(t *testing.T) {
	b := readIssuer()
	w := newWallet(t, twoPurses(b)...)
	c := w.put(link.Contactless)
	if err := newTill(b).pay(c, 1_234); err != nil {
		t.Fatal(err)
	}
	var all, choice float64
	for i := 0; i < len(c.transcript); i += 2 {
		n := 0
		for _, line := range c.transcript[i : i+2] {
			digits, _, _ := strings.Cut(line[2:], "  ")
			n += len(bytes.ReplaceAll([]byte(digits), []byte(" "), nil))/2 + 3
		}
		ms := float64(n)*0.085 + 2*0.0864
		all += ms
		if strings.HasSuffix(c.transcript[i], "SEND POI INFORMATION") {
			choice = ms
		}
	}
	t.Logf("%.1f ms, of which the choice takes %.1f ms", all, choice)
	if choice > 7 || choice > all/10 || all > 110 {
		t.Errorf("a tap takes %.1f ms, the choice in it %.1f ms", all, choice)
	}
}

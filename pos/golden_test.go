package pos_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sotto/apdu"
	"sotto/bankapi"
	"sotto/emv"
	"sotto/link"
	"sotto/money"
	"sotto/pos"
)

var update = flag.Bool("update", false, "write the transcripts of testdata anew; read the difference before you commit")

// transcripts are visits of chips. Those with applets are written by -update, of
// the fake chip of these tests; the others are put together by hand.
var transcripts = []struct {
	name, title string
	face        link.Interface
	change      func(*pos.Options)
	applets     func() []*applet
	visits      []visit
}{
	{
		name:    "amount-first",
		title:   "A chip that asks for the amount before it selects (class a). It holds purses of\nCNY 5.00 and CNY 50.00, and is asked for CNY 12.34.",
		applets: func() []*applet { return []*applet{newPurse(1, 500), newPurse(2, 5_000)} },
		visits:  []visit{{sale: yuan(1_234)}},
	},
	{
		name:    "amount-first-nobody",
		title:   "The same chip is asked for more than either purse has, and says so (DF50).",
		applets: func() []*applet { return []*applet{newPurse(1, 500), newPurse(2, 5_000)} },
		visits:  []visit{{sale: yuan(5_001)}},
	},
	{
		name:    "select-next",
		title:   "A terminal that does not send the amount first (class b). The first purse cannot\npay (6985), and the terminal goes on to the next.",
		change:  func(o *pos.Options) { o.Settings.WithoutSPI = true },
		applets: func() []*applet { return []*applet{newPurse(1, 500), newPurse(2, 5_000)} },
		visits:  []visit{{sale: yuan(1_234)}},
	},
	{
		name:    "online",
		title:   "An account: the chip gives an ARQC, the bank approves, and the chip, which is\nstill there, hears the bank and gets its script.",
		applets: func() []*applet { return []*applet{newAccount(1, 5_000)} },
		visits:  []visit{{sale: yuan(1_234)}},
	},
	{
		name:    "contact-purse",
		title:   "A contact terminal (class c): directory, records, and an approval that the chip\nsigns (CDA). Before that the terminal asks for the counter.",
		face:    link.Contact,
		applets: func() []*applet { return []*applet{newPurse(1, 5_000)} },
		visits:  []visit{{sale: yuan(1_234)}},
	},
	{
		name:    "contact-account",
		title:   "An account over contacts: ARQC, the bank, EXTERNAL AUTHENTICATE, the second\nGENERATE AC, and the script.",
		face:    link.Contact,
		applets: func() []*applet { return []*applet{newAccount(1, 5_000)} },
		visits:  []visit{{sale: yuan(1_234)}},
	},
	{
		name:    "torn-and-void",
		title:   "The chip is pulled away before it hears of the last record, and comes back: the\nlog does not have the tap, and a new one is made. The debit counts once.",
		applets: func() []*applet { return []*applet{newPurse(1, 5_000)} },
		visits:  []visit{{sale: yuan(1_234), cutAt: 7}, {sale: yuan(1_234)}},
	},
	{
		name:    "torn-and-found",
		title:   "The chip is pulled away while it answers for the last record. It has made the\ndebit final: the terminal finds it in the log, with 9F69, and debits no more.",
		applets: func() []*applet { return []*applet{newPurse(1, 5_000)} },
		visits:  []visit{{sale: yuan(1_234), cutAt: 7, after: true}, {sale: yuan(1_234)}},
	},
	{
		name:    "contact-torn",
		title:   "The answer to GENERATE AC is lost. The log has the debit, and no signature: the\nbank proves it.",
		face:    link.Contact,
		applets: func() []*applet { return []*applet{newPurse(1, 5_000)} },
		visits:  []visit{{sale: yuan(1_234), cutAt: 10, after: true}, {sale: yuan(1_234)}},
	},
	{
		name: "unionpay-online",
		change: func(o *pos.Options) {
			o.Settings.Applications = []pos.Application{{AID: mustHex("A000000333"), TTQ: 0x36000000, FloorLimit: 50}}
			o.Now = func() time.Time { return time.Date(2017, 6, 1, 12, 0, 0, 0, time.UTC) }
			o.Random = bytes.NewReader(mustHex("2B29EBE4"))
			o.Acquirer = yes{}
		},
		visits: []visit{{sale: pos.Sale{Amount: money.Amount{Minor: 100, Currency: money.CNY}}}},
	},
	{
		name:   "blocked-directory",
		face:   link.Contact,
		change: func(o *pos.Options) { o.Settings.Applications = []pos.Application{{AID: mustHex("A000000333")}} },
		visits: []visit{{sale: yuan(1_234)}},
	},
}

// visit is one tap, and where the chip is pulled away.
type visit struct {
	sale  pos.Sale
	cutAt int
	after bool
}

// yes is a bank that approves whatever it is asked.
type yes struct{ pos.Acquirer }

func (yes) Authorize(context.Context, string, bankapi.Authorize) (bankapi.Authorization, error) {
	return bankapi.Authorization{Status: bankapi.TapApproved, ResponseCode: emv.ARCApproved.String()}, nil
}

func transcriptFile(name string) string { return filepath.Join("testdata", name+".apdu") }

func TestTranscripts(t *testing.T) {
	for _, x := range transcripts {
		t.Run(x.name, func(t *testing.T) {
			if *update && x.applets != nil {
				w := newWorld(t, x.change, x.applets()...)
				w.reader.face = x.face
				r := &recorder{chip: w.reader.chip}
				w.reader.chip = r
				for _, v := range x.visits {
					w.reader.cutAt, w.reader.after = v.cutAt, v.after
					r.cutAt, r.sent = v.cutAt, 0
					r.end(w.tap(v.sale))
				}
				text := "# " + strings.ReplaceAll(x.title, "\n", "\n# ") + "\n" + r.text.String()
				if err := os.WriteFile(transcriptFile(x.name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			script := readScript(t, transcriptFile(x.name))
			w := newWorld(t, x.change)
			w.reader.face, w.reader.chip = x.face, script
			for _, v := range x.visits {
				w.reader.cutAt, w.reader.after = v.cutAt, true
				script.end(t, w.tap(v.sale))
			}
			if len(script.lines) > 0 {
				t.Errorf("%d lines were not reached, first %q", len(script.lines), script.lines[0])
			}
		})
	}
}

// recorder writes down what a chip is asked and answers.
type recorder struct {
	chip  link.Chip
	text  strings.Builder
	cutAt int
	sent  int
}

func (r *recorder) Reset(face link.Interface) { r.chip.Reset(face); r.text.WriteString("\n") }

func (r *recorder) Transmit(command []byte) []byte {
	answer := r.chip.Transmit(command)
	r.sent++
	c := must(apdu.Parse(command))
	fmt.Fprintf(&r.text, "> %s  %s\n", spaced(command, c), called(c))
	if r.sent == r.cutAt {
		r.text.WriteString("< gone\n")
		return answer
	}
	remark := ""
	if s := must(apdu.ParseResponse(answer)).Status; !s.OK() {
		remark = "  " + s.String()[5:]
	}
	fmt.Fprintf(&r.text, "< %X%s\n", answer, remark)
	return answer
}

func called(c apdu.Command) string {
	switch c.INS {
	case 0xA4:
		if s := string(c.Data); strings.HasSuffix(s, "DDF01") {
			return "SELECT " + s
		}
		return "SELECT application"
	case 0xB2:
		return fmt.Sprintf("READ RECORD %d of file %d", c.P1, c.P2>>3)
	}
	return map[byte]string{
		0x1A: "SEND POI INFORMATION", 0xA8: "GET PROCESSING OPTIONS", 0xAE: "GENERATE AC", 0x82: "EXTERNAL AUTHENTICATE",
		0xCA: "GET DATA", 0xDA: "PUT DATA, of the bank",
	}[c.INS]
}

func (r *recorder) end(result pos.Result) {
	// A command that the chip has not heard is not here; the reader cut it.
	if r.cutAt > r.sent {
		r.text.WriteString("> pulled away\n")
	}
	fmt.Fprintf(&r.text, "= outcome: %s (%s)\n", result.Outcome, result.Reason)
}

// spaced is a command in hexadecimal: header, length, data, length.
func spaced(raw []byte, c apdu.Command) string {
	if len(c.Data) == 0 {
		return fmt.Sprintf("%X %X", raw[:4], raw[4:])
	}
	n := 5 + len(c.Data)
	return strings.TrimSpace(fmt.Sprintf("%X %X %X %X", raw[:4], raw[4:5], raw[5:n], raw[n:]))
}

// script is a chip that answers as a transcript says, if it is asked as the
// transcript says.
type script struct {
	t     testing.TB
	lines []string
}

func readScript(t testing.TB, file string) *script {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "  ")
		if line != "" && !strings.HasPrefix(line, "#") {
			s.lines = append(s.lines, line)
		}
	}
	if len(s.lines) < 3 {
		t.Fatal("a transcript without anything in it")
	}
	return s
}

func (s *script) next() string {
	if len(s.lines) == 0 {
		return ""
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	return line
}

func (s *script) Reset(link.Interface) {}

func (s *script) Transmit(command []byte) []byte {
	want := s.next()
	if want == "> pulled away" { // the reader cuts this command, whatever we answer
		return []byte{0x6F, 0x00}
	}
	if got := "> " + fmt.Sprintf("%X", command); got != "> "+strings.ReplaceAll(strings.TrimPrefix(want, "> "), " ", "") {
		s.t.Errorf("the terminal sends\n%s, and not\n%s", got, want)
		return []byte{0x6F, 0x00}
	}
	answer := s.next()
	if answer == "< gone" {
		return []byte{0x6F, 0x00}
	}
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(answer, "< "), " ", ""))
	if err != nil {
		s.t.Errorf("the transcript has %q", answer)
	}
	return b
}

func (s *script) end(t *testing.T, r pos.Result) {
	t.Helper()
	if want, got := s.next(), fmt.Sprintf("= outcome: %s (%s)", r.Outcome, r.Reason); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

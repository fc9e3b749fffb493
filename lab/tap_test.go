package lab_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sotto/lab"
)

// The applets of the demo, with what is in them at the beginning: 3.00, 120.00
// (and 100.00 a tap), 80.00 locked, and an account with 2000.00.
const (
	busPurse    = "F0736F74746F010001"
	metroPurse  = "F0736F74746F010002"
	travelPurse = "F0736F74746F010003"
	debit       = "F0736F74746F020001"
)

// balanced checks what must hold whenever nothing is under way: the ledger adds
// up to nothing, and every cent of the float is in a purse, at the till, or in
// between.
func balanced(t *testing.T, step string, s lab.State) {
	t.Helper()
	f, w := s.Bank.Funds, s.Tap.Where
	if sum := f.Payer.Minor + f.Shop.Minor + f.Float.Minor + f.Settlement.Minor + f.Vault.Minor; sum != 0 {
		t.Errorf("%s: all accounts together are %d, want 0", step, sum)
	}
	if got := w.Purses.Minor + w.Till.Minor + w.Doubt.Minor + w.Flight.Minor; got != f.Float.Minor {
		t.Errorf("%s: purses, till and what is between have %d, the float %d", step, got, f.Float.Minor)
	}
	if w.Purses != s.SIM.Holds || w.Till != s.Till.Waiting {
		t.Errorf("%s: the page counts %+v, SIM and till say %v and %v", step, w, s.SIM.Holds, s.Till.Waiting)
	}
}

// taps posts to the lab, looks at the state as anyone may, and checks it.
func taps(t *testing.T, l *lab.Lab, path, body string) lab.State {
	t.Helper()
	post(t, l, path, body)
	s := visible(t, l, path+" "+body)
	balanced(t, path+" "+body, s)
	return s
}

func has(t *testing.T, s lab.State, aid string) int64 {
	t.Helper()
	i := slices.IndexFunc(s.SIM.Applets, func(a lab.AppletState) bool { return a.AID == aid })
	if i < 0 {
		t.Fatalf("there is no applet %s in %+v", aid, s.SIM.Applets)
	}
	return s.SIM.Applets[i].Available.Minor
}

func ended(t *testing.T, s lab.State) string {
	t.Helper()
	if s.Till.Ending == nil {
		t.Fatalf("no tap has ended: %+v", s.Till)
	}
	return s.Till.Ending.Outcome + ": " + s.Till.Ending.Reason
}

// commands are the names of the commands of the last tap, with the status of
// those that were refused.
func commands(s lab.State) (names []string) {
	for _, line := range s.Tap.Trace {
		if line.Kind != lab.LineAPDU {
			continue
		}
		name := line.Name
		if line.Status != "9000" {
			name += " " + line.Status
		}
		names = append(names, name)
	}
	return names
}

func TestTheSIMAtFirst(t *testing.T) {
	l := open(t, lab.Mem)
	s := visible(t, l, "first look")
	balanced(t, "first look", s)
	var got []string
	for _, a := range s.SIM.Applets {
		got = append(got, fmt.Sprintf("%s %s %s %s preferred=%t usable=%t", a.Label, a.Kind, a.Number, a.Available.Text, a.Preferred, a.Usable))
	}
	want := []string{
		"Bus purse purse 621700******0105 CNY 3.00 preferred=true usable=true",
		"Metro purse purse 621700******0204 CNY 120.00 preferred=false usable=true",
		"Travel purse purse 621700******0303 CNY 80.00 preferred=false usable=false",
		"Debit account account 621700******0402 CNY 2000.00 preferred=false usable=true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s.Bank.Funds.Payer.Minor != 200_000 || s.Bank.Funds.Float.Minor != 20_300 {
		t.Errorf("got %+v, want CNY 2000.00 and 203.00", s.Bank.Funds)
	}
}

// Each class of reader comes to the applet that can pay, in its own way.
func TestTapInEachClass(t *testing.T) {
	const poi = "SEND POI INFORMATION"
	for _, class := range []lab.Class{lab.ClassAmountFirst, lab.ClassPlain, lab.ClassContact} {
		t.Run(string(class), func(t *testing.T) {
			l := open(t, lab.Mem)
			before := taps(t, l, "till/reader", `{"class":"`+string(class)+`"}`)
			for _, c := range []struct {
				amount int64
				paid   string // AID
				ends   string
				no     int // applets that a reader has to ask in vain that does not say the amount first
			}{
				{200, busPurse, "approved: chip approves", 0},
				{2_500, metroPurse, "approved: chip approves", 1},
				{15_000, debit, "approved: bank approves", 2},
			} {
				s := taps(t, l, "tap", fmt.Sprintf(`{"amount":%d}`, c.amount))
				if got := ended(t, s); got != c.ends {
					t.Fatalf("%d: got %q, want %q: %q", c.amount, got, c.ends, commands(s))
				}
				for _, a := range before.SIM.Applets {
					want := a.Available.Minor
					if a.AID == c.paid {
						want -= c.amount
					}
					if got := has(t, s, a.AID); got != want {
						t.Errorf("%d: %s: got %d, want %d", c.amount, a.Label, got, want)
					}
				}
				if class == lab.ClassAmountFirst {
					c.no = 0
				}
				if got := slices.Contains(commands(s), poi); got != (class == lab.ClassAmountFirst) {
					t.Errorf("%d: the amount first: %t: %q", c.amount, got, commands(s))
				}
				y := s.Tap.Story
				if y.Kind != lab.StoryPaid || y.Declined != c.no || y.Online != (c.paid == debit) || y.First != "Bus purse" {
					t.Errorf("%d: the story is %+v", c.amount, y)
				}
				if !strings.Contains(s.Till.Ending.Receipt, "APPROVED") {
					t.Errorf("%d: the receipt says %q", c.amount, s.Till.Ending.Receipt)
				}
				before = s
			}
		})
	}
}

func TestNobodyCanPay(t *testing.T) {
	l := open(t, lab.Mem)
	before := visible(t, l, "before")
	for class, want := range map[string]string{
		"a": "end application: balance too small", "b": "end application: no application can pay", "c": "end application: no application can pay",
	} {
		taps(t, l, "till/reader", `{"class":"`+class+`"}`)
		s := taps(t, l, "tap", `{"amount":500000}`)
		if got := ended(t, s); got != want {
			t.Errorf("%s: got %q, want %q", class, got, want)
		}
		if s.SIM.Holds != before.SIM.Holds || s.Bank.Funds != before.Bank.Funds || len(s.Till.Journal) != 0 {
			t.Errorf("%s: money moved: %+v", class, s)
		}
	}
}

// The phone is off: it cannot carry a code, and its SIM pays.
func TestPhoneOff(t *testing.T) {
	l := open(t, lab.Mem)
	s := taps(t, l, "switch", `{"switch":"off","on":true}`)
	if s.Phone.Online || s.Phone.InReach || !s.Phone.Off {
		t.Errorf("a phone that is off: %+v", s.Phone)
	}
	if got := ended(t, taps(t, l, "tap", `{"amount":2500}`)); got != "approved: chip approves" {
		t.Errorf("got %q", got)
	}
	post(t, l, "checkout", `{}`)
	if s = visible(t, l, "checkout"); s.Card.Screen.Code != "" {
		t.Error("a code came to the card through a phone that is off")
	}
	post(t, l, "switch", `{"switch":"off","on":false}`)
	pays(t, l)
}

// Off and without a network are two things.
func TestPhoneOffAndOffline(t *testing.T) {
	l := open(t, lab.Mem)
	online := func(name string, on, want bool) {
		t.Helper()
		if s := post(t, l, "switch", fmt.Sprintf(`{"switch":%q,"on":%t}`, name, on)); s.Phone.Online != want {
			t.Errorf("%s %t: online %t, want %t", name, on, s.Phone.Online, want)
		}
	}
	online("offline", true, false)
	online("off", true, false)
	online("off", false, false)
	online("offline", false, true)
}

func TestTillWithoutNetwork(t *testing.T) {
	l := open(t, lab.Mem)
	taps(t, l, "switch", `{"switch":"cut","on":true}`)
	if got := ended(t, taps(t, l, "tap", `{"amount":2500}`)); got != "approved: chip approves" {
		t.Errorf("a purse: got %q", got)
	}
	if s := taps(t, l, "tap", `{"amount":15000}`); s.Till.Ending.Outcome == "approved" {
		t.Error("an account paid without its bank")
	}
	for _, path := range []string{"till/upload", "till/settle"} {
		if status, body := tries(t, l, path, `{}`); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d: %s", path, status, body)
		}
	}
	taps(t, l, "switch", `{"switch":"cut","on":false}`)
	if s := taps(t, l, "till/settle", `{}`); s.Bank.Funds.Shop.Minor != 2_500 {
		t.Errorf("the shop has %+v", s.Bank.Funds.Shop)
	}
}

func TestUploadAndSettle(t *testing.T) {
	l := open(t, lab.Mem)
	taps(t, l, "tap", `{"amount":2500}`)
	s := taps(t, l, "till/upload", `{}`)
	if f := s.Bank.Funds; f.Settlement.Minor != 2_500 || f.Float.Minor != 17_800 || s.Till.Waiting.Minor != 0 {
		t.Errorf("uploaded: %+v", f)
	}
	s = taps(t, l, "till/settle", `{}`)
	if f := s.Bank.Funds; f.Settlement.Minor != 0 || f.Shop.Minor != 2_500 || len(s.Till.Journal) != 0 {
		t.Errorf("settled: %+v, %+v", f, s.Till.Journal)
	}
	if y := s.Tap.Story; y.Kind != lab.StorySettled || y.Amount.Minor != 2_500 || y.Applets != 1 {
		t.Errorf("the story is %+v", y)
	}
	var kinds []string
	for _, m := range s.Bank.Moves[:2] {
		kinds = append(kinds, m.Kind+" "+m.From+">"+m.To)
	}
	if want := []string{"settlement settlement>shop", "tap float>settlement"}; !slices.Equal(kinds, want) {
		t.Errorf("the ledger says %q, want %q", kinds, want)
	}
	if s = taps(t, l, "till/settle", `{}`); s.Tap.Story.Applets != 0 || s.Bank.Funds.Shop.Minor != 2_500 {
		t.Errorf("settled again: %+v", s.Tap.Story)
	}
}

// What the holder decides, the SIM does.
func TestHolderDecides(t *testing.T) {
	l := open(t, lab.Mem)
	pays := func(step, want string) {
		t.Helper()
		s := taps(t, l, "tap", `{"amount":100}`)
		if got := s.Till.Ending.Label; got != want {
			t.Errorf("%s: %q has paid, want %q", step, got, want)
		}
	}
	pays("at first", "Bus purse")
	taps(t, l, "sim/prefer", `{"applet":"`+metroPurse+`"}`)
	pays("another preferred", "Metro purse")
	taps(t, l, "sim/policy", `{"policy":"most-left"}`)
	pays("the one with most", "Debit account")
	taps(t, l, "sim/policy", `{"policy":"best-fit"}`)
	taps(t, l, "sim/lock", `{"applet":"`+busPurse+`","on":true}`)
	taps(t, l, "sim/lock", `{"applet":"`+travelPurse+`","on":false}`)
	pays("the least that is enough", "Travel purse")
	taps(t, l, "sim/prefer", `{"applet":""}`)
	if s := visible(t, l, "none"); slices.ContainsFunc(s.SIM.Applets, func(a lab.AppletState) bool { return a.Preferred }) {
		t.Error("an applet is still preferred")
	}
}

func TestLoad(t *testing.T) {
	l := open(t, lab.Mem)
	s := taps(t, l, "sim/load", `{"applet":"`+busPurse+`","amount":5000}`)
	if has(t, s, busPurse) != 5_300 || s.Bank.Funds.Payer.Minor != 195_000 || s.Bank.Funds.Float.Minor != 25_300 || s.Tap.Story.Kind != lab.StoryLoaded {
		t.Errorf("got %+v, %+v", s.Bank.Funds, s.Tap.Story)
	}
	// The purse holds 200.00 at most.
	s = taps(t, l, "sim/load", `{"applet":"`+busPurse+`","amount":15000}`)
	if y := s.Tap.Story; has(t, s, busPurse) != 5_300 || y.Kind != lab.StoryRefused || y.Reason != "purse-full" {
		t.Errorf("too much: %+v", y)
	}
	if got := taps(t, l, "tap", `{"amount":2500}`).Till.Ending.Label; got != "Bus purse" {
		t.Errorf("%q has paid, want the purse that was loaded", got)
	}
}

func TestLoadWithoutTheMoney(t *testing.T) {
	l := open(t, lab.Mem)
	for range 2 {
		taps(t, l, "tap", `{"amount":97500}`) // from the account
	}
	s := taps(t, l, "sim/load", `{"applet":"`+metroPurse+`","amount":8000}`)
	if y := s.Tap.Story; y.Kind != lab.StoryRefused || y.Reason != "insufficient-funds" || has(t, s, metroPurse) != 12_000 {
		t.Errorf("got %+v", y)
	}
}

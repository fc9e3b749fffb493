package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/link/pcsc/pcscdtest"
	"sotto/pos"
)

// wallet is a SIM with applets that a bank has issued, and a till of a merchant
// of that bank, each in a folder of its own.
type wallet struct {
	*estate
	aids map[string]string // by label
}

// newWallet issues two purses, with CNY 3.00 and CNY 60.00, and an applet of an
// account with a million, all through the programs and the API.
func newWallet(t *testing.T) *wallet {
	t.Helper()
	w := &wallet{estate: newEstate(t), aids: map[string]string{}}
	w.write("issuer.key", w.issuerKey)
	w.write("merchant.key", w.merchant.Key.Secret)
	recipient := command(t, w.dir, "", "sim", "new", "--data", "sim")
	for i, one := range []struct {
		label string
		kind  bankapi.AppletKind
		aid   string
	}{
		{"Metro", bankapi.AppletPurse, "F0736F74746F010001"},
		{"Lunch", bankapi.AppletPurse, "F0736F74746F010002"},
		{"Debit", bankapi.AppletAccount, "F0736F74746F020003"},
	} {
		r := bankapi.IssueApplet{
			Kind: one.kind, Account: w.customer, PAN: numbered(100 + i), AID: one.aid, Label: one.label, Priority: i + 1, Expires: "2049-12",
		}
		if one.kind == bankapi.AppletPurse {
			r.BalanceMax = 100_000
		}
		applet := must(w.issuer.IssueApplet(t.Context(), r))(t)
		data := must(w.issuer.PersonalizeApplet(t.Context(), applet.ID, bankapi.Personalize{Recipient: recipient}))(t)
		if said := command(t, w.dir, data.Data, "sim", "install", "--data", "sim"); said != "installed "+one.aid {
			t.Fatalf("install: %q", said)
		}
		w.aids[one.label] = one.aid
	}
	for label, amount := range map[string]string{"Metro": "3.00", "Lunch": "60.00"} {
		said := command(t, w.dir, "", "sim", "load", "--data", "sim", "--bank", w.url, "--key-file", "issuer.key", label, amount)
		if !strings.HasPrefix(said, "completed load_") {
			t.Fatalf("load: %q", said)
		}
	}
	command(t, w.dir, "", "pos", "init", "--data", "till", "--bank", w.url, "--key-file", "merchant.key", "--name", "Tea House")
	return w
}

func (w *wallet) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// pay taps, and returns how it ended.
func (w *wallet) pay(amount string, flags ...string) (r pos.Result) {
	w.t.Helper()
	args := append([]string{"pos", "pay", "--data", "till", "--json", amount}, flags...)
	out, errs, ended := attempt(w.t, w.dir, "", args...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		w.t.Fatalf("%v, %v: %s", err, ended, errs)
	}
	if (ended == nil) != (r.Outcome == pos.Approved) {
		w.t.Errorf("%s: exit: %v", r.Outcome, ended)
	}
	return r
}

// balances are what the SIM shows of its applets.
func (w *wallet) balances() map[string]string {
	w.t.Helper()
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^F\S+ +(\S+) +\S+ +CNY (\S+)`).FindAllStringSubmatch(command(w.t, w.dir, "", "sim", "list", "--data", "sim"), -1) {
		found[m[1]] = m[2]
	}
	return found
}

// A SIM, a till and a bank as processes of their own: the SIM finds the applet
// that can pay, in each of the three reader classes, and the money arrives.
func TestTapOverADirectLink(t *testing.T) {
	w := newWallet(t)
	sim := start(t, w.dir, "sim", "run", "--data", "sim", "--listen", "127.0.0.1:0")
	link := "--link=" + sim.ready[0]
	for _, c := range []struct {
		amount, label string
		flags         []string
	}{
		{"2.00", "Metro", nil},                  // the first that can
		{"12.34", "Lunch", nil},                 // Metro has 1.00
		{"5.00", "Lunch", []string{"--no-spi"}}, // Metro says 6985, and the till takes the next
		{"70.00", "Debit", nil},                 // the bank decides
		{"100.00", "Debit", []string{"--no-spi"}},
	} {
		r := w.pay(c.amount, append(c.flags, link)...)
		if r.Outcome != pos.Approved || r.Label != c.label {
			t.Errorf("%s: %s (%s) with %q, want %q", c.amount, r.Outcome, r.Reason, r.Label, c.label)
		}
	}
	if r := w.pay("70.00", link, "--offline"); r.Outcome == pos.Approved {
		t.Error("an account was debited without its bank")
	}
	sim.stop()

	contact := start(t, w.dir, "sim", "run", "--data", "sim", "--listen", "127.0.0.1:0", "--contact")
	if r := w.pay("7.00", "--link="+contact.ready[0]); r.Outcome != pos.Approved || !r.Receipt.Contact {
		t.Errorf("in a slot: %s (%s)", r.Outcome, r.Reason)
	}
	contact.stop()

	if said := command(t, w.dir, "", "pos", "settle", "--data", "till"); said != "batch 1 settled: 6 taps, CNY 196.34" {
		t.Errorf("settled: %q", said)
	}
	account := must(w.issuer.Account(t.Context(), w.merchant.Account))(t)
	if account.Balance != 19634 {
		t.Errorf("the merchant was paid %d", account.Balance)
	}
	if got := w.balances(); got["Metro"] != "1.00" || got["Lunch"] != "35.66" {
		t.Errorf("the purses hold %v", got)
	}
	w.bank.stop()
	if said := w.audit(); !strings.HasSuffix(said, " 0 faults") {
		t.Errorf("audit: %q", said)
	}
}

// An account that was debited for an answer nobody heard has its money back with
// the same command, or else with the next that reaches the bank.
func TestAnUnansweredAuthorisationIsReversedAtOnce(t *testing.T) {
	w := newWallet(t)
	var deaf atomic.Pointer[regexp.Regexp] // paths whose answers are lost
	deaf.Store(regexp.MustCompile("^never"))
	bank := lossy(t, w.url, func(path string) bool { return deaf.Load().MatchString(path) })
	command(t, w.dir, "", "pos", "init", "--data", "till", "--bank", bank, "--key-file", "merchant.key")
	sim := start(t, w.dir, "sim", "run", "--data", "sim", "--listen", "127.0.0.1:0")
	held := func() int64 { return must(w.issuer.Account(t.Context(), w.customer))(t).Balance }
	before := held()
	for _, c := range []struct {
		deaf   string
		reason pos.Reason
		debits int64
	}{
		{"authorizations$", pos.NoAnswer, 0},
		{"authorizations", pos.NoAnswer, 7000},
		{"^never", pos.BankApproved, 7000}, // its own, and the other is back
	} {
		deaf.Store(regexp.MustCompile(c.deaf))
		if r := w.pay("70.00", "--link="+sim.ready[0]); r.Reason != c.reason || before-held() != c.debits {
			t.Errorf("%s is lost: %s, and the account was debited %d; want %s and %d", c.deaf, r.Reason, before-held(), c.reason, c.debits)
		}
	}
}

// lossy is a bank on a bad line: answers to some paths are lost, and so are
// reversals among them, before they arrive.
func lossy(t *testing.T, bank string, loses func(path string) bool) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(must(url.Parse(bank))(t))
	s := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if loses(r.URL.Path) {
			if !strings.HasSuffix(r.URL.Path, "/reverse") {
				proxy.ServeHTTP(httptest.NewRecorder(), r)
			}
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(out, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A SIM that was cloned pays twice with one counter. The bank disputes the second,
// and whoever settles hears of it until he has said that he has.
func TestADisputedTapIsTold(t *testing.T) {
	w := newWallet(t)
	if err := os.CopyFS(filepath.Join(w.dir, "clone"), os.DirFS(filepath.Join(w.dir, "sim"))); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"sim", "clone"} {
		chmod(t, filepath.Join(w.dir, folder))
		sim := start(t, w.dir, "sim", "run", "--data", folder, "--listen", "127.0.0.1:0")
		if r := w.pay("2.00", "--link="+sim.ready[0], "--offline", "--order", folder); r.Outcome != pos.Approved {
			t.Fatalf("%s: %s", r.Outcome, r.Reason)
		}
		sim.stop()
	}
	for i, first := range []string{"batch 1 settled: 1 taps, CNY 2.00\n", ""} {
		out, errs, err := attempt(t, w.dir, "", "pos", "settle", "--data", "till")
		if want := first + "disputed TILL1-2 of order clone, CNY 2.00: It exists already"; out != want || err == nil || !strings.Contains(errs, "--acknowledge TILL1-2") {
			t.Errorf("settled %d times: %v, %q; %s", i+1, err, out, errs)
		}
	}
	if list := command(t, w.dir, "", "pos", "journal", "--data", "till"); !strings.Contains(list, "disputed  It exists already") {
		t.Errorf("the journal: %s", list)
	}
	command(t, w.dir, "", "pos", "journal", "--data", "till", "--acknowledge", "TILL1-2")
	if said := command(t, w.dir, "", "pos", "settle", "--data", "till"); said != "nothing to settle" {
		t.Errorf("behind it: %q", said)
	}
}

// chmod closes a folder and its files to others.
func chmod(t *testing.T, dir string) {
	t.Helper()
	files := must(os.ReadDir(dir))(t)
	for _, f := range files {
		if err := os.Chmod(filepath.Join(dir, f.Name()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// The same through pcscd, which nobody here wrote, and a client that nobody here
// wrote: three amounts, three different applications.
func TestTapThroughPCSC(t *testing.T) {
	w := newWallet(t)
	d := pcscdtest.Start(t)
	slot := d.Slots[0]
	start(t, w.dir, "sim", "run", "--data", "sim", "--vpcd", slot.Address)
	eventuallyThere(t, d)

	seen := map[string]bool{}
	for amount, label := range map[string]string{"000000000200": "Metro", "000000001234": "Lunch", "000000007000": "Debit"} {
		out, err := d.Command("opensc-tool", "-r", slot.Reader,
			"-s", "00A404000E325041592E5359532E444446303100", "-s", "801A00000A8308"+amount+"015600").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if answer := lastAnswer(string(out)); !strings.Contains(answer, "4F09"+w.aids[label]) {
			t.Errorf("%s: want %s in %s", amount, label, answer)
		}
		seen[label] = true
	}
	if len(seen) != 3 {
		t.Errorf("got %v", seen)
	}

	t.Setenv("PCSCLITE_CSOCK_NAME", d.Socket)
	if r := w.pay("12.34", "--reader", slot.Reader); r.Outcome != pos.Approved || r.Label != "Lunch" {
		t.Errorf("%s (%s) with %q", r.Outcome, r.Reason, r.Label)
	}
	trace := command(t, w.dir, "", "pos", "trace", "--data", "till")
	for _, words := range []string{"SEND POI INFORMATION", "GET PROCESSING OPTIONS", "READ RECORD", "approved"} {
		if !strings.Contains(trace, words) {
			t.Errorf("the trace has no %q", words)
		}
	}
	if pan := numbered(101); strings.Contains(trace, pan) || strings.Contains(trace, pan[:15]) {
		t.Error("the trace has a card number")
	}
	if said := command(t, w.dir, "", "pos", "settle", "--data", "till"); said != "batch 1 settled: 1 taps, CNY 12.34" {
		t.Errorf("settled: %q", said)
	}
}

// lastAnswer is the bytes of the last answer that opensc-tool printed, in hex:
// lines of sixteen, with the characters beside them.
func lastAnswer(out string) string {
	lines := strings.Split(out[strings.LastIndex(out, "Received"):], "\n")
	var hex strings.Builder
	for _, line := range lines[1:] {
		hex.WriteString(strings.ReplaceAll(line[:min(len(line), 16*3)], " ", ""))
	}
	return hex.String()
}

// eventuallyThere waits until the daemon has seen the chip.
func eventuallyThere(t *testing.T, d *pcscdtest.Daemon) {
	t.Helper()
	for range 200 {
		if err := d.Command("opensc-tool", "-r", d.Slots[0].Reader, "-a").Run(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the chip never came")
}

// The limits of Entry Point are the merchant's to set.
func TestTheTillsLimits(t *testing.T) {
	w := newWallet(t)
	again := []string{"pos", "init", "--data", "till", "--bank", w.url, "--key-file", "merchant.key"}
	for flags, says := range map[string]string{
		"--tap-max=much":                     "--tap-max",
		"--floor-limit=0":                    "--floor-limit",
		"--holder-min=1.005":                 "--holder-min",
		"--tap-max=50.00 --holder-min=50.00": "--holder-min must be below --tap-max",
	} {
		if _, errs, err := attempt(t, w.dir, "", append(again, strings.Fields(flags)...)...); err == nil || !strings.Contains(errs, says) {
			t.Errorf("%s: %v: %s", flags, err, errs)
		}
	}
	sim := start(t, w.dir, "sim", "run", "--data", "sim", "--listen", "127.0.0.1:0")
	link := "--link=" + sim.ready[0]
	command(t, w.dir, "", append(again, "--tap-max", "40.00", "--holder-min", "20.00", "--signature")...)
	for amount, want := range map[string]struct {
		reason pos.Reason
		signed bool
	}{"19.99": {pos.OfflineProved, false}, "20.00": {pos.OfflineProved, true}, "40.00": {pos.AboveLimit, false}} {
		if r := w.pay(amount, link); r.Reason != want.reason || r.Receipt != nil && r.Receipt.Signature != want.signed {
			t.Errorf("%s: %s, %+v", amount, r.Reason, r.Receipt)
		}
	}
	command(t, w.dir, "", append(again, "--floor-limit", "5.00")...)
	if r := w.pay("5.01", link, "--no-spi"); r.Reason != pos.BankApproved || r.Label != "Debit" {
		t.Errorf("above the floor limit: %s with %q", r.Reason, r.Label)
	}
}

// A till is replaced: a new folder, the same --terminal, and the bank has settled
// the batches of the old one. It may be told so when it is set up, or find out.
func TestAReplacedTill(t *testing.T) {
	w := newWallet(t)
	again := []string{"pos", "init", "--bank", w.url, "--key-file", "merchant.key", "--data"}
	command(t, w.dir, "", append(again, "online")...)
	command(t, w.dir, "", append(again, "offline")...)
	sim := start(t, w.dir, "sim", "run", "--data", "sim", "--listen", "127.0.0.1:0")
	pay := func(till, amount string, flags ...string) {
		t.Helper()
		command(t, w.dir, "", append([]string{"pos", "pay", "--data", till, amount, "--link=" + sim.ready[0]}, flags...)...)
	}
	settle := func(till, want string) {
		t.Helper()
		if said := command(t, w.dir, "", "pos", "settle", "--data", till); !strings.HasSuffix(said, want) {
			t.Errorf("%s: %q, want %q", till, said, want)
		}
	}
	pay("till", "1.00")
	settle("till", "batch 1 settled: 1 taps, CNY 1.00")
	pay("online", "70.00")
	settle("online", "batch 2 settled: 1 taps, CNY 70.00")
	pay("offline", "2.00", "--offline")
	settle("offline", "batch 3 settled: 1 taps, CNY 2.00\nthe bank had settled a batch of this terminal before, as of another till with its --terminal: 1 taps went over to a new one")
	if said := command(t, w.dir, "", append(again, "new")...); !strings.HasSuffix(said, "this one goes on with batch 4") {
		t.Errorf("init: %q", said)
	}
	pay("new", "71.00")
	pay("new", "3.00", "--offline")
	settle("new", "batch 4 settled: 2 taps, CNY 74.00")
	if got := must(w.issuer.Account(t.Context(), w.merchant.Account))(t).Balance; got != 14700 {
		t.Errorf("the merchant was paid %d", got)
	}
}

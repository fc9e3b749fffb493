package lab_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sotto/lab"
)

// tries posts what may be refused.
func tries(t *testing.T, l *lab.Lab, path, body string) (status int, answer []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.URL()+"/lab/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return send(t, r)
}

func TestRefusesNonsenseAtTheTill(t *testing.T) {
	l := open(t, lab.Mem)
	before := visible(t, l, "before")
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{"tap", `{}`, 422},
		{"tap", `{"amount":0}`, 422},
		{"tap", `{"amount":-1}`, 422},
		{"tap", `{"amount":10000000}`, 422},
		{"tap", `{"amount":1.5}`, 400},
		{"tap", `{"amount":"1"}`, 400},
		{"tap", `{"amount":99999999999999999999}`, 400},
		{"tap", `{"amount":100,"pull":"later"}`, 422},
		{"tap", `{"amount":100,"pull":"after","after":-1}`, 422},
		{"tap", `{"amount":100,"pull":"after","after":1000}`, 422},
		{"tap", `{"amount":100,"sneaky":true}`, 400},
		{"tap", `{"amount":100`, 400},
		{"tap/pull", `{}`, 422},
		{"till/reader", `{"class":"d"}`, 422},
		{"till/reader", `{}`, 422},
		{"sim/policy", `{"policy":"cheapest"}`, 422},
		{"sim/prefer", `{"applet":"00"}`, 422},
		{"sim/prefer", `{"applet":"` + strings.ToLower(busPurse) + `"}`, 422},
		{"sim/lock", `{"on":true}`, 422},
		{"sim/load", `{"applet":"` + busPurse + `"}`, 422},
		{"sim/load", `{"applet":"` + busPurse + `","amount":-5}`, 422},
		{"sim/load", `{"applet":"` + busPurse + `","amount":1000001}`, 422},
		{"sim/load", `{"applet":"` + debit + `","amount":100}`, 422},
		{"sim/load", `{"applet":"` + travelPurse + `","amount":100}`, 422}, // locked
		{"sim/load", `{"applet":"","amount":100}`, 422},
		{"switch", `{"switch":"till"}`, 422},
		{"sim/nothing", `{}`, 404},
	} {
		status, answer := tries(t, l, c.path, c.body)
		if status != c.want {
			t.Errorf("%s %s: status %d (%s), want %d", c.path, c.body, status, answer, c.want)
		}
		if status == 422 && (!json.Valid(answer) || bytes.Contains(answer, []byte("\\n"))) {
			t.Errorf("%s %s: got %s, want one sentence in JSON", c.path, c.body, answer)
		}
	}
	if s := visible(t, l, "after"); s.SIM.Holds != before.SIM.Holds || s.Bank.Funds != before.Bank.Funds || len(s.Till.Journal) != 0 {
		t.Errorf("nonsense has moved money: %+v", s)
	}
}

// Whatever is done at the till, no card number and no key stands in the state.
func TestStateHasNoSecret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	l := open(t, dir)
	secrets := map[string]string{
		"number of the card": "6217000000000006", "number of an applet": "6217000000000105", "another": "6217000000000204",
		"a third": "6217000000000303", "a fourth": "6217000000000402",
	}
	var notes struct {
		Issuer   string `json:"issuer_key"`
		Merchant string `json:"merchant_key"`
	}
	text, err := os.ReadFile(filepath.Join(dir, "lab.json"))
	if err = errors.Join(err, json.Unmarshal(text, &notes)); err != nil || notes.Issuer == "" || notes.Merchant == "" {
		t.Fatalf("the lab's notes: %v", err)
	}
	secrets["issuer's key"], secrets["merchant's key"] = notes.Issuer, notes.Merchant
	device, err := os.ReadFile(filepath.Join(dir, "sim", "device.key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets["SIM's key"] = strings.Fields(string(device))[2]
	journal, err := os.ReadFile(filepath.Join(dir, "till", "key"))
	if err != nil {
		t.Fatal(err)
	}
	secrets["journal's key"] = strings.TrimSpace(string(journal))
	for name, secret := range secrets {
		if len(secret) < 16 {
			t.Fatalf("the %s is %q", name, secret)
		}
	}
	leaks := func(step string) {
		t.Helper()
		state := strings.ToLower(string(get(t, l.URL()+"/lab/state")))
		for name, secret := range secrets {
			if strings.Contains(state, strings.ToLower(secret)) {
				t.Errorf("%s: the %s stands in the state", step, name)
			}
		}
	}
	for _, class := range []string{"a", "b", "c"} {
		taps(t, l, "till/reader", `{"class":"`+class+`"}`)
		for _, body := range []string{`{"amount":200}`, `{"amount":2500,"pull":"worst"}`, `{"amount":2500}`, `{"amount":15000}`, `{"amount":500000}`} {
			taps(t, l, "tap", body)
			leaks(class + " " + body)
		}
	}
	taps(t, l, "sim/load", `{"applet":"`+busPurse+`","amount":1000}`)
	leaks("load")
	taps(t, l, "till/settle", `{}`)
	leaks("settle")
}

// A lab comes back as it was left, in the middle of a torn tap.
func TestTornTapSurvivesARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	first, err := lab.Open(t.Context(), config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	taps(t, first, "tap", `{"amount":200}`)
	before := taps(t, first, "tap", `{"amount":2500,"pull":"worst"}`)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir)
	s := visible(t, second, "after")
	balanced(t, "after", s)
	if s.Tap.Where != before.Tap.Where || !slices.Equal(s.SIM.Applets, before.SIM.Applets) || !slices.Equal(s.Till.Journal, before.Till.Journal) {
		t.Errorf("got %+v and %+v, want %+v and %+v", s.Tap.Where, s.Till.Journal, before.Tap.Where, before.Till.Journal)
	}
	s = taps(t, second, "tap", `{"amount":100}`)
	if found := s.Till.Ending.Found; len(found) != 1 || s.Tap.Where.Doubt.Minor != 0 || s.Tap.Where.Till.Minor != 2_800 {
		t.Errorf("got %+v, want the torn tap found: %+v", found, s.Tap.Where)
	}
}

func TestClosesDuringATap(t *testing.T) {
	l, err := lab.Open(t.Context(), config(t, lab.Mem))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- l.Tap(t.Context(), lab.Touch{Amount: 2_500, Slow: true}) }()
	if _, err := l.Until(within(t), func(s lab.State) bool { return s.Tap.Busy }); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error("close:", err)
	}
	if err := <-done; err == nil && l.State().Tap.Busy {
		t.Error("the tap still goes on")
	}
}

func TestRunTap(t *testing.T) {
	l := open(t, lab.Mem)
	for _, again := range []bool{false, true} {
		var steps []lab.Step
		outcome, err := l.RunTap(within(t), func(s lab.Step) { steps = append(steps, s) })
		if err != nil || !outcome.OK || outcome.Moved.Minor != 2_500 {
			t.Fatalf("again %t: %+v, %v; want CNY 25.00 moved", again, outcome, err)
		}
		var names []string
		for _, s := range steps {
			names = append(names, s.Step)
			if s.Phone.Screen != "" || s.SIM == nil || s.Till == nil {
				t.Errorf("%s: %+v", s.Step, s)
			}
		}
		if want := []string{"ready", "tapped", "uploaded", "settled"}; !slices.Equal(names, want) {
			t.Errorf("steps: got %q, want %q", names, want)
		}
	}
}

func TestRunTapFailsWhenThereIsNothingToChoose(t *testing.T) {
	for name, body := range map[string]string{
		"sim/prefer": `{"applet":"` + metroPurse + `"}`,
		"switch":     `{"switch":"cut","on":true}`,
	} {
		l := open(t, lab.Mem)
		taps(t, l, name, body)
		if outcome, err := l.RunTap(within(t), func(lab.Step) {}); err == nil || outcome.OK {
			t.Errorf("%s: got %+v, want a failure", name, outcome)
		}
	}
}

package lab_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/lab"
)

// open starts a lab on a free port.
func open(t *testing.T, data string) *lab.Lab {
	t.Helper()
	l, err := lab.Open(t.Context(), config(t, data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	return l
}

func config(t *testing.T, data string) lab.Config {
	t.Helper()
	return lab.Config{
		Listen: "127.0.0.1:0", Data: data, Now: time.Now, Random: rand.Reader, Wait: atOnce,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// atOnce lets the radio take no time.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// visible asks for GET /lab/state, as anyone may, and checks what must hold at
// every step: the phone shows nothing, and the code is on the card's screen alone.
func visible(t *testing.T, l *lab.Lab, step string) lab.State {
	t.Helper()
	text := get(t, l.URL()+"/lab/state")
	var raw struct {
		Phone map[string]any `json:"phone"`
		Card  struct {
			Screen struct {
				Code string `json:"code"`
			} `json:"screen"`
		} `json:"card"`
	}
	var s lab.State
	if err := errors.Join(json.Unmarshal(text, &raw), json.Unmarshal(text, &s)); err != nil {
		t.Fatal(err)
	}
	if screen, ok := raw.Phone["screen"]; !ok || screen != "" {
		t.Errorf("%s: the phone's screen has %q, want it there and empty", step, screen)
	}
	if code := raw.Card.Screen.Code; code != "" {
		s.Card.Screen = lab.Screen{}
		rest, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(rest, []byte(code)) {
			t.Errorf("%s: the code stands elsewhere than on the card's screen", step)
		}
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, body := send(t, r)
	if status != http.StatusOK {
		t.Fatalf("GET %s: status %d: %s", url, status, body)
	}
	return body
}

func send(t *testing.T, r *http.Request) (status int, body []byte) {
	t.Helper()
	c := http.Client{Timeout: 20 * time.Second}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body
}

// post does what a button on the page does.
func post(t *testing.T, l *lab.Lab, path, body string) lab.State {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.URL()+"/lab/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	status, answer := send(t, r)
	var s lab.State
	if err := json.Unmarshal(answer, &s); err != nil || status != http.StatusOK {
		t.Fatalf("POST %s: status %d: %s", path, status, answer)
	}
	return s
}

// until waits for a state.
func until(t *testing.T, l *lab.Lab, what string, wanted func(lab.State) bool) lab.State {
	t.Helper()
	s, err := l.Until(within(t), wanted)
	if err != nil {
		t.Fatalf("%s: %v; the state is %+v", what, err, s)
	}
	return visible(t, l, what)
}

func onCard(s lab.State) bool {
	return s.Bank.Payment != nil && s.Bank.Payment.Delivery == bankapi.DeliveryOnCard && s.Card.Screen.Code != ""
}

func unreached(s lab.State) bool {
	return slices.ContainsFunc(s.Timeline, func(c lab.Crossing) bool { return c.Kind == "unreached" })
}

// pays types the code that the card shows, and checks that the money moved.
func pays(t *testing.T, l *lab.Lab) {
	t.Helper()
	s := until(t, l, "the code is on the card", onCard)
	before := s.Bank.Funds
	s = post(t, l, "confirm", `{"code":"`+s.Card.Screen.Code+`"}`)
	if s.Bank.Payment.Status != bankapi.Succeeded {
		t.Errorf("the payment is %s (%+v), want succeeded", s.Bank.Payment.Status, s.Shop.Problem)
	}
	if got, want := s.Bank.Funds.Shop.Minor-before.Shop.Minor, s.Bank.Payment.Amount; got != want {
		t.Errorf("the shop got %d, want %d", got, want)
	}
	visible(t, l, "paid")
}

func TestEachStepOfAPayment(t *testing.T) {
	l := open(t, lab.Mem)
	s := visible(t, l, "first look")
	if s.Card.Screen.Scene != "idle" || !s.Phone.Online || !s.Phone.InReach {
		t.Errorf("at first: %+v, want a card at rest and a phone at work", s)
	}
	post(t, l, "basket", `{"good":"gaiwan","quantity":2}`)
	s = visible(t, l, "basket")
	if got, want := s.Shop.Total.Minor, int64(12800+2*8600); got != want {
		t.Errorf("total: got %d, want %d", got, want)
	}
	post(t, l, "checkout", `{}`)
	s = until(t, l, "the code is on the card", onCard)
	if got, want := s.Card.Screen.Lines[0], "Pay  CNY 300.00"; got != want {
		t.Errorf("the card's first line: got %q, want %q", got, want)
	}
	if !strings.HasPrefix(s.Card.Screen.PNG, "data:image/png;base64,") {
		t.Error("the card's screen has no picture")
	}
	post(t, l, "card/page", `{}`)
	if s = visible(t, l, "page"); s.Card.Screen.Page != 2 {
		t.Errorf("after the button: page %d, want 2", s.Card.Screen.Page)
	}
	pays(t, l)
	var ways []string
	for _, c := range l.State().Timeline {
		ways = append(ways, string(c.From)+">"+string(c.To)+" "+c.Kind)
	}
	want := []string{
		"shop>bank create", "bank>phone code", "phone>card message", "card>phone receipt", "phone>bank report",
		"payer>shop typed", "bank>shop paid",
	}
	if !slices.Equal(ways, want) {
		t.Errorf("timeline:\n got %q\nwant %q", ways, want)
	}
}

func TestOutOfReach(t *testing.T) {
	l := open(t, lab.Mem)
	post(t, l, "switch", `{"switch":"reach","on":true}`)
	post(t, l, "checkout", `{}`)
	s := until(t, l, "out of reach", unreached)
	if s.Card.Screen.Code != "" || s.Phone.InReach {
		t.Errorf("a code reached a card that is out of reach: %+v", s.Card.Screen)
	}
	post(t, l, "switch", `{"switch":"reach","on":false}`)
	pays(t, l)
}

func TestOffline(t *testing.T) {
	l := open(t, lab.Mem)
	s := post(t, l, "switch", `{"switch":"offline","on":true}`)
	if s.Phone.Online || !s.Switches.Offline {
		t.Error("the phone is still online")
	}
	post(t, l, "checkout", `{}`)
	s = visible(t, l, "offline")
	if s.Card.Screen.Code != "" || s.Bank.Payment.Delivery != bankapi.DeliverySending {
		t.Errorf("something was delivered to a phone that is offline: %+v", s)
	}
	post(t, l, "switch", `{"switch":"offline","on":false}`)
	pays(t, l)
}

func TestCardMissing(t *testing.T) {
	l := open(t, lab.Mem)
	post(t, l, "switch", `{"switch":"absent","on":true}`)
	post(t, l, "checkout", `{}`)
	s := until(t, l, "no card", unreached)
	if s.Card.Present || len(s.Card.Screen.Lines) != 0 {
		t.Errorf("a card that is not here shows %q", s.Card.Screen.Lines)
	}
	post(t, l, "switch", `{"switch":"absent","on":false}`)
	pays(t, l)
}

func TestWrongCode(t *testing.T) {
	l := open(t, lab.Mem)
	post(t, l, "checkout", `{}`)
	before := until(t, l, "the code is on the card", onCard).Bank.Funds
	for left := 4; left >= 0; left-- {
		s := post(t, l, "confirm", `{"wrong":true}`)
		visible(t, l, "wrong code")
		if got := s.Bank.Payment.AttemptsLeft; got != left {
			t.Errorf("attempts left: got %d, want %d", got, left)
		}
		if s.Shop.Problem == nil {
			t.Error("a wrong code was taken without a word")
		}
	}
	s := visible(t, l, "declined")
	if s.Bank.Payment.Status != bankapi.Declined {
		t.Errorf("after five wrong codes the payment is %s, want declined", s.Bank.Payment.Status)
	}
	if s.Bank.Funds != before {
		t.Errorf("money moved: %+v, want %+v", s.Bank.Funds, before)
	}
}

func TestStolen(t *testing.T) {
	l := open(t, lab.Mem)
	s := post(t, l, "switch", `{"switch":"stolen","on":true}`)
	if s.Phone.Thief == nil || s.Phone.Thief.Sealed != nil {
		t.Fatalf("a thief who has seen no code holds %+v", s.Phone.Thief)
	}
	post(t, l, "checkout", `{}`)
	s = until(t, l, "stolen", unreached)
	loot := s.Phone.Thief
	switch {
	case loot.Screen != "":
		t.Errorf("the thief sees %q on the screen", loot.Screen)
	case loot.Sealed == nil || len(loot.Sealed.Keys) < 4 || loot.Sealed.Hex == "":
		t.Fatalf("the thief has no code to try keys on: %+v", loot)
	case loot.Sealed.Opened != 0:
		t.Errorf("a key on the phone opens the code: %+v", loot.Sealed)
	case len(loot.Log) == 0 || len(loot.Files) < 2:
		t.Errorf("nothing was read from the phone: %+v", loot)
	}
	total := s.Bank.Payment.Amount
	for _, fact := range []string{shopFact(total), "Tea House", s.Bank.Payment.ID, s.Bank.Payment.Order} {
		if text := strings.Join(loot.Log, "\n"); strings.Contains(text, fact) {
			t.Errorf("the phone's log has %q", fact)
		}
	}
	// The thief does not have the card: no code, no money.
	if s.Card.Screen.Code != "" {
		t.Error("the code reached the card of somebody whose phone is far away")
	}
	post(t, l, "switch", `{"switch":"stolen","on":false}`)
	pays(t, l)
}

func shopFact(minor int64) string { return fmt.Sprintf("%d.%02d", minor/100, minor%100) }

func TestComesBackAsItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	first, err := lab.Open(t.Context(), config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	post(t, first, "checkout", `{}`)
	pays(t, first)
	before := visible(t, first, "before")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir)
	after := visible(t, second, "after")
	if after.Bank.Funds != before.Bank.Funds {
		t.Errorf("balances: got %+v, want %+v", after.Bank.Funds, before.Bank.Funds)
	}
	if after.Card.ID != before.Card.ID || after.Phone.ID != before.Phone.ID || len(after.Timeline) != 0 {
		t.Errorf("card and phone were bound anew: %+v", after)
	}
	post(t, second, "checkout", `{}`)
	pays(t, second)
}

func TestBeginsAgainAfterABrokenStart(t *testing.T) {
	dir := t.TempDir()
	first, err := lab.Open(t.Context(), config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	before := first.State()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	// As if the power had failed before card and phone were bound.
	notes := filepath.Join(dir, "lab.json")
	text, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	cut := bytes.Replace(text, []byte(`"complete": true`), []byte(`"complete": false`), 1)
	if bytes.Equal(cut, text) {
		t.Fatalf("%s does not say that it is complete: %s", notes, text)
	}
	if err := os.WriteFile(notes, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	if l.State().Card.ID == before.Card.ID {
		t.Error("the half-made demo data were kept")
	}
	post(t, l, "checkout", `{}`)
	pays(t, l)
}

func TestKeepsNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	l, err := lab.Open(t.Context(), config(t, lab.Mem))
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(temp); len(left) != 1 {
		t.Errorf("while it runs: %d entries, want the lab's one folder", len(left))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("it left %v behind", left)
	}
}

func TestRefusesToStart(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "letter.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct{ name, listen, data, want string }{
		{"other machines", "0.0.0.0:0", lab.Mem, "--listen-anywhere"},
		{"a name", "example.org:80", lab.Mem, "--listen-anywhere"},
		{"no address", "8420", lab.Mem, "--listen HOST:PORT"},
		{"port in use", taken.Addr().String(), lab.Mem, "is in use"},
		{"foreign folder", "127.0.0.1:0", foreign, "choose another with --data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := config(t, c.data)
			config.Listen = c.listen
			l, err := lab.Open(t.Context(), config)
			if err == nil {
				t.Fatal(errors.Join(errors.New("it started"), l.Close()))
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one sentence with %q", err, c.want)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(foreign, "letter.txt")); err != nil {
		t.Error("a foreign folder was touched:", err)
	}
}

func TestTakesChangesFromItsOwnPageOnly(t *testing.T) {
	l := open(t, lab.Mem)
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		want   int
	}{
		{"its own page", func(r *http.Request) { r.Header.Set("Origin", l.URL()) }, 200},
		{"a program", func(*http.Request) {}, 200},
		{"another site", func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		{"another site, as browsers say", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		{"a form", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 400},
		{"a name that leads here", func(r *http.Request) { r.Host = "evil.example" }, 421},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := strings.NewReader(`{"good":"cloud","quantity":3}`)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.URL()+"/lab/basket", body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			c.change(r)
			if got, answer := send(t, r); got != c.want {
				t.Errorf("status %d (%s), want %d", got, answer, c.want)
			}
		})
	}
}

func TestRunOnline(t *testing.T) {
	l := open(t, lab.Mem)
	var steps []lab.Step
	outcome, err := l.RunOnline(within(t), func(s lab.Step) { steps = append(steps, s) })
	if err != nil {
		t.Fatal(err)
	}
	if !outcome.OK || outcome.Moved.Minor != 12800 {
		t.Errorf("outcome: %+v, want CNY 128.00 moved", outcome)
	}
	var names []string
	for _, s := range steps {
		names = append(names, s.Step)
		if s.Phone.Screen != "" {
			t.Errorf("%s: the phone shows %q", s.Step, s.Phone.Screen)
		}
	}
	if want := []string{"ready", "checkout", "code", "paid"}; !slices.Equal(names, want) {
		t.Errorf("steps: got %q, want %q", names, want)
	}
}

func TestRunOnlineFailsWithoutACard(t *testing.T) {
	l := open(t, lab.Mem)
	post(t, l, "switch", `{"switch":"absent","on":true}`)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	outcome, err := l.RunOnline(ctx, func(lab.Step) {})
	if err == nil || outcome.OK || outcome.Moved.Minor != 0 {
		t.Errorf("got %+v and %v, want a failure", outcome, err)
	}
}

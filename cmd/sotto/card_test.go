package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/link/tcp"
	"sotto/secret"
)

// cardRun calls the command line and returns what it printed.
func cardRun(t *testing.T, in string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), append([]string{"card"}, args...), strings.NewReader(in), &o, &e)
	return o.String(), e.String(), code
}

func somebodysCard() dyncode.Personalization {
	return dyncode.Personalization{
		Card: ident.Raw{15: 7}, Holder: "LIN MEI", Language: "en", Profile: dyncode.CardSealed,
		Key: secret.New(bytes.Repeat([]byte{0x4B}, dyncode.KeySize)),
	}
}

// issueTo is what the bank answers when it issues the card.
func issueTo(t *testing.T, recipient string, p dyncode.Personalization) string {
	t.Helper()
	r, err := age.ParseX25519Recipient(strings.TrimSpace(recipient))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := p.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{second(w.Write(plain)), w.Close(), a.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

func second(_ int, err error) error { return err }

// issued is the folder of a card that is ready to run.
func issued(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "card")
	recipient, errOut, code := cardRun(t, "", "new", "--state", dir)
	if code != 0 {
		t.Fatalf("card new: %s", errOut)
	}
	out, errOut, code := cardRun(t, issueTo(t, recipient, somebodysCard()), "personalize", "--state", dir)
	if want := "personalized " + ident.Text(ident.Card, somebodysCard().Card) + "\n"; code != 0 || out != want {
		t.Fatalf("card personalize: got %q, %s; want %q", out, errOut, want)
	}
	return dir
}

// switchOn runs the card until the test ends.
func switchOn(t *testing.T, dir string, args ...string) (address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	var errOut bytes.Buffer
	done := make(chan int, 1)
	go func() {
		args := append([]string{"card", "run", "--state", dir, "--listen", "127.0.0.1:0"}, args...)
		done <- run(ctx, args, strings.NewReader(""), in, &errOut)
		in.Close()
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case code := <-done:
			if code != 0 {
				t.Errorf("card run: exit %d: %s", code, errOut.String())
			}
		case <-time.After(5 * time.Second):
			t.Error("card run did not end")
		}
	})
	line := make([]byte, 64)
	n, err := out.Read(line)
	if err != nil {
		t.Fatalf("card run: %s", errOut.String())
	}
	return strings.TrimSpace(strings.TrimPrefix(string(line[:n]), "ready "))
}

func TestCardShowsWhatItReceives(t *testing.T) {
	dir := issued(t)
	picture := filepath.Join(t.TempDir(), "screen.png")
	reach := tcp.NewReach(tcp.At(switchOn(t, dir, "--png", picture)))
	defer reach.Close()
	p := somebodysCard()
	bank := dyncode.NewInner(p.Key, p.Card)
	pairing, phone := bytes.Repeat([]byte{1}, 32), ident.Raw{2}
	outer := dyncode.NewOuter(secret.New(pairing), p.Card, phone, [32]byte{3})

	send := func(message []byte) {
		t.Helper()
		answer, err := reach.Exchange(t.Context(), "", message)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bank.Verify(answer); err != nil {
			t.Fatalf("the card gave no receipt: %v", err)
		}
	}
	soon := uint64(time.Now().Add(time.Minute).Unix())
	bind, err := dyncode.Content{
		Kind: dyncode.Bind, Code: []byte("314159"), ExpiresAt: soon, Lifetime: 60,
		PhoneName: []byte("Mei's phone"), Phone: phone, Pairing: pairing, KeySource: append([]byte{3}, make([]byte, 31)...),
	}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	send(dyncode.AppendDirect(nil, dyncode.CardSealed, ident.Raw{9}, bank.Seal(nil, dyncode.CardSealed, ident.Raw{9}, 1, bind)))
	pay, err := dyncode.Content{
		Kind: dyncode.Payment, Code: []byte("271828"), ExpiresAt: soon, Lifetime: 60,
		Amount: 12800, Currency: []byte("CNY"), Payee: []byte("Green Hill Tea"),
	}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	send(outer.Seal(nil, dyncode.CardSealed, ident.Raw{8}, 1, bank.Seal(nil, dyncode.CardSealed, ident.Raw{8}, 2, pay)))

	out, errOut, code := cardRun(t, "", "show", "--json", "--state", dir)
	var s screenJSON
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != 0 {
		t.Fatalf("card show: %v, %s", err, errOut)
	}
	if s.Scene != "payment" || s.Code != "271828" || s.Amount != "CNY 128.00" || s.Payee != "Green Hill Tea" {
		t.Errorf("got %+v", s)
	}
	text, _, _ := cardRun(t, "", "show", "--state", dir)
	if !strings.Contains(text, "271828") || !strings.Contains(text, "Green Hill Tea") {
		t.Errorf("got %q", text)
	}
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := png.Decode(f); err != nil {
		t.Errorf("picture: %v", err)
	}
	noCodeOnDisk(t, dir, "314159", "271828")
	if _, errOut, code := cardRun(t, "", "run", "--state", dir); code != 1 || !strings.Contains(errOut, "in use") {
		t.Errorf("a second card of one memory: got exit %d, %s", code, errOut)
	}
}

func noCodeOnDisk(t *testing.T, dir string, codes ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 3 {
		t.Fatalf("%d files in the card's folder, %v", len(entries), err)
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range codes {
			if bytes.Contains(b, []byte(code)) {
				t.Errorf("code %s is in %s", code, entry.Name())
			}
		}
	}
}

func TestCardThatIsOffRests(t *testing.T) {
	out, errOut, code := cardRun(t, "", "show", "--state", issued(t))
	if code != 0 || !strings.Contains(out, "LIN MEI") {
		t.Errorf("got exit %d, %q, %s", code, out, errOut)
	}
}

// Each mistake has one sentence with the next step in it.
func TestCardMistakes(t *testing.T) {
	dir := issued(t)
	blank := filepath.Join(t.TempDir(), "blank")
	recipient, _, _ := cardRun(t, "", "new", "--state", blank)
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, in string
		args     []string
		want     string
	}{
		{"new twice", "", []string{"new", "--state", dir}, "use another"},
		{"run without a card", "", []string{"run", "--state", dir + "x"}, "sotto card new"},
		{"run a blank card", "", []string{"run", "--state", blank}, "sotto card personalize"},
		{"an open folder", "", []string{"run", "--state", open}, "chmod 700"},
		{"personalize twice", issueTo(t, newRecipient(t, dir), somebodysCard()), []string{"personalize", "--state", dir}, "another folder"},
		{"somebody else's", issueTo(t, newRecipient(t, dir), somebodysCard()), []string{"personalize", "--state", blank}, "not for this folder"},
		{"cut", issueTo(t, recipient, somebodysCard())[:300], []string{"personalize", "--state", blank}, "cut or damaged"},
		{"no such page", "", []string{"show", "--page", "9", "--state", dir}, "--page"},
		{"a taken port", "", []string{"run", "--state", dir, "--listen", "256.0.0.1:1"}, "--listen"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errOut, code := cardRun(t, tt.in, tt.args...)
			if code != 1 || !strings.Contains(errOut, tt.want) || strings.Count(errOut, "\n") != 1 {
				t.Errorf("got exit %d, %q; want one line with %q", code, errOut, tt.want)
			}
		})
	}
}

// newRecipient is the recipient of a folder that exists.
func newRecipient(t *testing.T, dir string) string {
	t.Helper()
	identities, err := readIdentities(cardIdentity(dir), "sotto card new")
	if err != nil {
		t.Fatal(err)
	}
	identity, ok := identities[0].(*age.X25519Identity)
	if !ok {
		t.Fatal("the card's identity is of another kind")
	}
	return identity.Recipient().String()
}

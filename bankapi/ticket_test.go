package bankapi

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sotto/secret"
)

func ticket() Ticket {
	return Ticket{
		URL: "https://bank.example", Phone: "ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0C",
		Secret: secret.New(bytes.Repeat([]byte{7}, 32)), Pin: bytes.Repeat([]byte{9}, 32),
	}
}

func sameTicket(a, b Ticket) bool {
	return a.URL == b.URL && a.Phone == b.Phone && a.Secret.Equal(b.Secret) && bytes.Equal(a.Pin, b.Pin)
}

func TestTicket(t *testing.T) {
	for _, pinned := range []bool{true, false} {
		want := ticket()
		if !pinned {
			want.Pin = nil
		}
		text, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		for _, around := range []string{"%s", "  %s\n", "\t%s\r\n"} {
			got, err := ParseTicket(fmt.Sprintf(around, text))
			if err != nil || !sameTicket(got, want) {
				t.Errorf("pinned %v, %q: another ticket (%v)", pinned, around, err)
			}
		}
		if s, err := ParseTicketSecret(want.SecretText()); err != nil || !s.Equal(want.Secret) {
			t.Errorf("its secret is another (%v)", err)
		}
	}
}

func TestTicketRefusals(t *testing.T) {
	right, err := ticket().Encode()
	if err != nil {
		t.Fatal(err)
	}
	inside, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(right, ticketPrefix))
	if err != nil {
		t.Fatal(err)
	}
	form := string(inside)
	with := func(old, fresh string) string {
		if !strings.Contains(form, old) {
			t.Fatalf("the ticket has no %q", old)
		}
		return ticketPrefix + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(form, old, fresh, 1)))
	}
	key := ticket().SecretText()
	cases := map[string]string{
		"nothing":            "",
		"only the prefix":    ticketPrefix,
		"another prefix":     strings.Replace(right, "sotto1.", "sotto2.", 1),
		"a line break":       right[:50] + "\n" + right[50:],
		"padding":            right + "=",
		"something behind":   right + "A",
		"too long":           ticketPrefix + strings.Repeat("A", ticketMax+1),
		"not JSON":           ticketPrefix + base64.RawURLEncoding.EncodeToString([]byte("hello")),
		"two objects":        ticketPrefix + base64.RawURLEncoding.EncodeToString([]byte(form+form)),
		"an unknown field":   with(`"url"`, `"more":1,"url"`),
		"a field twice":      with(`"url"`, `"url":"https://other.example","url"`),
		"another case":       with(`"url"`, `"URL"`),
		"blanks":             with(`,"phone"`, `, "phone"`),
		"no address":         with("https://bank.example", ""),
		"another scheme":     with("https", "ftp"),
		"a user":             with("https://", "https://mei@"),
		"a query":            with("bank.example", "bank.example?x=1"),
		"a fragment":         with("bank.example", "bank.example#x"),
		"no phone":           with("ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0C", ""),
		"a card for a phone": with("ph_", "card_"),
		"no secret":          with(key, ""),
		"a short secret":     with(key, key[:22]),
		"a long secret":      with(key, key+"AAAA"),
		"a loose secret":     with(key, key[:42]+"d"), // bits behind the last byte
		"a short pin":        with(`"pin":"CQkJ`, `"pin":"`),
	}
	for name, text := range cases {
		if _, err := ParseTicket(text); !errors.Is(err, ErrTicket) {
			t.Errorf("%s: %v, want %v", name, err, ErrTicket)
		}
	}
	for n := range right {
		if _, err := ParseTicket(right[:n]); err == nil {
			t.Errorf("cut after %d characters it was taken", n)
		}
	}
	for name, change := range map[string]func(*Ticket){
		"no secret": func(t *Ticket) { t.Secret = secret.Secret{} },
		"no phone":  func(t *Ticket) { t.Phone = "" },
		"no url":    func(t *Ticket) { t.URL = "bank.example" },
		"pin":       func(t *Ticket) { t.Pin = t.Pin[:31] },
		"too long":  func(t *Ticket) { t.URL += "/" + strings.Repeat("x", ticketMax) },
	} {
		one := ticket()
		change(&one)
		if _, err := one.Encode(); !errors.Is(err, ErrTicket) {
			t.Errorf("encode, %s: %v, want %v", name, err, ErrTicket)
		}
	}
}

// A ticket that is printed by accident keeps its secret.
func TestTicketPrints(t *testing.T) {
	text := fmt.Sprintf("%v %+v %#v", ticket(), ticket(), ticket())
	if strings.Contains(text, ticket().SecretText()) || strings.Contains(text, "7, 7, 7") || strings.Contains(text, "7 7 7") {
		t.Errorf("the secret is in %s", text)
	}
}

// FuzzTicket: any text is refused, or is just what would be written again.
func FuzzTicket(f *testing.F) {
	text, err := ticket().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(ticketPrefix + base64.RawURLEncoding.EncodeToString([]byte(`{"url":"http://x","phone":"","secret":""}`)))
	f.Fuzz(func(t *testing.T, text string) {
		one, err := ParseTicket(text)
		if err != nil {
			return
		}
		if again, err := one.Encode(); err != nil || again != strings.TrimSpace(text) {
			t.Errorf("%q is written as %q (%v)", text, again, err)
		}
	})
}

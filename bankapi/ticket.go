package bankapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"sotto/ident"
	"sotto/secret"
)

// Ticket lets one phone enrol, once. As text it is "sotto1." and base64url of
// its JSON, so that it can be pasted or shown as a QR code.
type Ticket struct {
	URL    string        // base URL of the bank's API, http or https
	Phone  string        // "ph_…"
	Secret secret.Secret // 32 random bytes
	Pin    []byte        // SHA-256 of the DER of the bus's CA certificate; empty if anyone's will do
}

// ErrTicket says that a text is no ticket.
var ErrTicket = errors.New("not a ticket: copy the whole text from the bank's answer, or ask the issuer for a new one")

// Sizes of a ticket.
const (
	TicketSecretSize = 32   // bytes
	ticketMax        = 2048 // bytes of text
	pinSize          = 32
)

const ticketPrefix = "sotto1."

// ticketForm is the JSON inside. Bytes are base64url without padding.
type ticketForm struct {
	URL    string `json:"url"`
	Phone  string `json:"phone"`
	Secret string `json:"secret"`
	Pin    string `json:"pin,omitempty"`
}

// SecretText is the form in which EnrolPhone.Ticket carries the secret.
func (t Ticket) SecretText() string { return base64.RawURLEncoding.EncodeToString(t.Secret.Reveal()) }

// ParseTicketSecret reads SecretText.
func ParseTicketSecret(text string) (secret.Secret, error) {
	b, err := unbase64url(text)
	if err != nil || len(b) != TicketSecretSize {
		return secret.Secret{}, ErrTicket
	}
	defer clear(b)
	return secret.New(b), nil
}

// Encode writes the ticket as text. The text holds the secret: hand it over
// and forget it.
func (t Ticket) Encode() (string, error) {
	if !t.valid() {
		return "", ErrTicket
	}
	b, err := json.Marshal(ticketForm{
		URL: t.URL, Phone: t.Phone, Secret: t.SecretText(), Pin: base64.RawURLEncoding.EncodeToString(t.Pin),
	})
	if err != nil {
		return "", ErrTicket
	}
	defer clear(b)
	text := ticketPrefix + base64.RawURLEncoding.EncodeToString(b)
	if len(text) > ticketMax {
		return "", ErrTicket
	}
	return text, nil
}

// ParseTicket reads what Encode wrote, and only that. White space around it is
// ignored.
func ParseTicket(text string) (Ticket, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), ticketPrefix)
	if !ok || len(body) > ticketMax {
		return Ticket{}, ErrTicket
	}
	b, err := unbase64url(body)
	if err != nil {
		return Ticket{}, ErrTicket
	}
	defer clear(b)
	var f ticketForm
	if err := json.Unmarshal(b, &f); err != nil {
		return Ticket{}, ErrTicket
	}
	t, err := f.ticket()
	if err != nil {
		return Ticket{}, err
	}
	// Another order, unknown fields, doubles and blanks are all caught here.
	if again, err := t.Encode(); err != nil || again != ticketPrefix+body {
		return Ticket{}, ErrTicket
	}
	return t, nil
}

func (f ticketForm) ticket() (Ticket, error) {
	t := Ticket{URL: f.URL, Phone: f.Phone}
	var err error
	if t.Secret, err = ParseTicketSecret(f.Secret); err != nil {
		return Ticket{}, ErrTicket
	}
	if t.Pin, err = unbase64url(f.Pin); err != nil || !t.valid() {
		return Ticket{}, ErrTicket
	}
	return t, nil
}

func (t Ticket) valid() bool {
	u, err := url.Parse(t.URL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	_, err = ident.Parse(ident.Phone, t.Phone)
	return err == nil && len(t.Secret.Reveal()) == TicketSecretSize && (len(t.Pin) == 0 || len(t.Pin) == pinSize)
}

// unbase64url reads base64url without padding, in its one form: no line breaks,
// and no bits set behind the last byte.
func unbase64url(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, ErrTicket
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

package bank

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"sotto/bankapi"
)

// The committer is one goroutine, and everybody waits for it. What it writes
// thousands of times a second as JSON is therefore written by hand here: the
// payment, and the two kinds of audit line. encode_test.go holds each encoder
// against encoding/json, byte by byte.

// object writes the members of one JSON object.
type object struct {
	out  []byte
	html bool // escape <, > and &, as json.Marshal does
}

func (o *object) name(name string) {
	if last := len(o.out) - 1; o.out[last] != '{' {
		o.out = append(o.out, ',')
	}
	o.out = append(append(append(o.out, '"'), name...), '"', ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.out = appendText(o.out, value, o.html)
}

// some is text that is left out when it is empty.
func (o *object) some(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) number(name string, value int64) {
	o.name(name)
	o.out = strconv.AppendInt(o.out, value, 10)
}

func (o *object) time(name string, t bankapi.Time) {
	o.name(name)
	o.out = append(o.out, '"')
	if t != 0 {
		o.out = appendTime(o.out, t)
	}
	o.out = append(o.out, '"')
}

// appendTime is bankapi.Time.String. A layout would be read anew each time.
func appendTime(out []byte, t bankapi.Time) []byte {
	at := time.UnixMilli(int64(t)).UTC()
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	out = append(appendDigits(out, int64(year), 4), '-')
	out = append(appendDigits(out, int64(month), 2), '-')
	out = append(appendDigits(out, int64(day), 2), 'T')
	out = append(appendDigits(out, int64(hour), 2), ':')
	out = append(appendDigits(out, int64(minute), 2), ':')
	out = append(appendDigits(out, int64(second), 2), '.')
	return append(appendDigits(out, int64(at.Nanosecond()/1_000_000), 3), 'Z')
}

// appendDigits writes a number that is not negative with at least so many
// digits.
func appendDigits(out []byte, n int64, digits int) []byte {
	start := len(out)
	for ; n > 0 || digits > 0; n, digits = n/10, digits-1 {
		out = append(out, '0'+byte(n%10))
	}
	slices.Reverse(out[start:])
	return out
}

// appendText writes a JSON string. Texts with anything in them that has to be
// escaped, or that is not ASCII, are left to encoding/json.
func appendText(out []byte, s string, html bool) []byte {
	for i := range len(s) {
		if !plain[s[i]] {
			return appendEscaped(out, s, html)
		}
	}
	out = append(out, '"')
	out = append(out, s...)
	return append(out, '"')
}

// plain are the bytes that stand for themselves in every JSON string.
var plain = func() (t [256]bool) {
	for c := ' '; c <= '~'; c++ {
		t[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return t
}()

func appendEscaped(out []byte, s string, html bool) []byte {
	w := appender(out)
	e := json.NewEncoder(&w)
	e.SetEscapeHTML(html)
	if err := e.Encode(s); err != nil {
		panic("bank: a text cannot be marshalled: " + err.Error())
	}
	return w[:len(w)-1] // Encode ends with a line feed
}

type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// appendPayment writes a payment as json.Marshal does.
func appendPayment(out []byte, p *bankapi.Payment) []byte {
	o := object{append(out, '{'), true}
	o.text("id", p.ID)
	o.text("status", string(p.Status))
	o.number("amount", p.Amount)
	o.text("currency", p.Currency)
	o.number("captured", p.Captured)
	o.number("refunded", p.RefundedSum)
	o.text("merchant", p.Merchant)
	o.text("payee", p.Payee)
	o.some("order", p.Order)
	o.some("description", p.Description)
	o.text("card", p.Card)
	o.text("card_number", p.CardNumber)
	o.text("capture", string(p.Capture))
	o.text("delivery", string(p.Delivery))
	o.number("attempts_left", int64(p.AttemptsLeft))
	o.text("code_url", p.CodeURL)
	o.some("return_url", p.ReturnURL)
	o.some("reason", string(p.Reason))
	o.time("created_at", p.CreatedAt)
	o.time("expires_at", p.ExpiresAt)
	if p.EndedAt != 0 {
		o.time("ended_at", p.EndedAt)
	}
	return append(o.out, '}')
}

// appendEventLine writes an auditLine with an event, and a line feed.
func appendEventLine(out []byte, e *bankapi.Event) []byte {
	o := object{append(out, `{"event":{`...), false}
	o.text("id", e.ID)
	o.text("type", e.Type)
	o.time("at", e.At)
	o.some("merchant", e.Merchant)
	o.text("object", e.Object)
	if e.Amount != 0 {
		o.number("amount", e.Amount)
	}
	o.some("currency", e.Currency)
	return append(o.out, '}', '}', '\n')
}

// appendTransferLine writes an auditLine with a transfer, and a line feed.
func appendTransferLine(out []byte, t *bankapi.Transfer) []byte {
	o := object{append(out, `{"transfer":{`...), false}
	o.text("id", t.ID)
	o.text("kind", string(t.Kind))
	o.text("debit", t.Debit)
	o.text("credit", t.Credit)
	o.number("amount", t.Amount)
	o.text("currency", t.Currency)
	o.some("payment", t.Payment)
	o.some("note", t.Note)
	o.time("created_at", t.CreatedAt)
	return append(o.out, '}', '}', '\n')
}

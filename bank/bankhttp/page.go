package bankhttp

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

// The code page. Whoever knows a payment's id may look at it and type codes:
// the id is 80 random bits, given to the payer's browser alone. There are no
// cookies, so a foreign page has nothing to ride on but that id; its forms are
// refused all the same.

// formMax bounds a posted form, in bytes.
const formMax = 4 << 10

// Pages of our own run nothing and load nothing from elsewhere. The code page
// says "same-origin" as its referrer policy: like "no-referrer" it tells other
// sites nothing, but browsers keep Origin on its own forms, by which foreign
// ones are told apart where they send no Sec-Fetch-Site (plain HTTP).
var (
	pageHeaders = headers{
		csp: []string{"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
		referrer: []string{"same-origin"},
		cache:    noStore,
	}
	docsHeaders = headers{
		csp:      []string{"default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"},
		referrer: []string{"no-referrer"},
		cache:    []string{"no-cache"},
	}
	foreign = http.NewCrossOriginProtection()
)

// payPage shows where the payment stands.
func (c *call) payPage() reply {
	v, p, ok := c.look()
	if !ok {
		return p
	}
	return c.render(http.StatusOK, v)
}

// look reads the payment, or answers with a page that says why not.
func (c *call) look() (*payView, reply, bool) {
	w := wordsFor(c.r)
	id := c.r.PathValue("id")
	if _, err := ident.Parse(ident.Payment, id); err != nil {
		return nil, c.notice(bankapi.NotFound, w.unknown, w), false
	}
	p, err := c.store().Payment(c.ctx(), id)
	if errors.Is(err, bank.ErrNoRow) {
		return nil, c.notice(bankapi.NotFound, w.unknown, w), false
	}
	if err != nil {
		c.readFailed(err) // for its log line
		return nil, c.notice(bankapi.Unavailable, w.later, w), false
	}
	v := c.h.payView(c.ctx(), &p, w)
	return v, reply{}, true
}

// payConfirm takes the code. What went right, or for good wrong, is told by the
// page itself, to which the browser is sent; so that a reload posts nothing.
func (c *call) payConfirm() reply {
	form, p, ok := c.form()
	if !ok {
		return p
	}
	return c.act(bank.ConfirmPayment{Payment: c.r.PathValue("id"), Code: form.Get("code")})
}

func (c *call) payResend() reply {
	if _, p, ok := c.form(); !ok {
		return p
	}
	return c.act(bank.ResendCode{Payment: c.r.PathValue("id")})
}

func (c *call) payCancel() reply {
	if _, p, ok := c.form(); !ok {
		return p
	}
	return c.act(bank.CancelPayment{Payment: c.r.PathValue("id")})
}

// act does an op for the payer, and shows the page with what came of it.
func (c *call) act(op bank.Op) reply {
	c.actor = bank.Payer
	a := c.do(op)
	v, p, ok := c.look()
	switch {
	case !ok:
		return p
	case a.OK() || v.Ended || a.Reason == bankapi.WrongState:
		return reply{status: http.StatusSeeOther, location: v.Self, headers: pageHeaders}
	}
	v.Error = v.W.refusal(a, v)
	page := c.render(a.Reason.Status(), v)
	page.retryAfter = a.RetryAfter
	return page
}

// form reads a posted form, if it comes from the page itself.
func (c *call) form() (url.Values, reply, bool) {
	w := wordsFor(c.r)
	if err := foreign.Check(c.r); err != nil {
		return nil, c.notice(bankapi.Forbidden, w.foreign, w), false
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, c.notice(bankapi.UnsupportedMedia, w.unreadable, w), false
	}
	if c.r.ContentLength > formMax {
		c.w.Header().Set("Connection", "close")
		return nil, c.notice(bankapi.TooLarge, w.unreadable, w), false
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, formMax))
	defer clear(body)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, c.notice(bankapi.TooLarge, w.unreadable, w), false
	}
	form, parseErr := url.ParseQuery(string(body))
	if err != nil || parseErr != nil {
		return nil, c.notice(bankapi.Malformed, w.unreadable, w), false
	}
	return form, reply{}, true
}

// render writes the page.
func (c *call) render(status int, v *payView) reply {
	v.Bank = c.h.c.Name
	var out bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&out, "pay", v); err != nil {
		panic(err)
	}
	return reply{status: status, kind: kindHTML, body: out.Bytes(), headers: pageHeaders}
}

// notice is a page for when there is no payment to show.
func (c *call) notice(r bankapi.Reason, text string, w *words) reply {
	var out bytes.Buffer
	v := payView{W: w, Bank: c.h.c.Name, Title: w.notice, Text: text}
	if err := pageTemplates.ExecuteTemplate(&out, "notice", &v); err != nil {
		panic(err)
	}
	return reply{status: r.Status(), kind: kindHTML, body: out.Bytes(), headers: pageHeaders}
}

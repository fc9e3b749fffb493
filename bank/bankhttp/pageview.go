package bankhttp

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/money"
)

//go:embed static
var static embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{"asset": assetURL}).ParseFS(static, "static/*.html"))

// payView is what the code page shows.
type payView struct {
	W    *words
	Bank string
	Self string // the page's own address, with its language

	Title, Text string // of a page at its end, or of a notice

	Currency, Number           string // the amount, in the form that the card shows
	Payee, Platform            string
	Order, Description         string
	CardStart, CardEnd         string
	ID, State                  string // State changes whenever the page does
	Delivery, Status           string
	Ended                      bool
	Tone                       string // of the end: good, bad or calm
	Digits, Left, SecondsLeft  int
	Warn                       bool // few attempts are left
	Error, ReturnURL, Merchant string
}

// Amount is the whole amount as one text.
func (v *payView) Amount() string { return v.Currency + " " + v.Number }

// Long reports whether the amount needs smaller figures.
func (v *payView) Long() bool { return len(v.Number) > 9 }

// Path is the payment's address without a query.
func (v *payView) Path() string { return "/pay/" + v.ID }

// Query keeps the chosen language on forms.
func (v *payView) Query() string { return "?lang=" + v.W.Lang }

// Clock is the time left, as minutes and seconds.
func (v *payView) Clock() string { return fmt.Sprintf("%d:%02d", v.SecondsLeft/60, v.SecondsLeft%60) }

func (h *Handler) payView(ctx context.Context, row *bank.Payment, w *words) *payView {
	p := h.paymentView(row)
	currency, number, _ := strings.Cut(money.Amount{Minor: p.Amount, Currency: money.Currency(p.Currency)}.String(), " ")
	policy := h.c.Bank.Policy()
	v := &payView{
		W: w, Currency: currency, Number: number, Payee: p.Payee, Order: p.Order, Description: p.Description,
		ID: p.ID, Delivery: string(p.Delivery), ReturnURL: p.ReturnURL, Left: p.AttemptsLeft, Digits: policy.CodeDigits(p.Amount, money.Currency(p.Currency)),
		Warn:        p.AttemptsLeft < int(policy.AttemptsMax),
		SecondsLeft: int(max(0, (int64(p.ExpiresAt)-h.c.Now().UnixMilli()+999)/1000)),
	}
	if n := len(p.CardNumber); n > 10 {
		v.CardStart, v.CardEnd = p.CardNumber[:6], p.CardNumber[n-4:]
	}
	if m, err := h.c.Bank.Store().Merchant(ctx, p.Merchant); err == nil {
		v.Merchant = m.Name
		if m.Name != p.Payee {
			v.Platform = m.Name
		}
	}
	v.Self = v.Path() + v.Query()
	v.end(p)
	v.Status = w.delivery[p.Delivery]
	v.State = stateOf(p)
	return v
}

// stateOf is a text that changes whenever the page has something new to show.
func stateOf(p bankapi.Payment) string {
	return fmt.Sprintf("%s %s %d %d", p.Status, p.Delivery, p.AttemptsLeft, p.ExpiresAt)
}

// end tells how the payment ended, if it has. The time may be over before the
// bank has swept it up.
func (v *payView) end(p bankapi.Payment) {
	status := p.Status
	if status == bankapi.AwaitingCode {
		if v.SecondsLeft > 0 {
			return
		}
		status = bankapi.Expired
	}
	v.Ended, v.Tone = true, v.W.ended[status].tone
	v.Title = v.W.ended[status].title
	v.Text = strings.NewReplacer("{amount}", v.Amount(), "{payee}", v.Payee).Replace(v.W.ended[status].text)
	if why := v.W.declined[p.Reason]; status == bankapi.Declined && why != "" {
		v.Text = why
	}
}

// asset serves the page's style, script and pictures. Their addresses hold
// their digests, so that browsers may keep them.
func (c *call) asset() reply {
	name := c.r.PathValue("file")
	kind, ok := map[string]string{
		"page.css": "text/css; charset=utf-8", "docs.css": "text/css; charset=utf-8",
		"page.js": "text/javascript; charset=utf-8", "mark.svg": "image/svg+xml",
	}[name]
	if !ok {
		return replyOf(refuse(bankapi.NotFound, ""), 0)
	}
	body, err := static.ReadFile("static/" + name)
	if err != nil {
		panic(err)
	}
	h := docsHeaders
	if c.r.URL.Query().Get("v") == digestOf(body) {
		h.cache = []string{"public, max-age=31536000, immutable"}
	}
	return reply{status: http.StatusOK, kind: kind, body: body, headers: h}
}

// assetURL is where a file of static is served.
func assetURL(name string) (string, error) {
	body, err := static.ReadFile("static/" + name)
	if err != nil {
		return "", err
	}
	return "/assets/" + name + "?v=" + digestOf(body), nil
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

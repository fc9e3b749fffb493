package bankhttp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"sotto/bank/bankhttp/browsertest"
	"sotto/bankapi"
)

const returnURL = "http://127.0.0.1:1/orders/A-1001"

// order is a payment with everything that the page can show.
func (w *world) order(amount int64) bankapi.Payment {
	w.t.Helper()
	r := w.request(amount)
	r.ReturnURL = returnURL
	var p bankapi.Payment
	w.must(201, w.shop, "/v1/payments", r, &p)
	return p
}

// delivery waits until the picture shows a step.
func delivery(d bankapi.Delivery) chromedp.CSS {
	return chromedp.CSS(fmt.Sprintf("#journey[data-delivery=%s]", d))
}

func TestTheCodePage(t *testing.T) {
	b := browsertest.New(t)
	for name, test := range map[string]func(*world, *browsertest.Browser){
		"follows the code and takes it":      (*world).followsTheCode,
		"tells of a wrong code, and of five": (*world).tellsOfAWrongCode,
		"ends when the payment does":         (*world).endsWithThePayment,
		"resends and cancels":                (*world).resendsAndCancels,
		"speaks Chinese, and in the dark":    (*world).speaksChinese,
		"works without script":               (*world).worksWithoutScript,
		"has documents beside it":            (*world).hasDocuments,
		"fits a small phone":                 (*world).fitsASmallPhone,
	} {
		t.Run(name, func(t *testing.T) { test(newWorld(t), b) })
	}
}

func (w *world) followsTheCode(b *browsertest.Browser) {
	t := w.t
	p := w.order(12_800)
	tab := b.Page(t, p.CodeURL, browsertest.Size(480, 900))
	if got, want := tab.Text(".amount"), "CNY 128.00"; strings.Join(strings.Fields(got), " ") != want {
		t.Errorf("got amount %q, want %q", got, want)
	}
	if got := tab.Text(".facts"); !strings.Contains(got, "Tea House") || !strings.Contains(got, "A-1001") {
		t.Errorf("got facts %q", got)
	}
	tab.Await(delivery(bankapi.DeliverySending))
	tab.Shot("1-sending")
	browsertest.Eval[bool](tab, "window.sameDocument = true")
	tab.Type("#code", "12") // half typed when the page changes
	w.hub.Arrived(w.dispatched(p.ID).ID)
	tab.Await(delivery(bankapi.DeliveryOnPhone))
	tab.Shot("2-on-phone")
	w.shows(p.ID)
	tab.Await(delivery(bankapi.DeliveryOnCard))
	if got := tab.Text("#status"); got != "The code is on your card." {
		t.Errorf("got status %q", got)
	}
	if !browsertest.Eval[bool](tab, `window.sameDocument && document.getElementById("code").value === "12"`) {
		t.Error("the page was loaded anew, or what was typed is gone")
	}
	tab.Shot("3-on-card")
	code := w.code(p.ID)
	browsertest.Eval[string](tab, `document.getElementById("code").value = ""`)
	tab.Type("#code", code[:3]+" "+code[3:]+"\r")
	if got := tab.Text("#outcome"); got != "Paid" {
		t.Errorf("got outcome %q", got)
	}
	if got := browsertest.Eval[string](tab, `document.querySelector("a.pay").href`); got != returnURL {
		t.Errorf("the way back leads to %q", got)
	}
	tab.Shot("4-paid")
	if got := w.balance(w.customer); got != 10_000_000-12_800 {
		t.Errorf("got balance %d", got)
	}
}

func (w *world) tellsOfAWrongCode(b *browsertest.Browser) {
	t := w.t
	p := w.order(1_234_500)
	w.shows(p.ID)
	tab := b.Page(t, p.CodeURL, browsertest.Size(480, 900), browsertest.Quiet())
	if got := tab.Text("#hint"); !strings.HasPrefix(got, "8 digits") {
		t.Errorf("got hint %q", got)
	}
	tab.Type("#code", w.wrong(p.ID)+"\r")
	if got, want := tab.Text("#error"), "4 attempts left"; !strings.Contains(got, want) {
		t.Errorf("got error %q, want %q", got, want)
	}
	for what, expression := range map[string]string{
		"the focus is on the input":  `document.activeElement.id === "code"`,
		"the error is read with it":  `document.getElementById("code").getAttribute("aria-describedby") === "hint error"`,
		"the error is in view":       `document.getElementById("error").getBoundingClientRect().bottom < innerHeight`,
		"the code is not kept":       `document.getElementById("code").value === ""`,
		"the input is named invalid": `document.getElementById("code").getAttribute("aria-invalid") === "true"`,
	} {
		if !browsertest.Eval[bool](tab, expression) {
			t.Errorf("it is not so that %s", what)
		}
	}
	tab.Shot("wrong-code")
	for left := 3; left > 0; left-- {
		tab.Type("#code", w.wrong(p.ID)+"\r")
		tab.Await(chromedp.CSS(fmt.Sprintf(`#page[data-state*=" %d "]`, left)))
	}
	if got := tab.Text("#error"); !strings.Contains(got, "1 attempt left") {
		t.Errorf("got error %q", got)
	}
	tab.Type("#code", w.wrong(p.ID)+"\r")
	if got := tab.Text("#outcome"); got != "Declined" {
		t.Errorf("got outcome %q", got)
	}
	tab.Shot("declined")
}

func (w *world) endsWithThePayment(b *browsertest.Browser) {
	t := w.t
	p := w.order(500)
	tab := b.Page(t, p.CodeURL, browsertest.Size(480, 900))
	w.must(200, w.shop, "/v1/payments/"+p.ID+"/cancel", nil, nil)
	if got := tab.Text("#outcome"); got != "Cancelled" {
		t.Errorf("got outcome %q", got)
	}
	if got := browsertest.Eval[string](tab, "document.activeElement.id"); got != "outcome" {
		t.Errorf("the focus is on %q", got)
	}
	tab.Shot("canceled")
	if got := b.Page(t, w.url+"/pay/pay_01JD3ZC5T8Y2M6V1R9K4Q7N3WF", browsertest.Quiet()).Text("h1"); got != "There is nothing to pay here" {
		t.Errorf("an unknown payment: %q", got)
	}
}

func (w *world) resendsAndCancels(b *browsertest.Browser) {
	t := w.t
	p := w.order(500)
	old := w.code(p.ID)
	w.shows(p.ID)
	tab := b.Page(t, p.CodeURL, browsertest.Size(480, 900))
	tab.Await(delivery(bankapi.DeliveryOnCard))
	tab.Click(`form[action*="/resend"] button`)
	tab.Await(delivery(bankapi.DeliverySending))
	if w.code(p.ID) == old {
		t.Error("the new code is the old one")
	}
	tab.Click(`form[action*="/cancel"] button`)
	if got := tab.Text("#outcome"); got != "Cancelled" {
		t.Errorf("got outcome %q", got)
	}
}

func (w *world) speaksChinese(b *browsertest.Browser) {
	t := w.t
	p := w.order(12_800)
	w.shows(p.ID)
	tab := b.Page(t, p.CodeURL, browsertest.Size(480, 900), browsertest.Language("zh-CN,zh;q=0.9,en;q=0.8"),
		browsertest.Media("prefers-color-scheme", "dark"))
	if got := browsertest.Eval[string](tab, "document.documentElement.lang"); got != "zh" {
		t.Errorf("got language %q", got)
	}
	if got := tab.Text("#status"); got != "验证码已显示在您的卡片上。" {
		t.Errorf("got status %q", got)
	}
	tab.Shot("chinese-dark")
	for _, scheme := range []string{"dark", "light"} {
		for _, path := range []string{p.CodeURL, w.url + "/docs"} {
			seen := b.Page(t, path, browsertest.Media("prefers-color-scheme", scheme))
			if texts := browsertest.Eval[[]string](seen, faint); len(texts) > 0 {
				t.Errorf("%s in the %s: %q", path, scheme, texts)
			}
		}
	}
	tab.Click("a.language")
	tab.Await(`html[lang=en]`)
	tab.Shot("english-dark")
}

func (w *world) worksWithoutScript(b *browsertest.Browser) {
	t := w.t
	p := w.order(12_800)
	tab := b.Page(t, p.CodeURL, browsertest.Size(480, 900), browsertest.NoScript(), browsertest.Quiet())
	tab.Await(delivery(bankapi.DeliverySending))
	w.shows(p.ID)
	tab.Click(".refresh a")
	tab.Await(delivery(bankapi.DeliveryOnCard))
	tab.Shot("no-script")
	tab.Type("#code", w.wrong(p.ID))
	tab.Click("button.pay")
	tab.Await("#error")
	tab.Type("#code", w.code(p.ID))
	tab.Click("button.pay")
	if got := tab.Text("#outcome"); got != "Paid" {
		t.Errorf("got outcome %q", got)
	}
}

func (w *world) fitsASmallPhone(b *browsertest.Browser) {
	t := w.t
	r := w.request(999_999_999_999)
	r.Payee = strings.Repeat("Ausgesprochen", 6) + " langer Name"
	r.Order, r.ReturnURL = strings.Repeat("9", 64), returnURL
	var p bankapi.Payment
	w.must(201, w.shop, "/v1/payments", r, &p)
	w.shows(p.ID)
	tab := b.Page(t, p.CodeURL+"?lang=en", browsertest.Size(320, 640))
	if got := browsertest.Eval[int](tab, "document.scrollingElement.scrollWidth"); got > 320 {
		t.Errorf("the page is %d px wide", got)
	}
	tab.Shot("320px")
	if small := browsertest.Eval[[]string](tab, smallTargets); len(small) > 0 {
		t.Errorf("targets below 24 by 24 px: %v", small)
	}
}

// faint finds texts whose contrast with what lies behind them is below 4.5
// (WCAG 2.2, 1.4.3).
const faint = `(() => {
	const rgb = (c) => c.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
		.map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const behind = (e) => { const c = rgb(getComputedStyle(e).backgroundColor); return c[3] === 0 ? behind(e.parentElement) : c; };
	const contrast = (a, b) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
	return [...document.querySelectorAll("body *:not(svg *)")]
		.filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
		.map((e) => [contrast(light(rgb(getComputedStyle(e).color)), light(behind(e))), e.textContent.trim()])
		.filter(([c]) => c < 4.5).map(([c, text]) => c.toFixed(2) + " " + text);
})()`

// smallTargets finds what WCAG 2.2, 2.5.8 calls too small.
const smallTargets = `[...document.querySelectorAll("a, button, input")]
	.filter((e) => { const r = e.getBoundingClientRect(); return r.width && (r.width < 24 || r.height < 24); })
	.map((e) => e.outerHTML)`

func (w *world) hasDocuments(b *browsertest.Browser) {
	t := w.t
	tab := b.Page(t, w.url+"/docs", browsertest.Size(1280, 900))
	if got := tab.Text("h1"); got != "The API of Test Bank" {
		t.Errorf("got %q", got)
	}
	tab.Click(`#createPayment summary`)
	tab.Do(chromedp.ScrollIntoView(chromedp.CSS("#createPayment")))
	if got := tab.Text("#createPayment pre"); !strings.Contains(got, w.url+"/v1/payments") {
		t.Errorf("got example %q", got)
	}
	tab.Glance("docs")
	small := b.Page(t, w.url+"/docs", browsertest.Size(320, 640))
	if got := browsertest.Eval[int](small, "document.scrollingElement.scrollWidth"); got > 320 {
		t.Errorf("the documents are %d px wide", got)
	}
}

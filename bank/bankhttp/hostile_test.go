package bankhttp_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"sotto/bankapi"
)

// snapshot is all of the ledger and the payments, to see that nothing changed.
func (w *world) snapshot() string {
	w.t.Helper()
	var all strings.Builder
	for _, path := range []string{"accounts", "transfers", "cards", "phones", "bindings", "payments", "merchants", "webhooks", "applets", "loads", "batches"} {
		all.Write(w.get(w.issuer, "/v1/"+path+"?limit=100", nil).body)
	}
	return all.String()
}

func TestHostileBodiesGetOneClearProblem(t *testing.T) {
	w := newWorld(t)
	payment := w.pay(700)
	before := w.snapshot()
	good := func(extra string) string {
		return fmt.Sprintf(`{"card":%q,"amount":100,"currency":"CNY"%s}`, w.card.ID, extra)
	}
	amount := func(n string) string { return fmt.Sprintf(`{"card":%q,"amount":%s,"currency":"CNY"}`, w.card.ID, n) }
	currency := func(c string) string { return fmt.Sprintf(`{"card":%q,"amount":100,"currency":%q}`, w.card.ID, c) }
	for name, c := range map[string]struct {
		body   string
		reason bankapi.Reason
		field  string
	}{
		"truncated":              {`{"card":"` + w.card.ID + `","amount":1`, bankapi.Malformed, ""},
		"empty":                  {"", bankapi.Malformed, ""},
		"white space":            {"  ", bankapi.Malformed, ""},
		"no JSON":                {"card=1", bankapi.Malformed, ""},
		"two objects":            {good("") + good(""), bankapi.Malformed, ""},
		"garbage behind":         {good("") + "x", bankapi.Malformed, ""},
		"array":                  {"[" + good("") + "]", bankapi.Invalid, ""},
		"null":                   {"null", bankapi.Invalid, ""},
		"number":                 {"1", bankapi.Invalid, ""},
		"unknown field":          {good(`,"tip":1`), bankapi.Invalid, "tip"},
		"unknown, like a number": {good(`,"` + testPAN + `":1`), bankapi.Invalid, ""},
		"other case":             {good(`,"Amount":1`), bankapi.Invalid, ""},
		"escaped name":           {good(`,"\u0061mount":1`), bankapi.Invalid, ""},
		"twice":                  {good(`,"amount":1`), bankapi.Invalid, "amount"},
		"text for amount":        {amount(`"100"`), bankapi.Invalid, "amount"},
		"object for amount":      {amount(`{"amount":1}`), bankapi.Invalid, "amount"},
		"list for amount":        {amount(`[1]`), bankapi.Invalid, "amount"},
		"true for amount":        {amount(`true`), bankapi.Invalid, "amount"},
		"null for amount":        {amount(`null`), bankapi.Invalid, "amount"},
		"fraction":               {amount(`1.5`), bankapi.Invalid, "amount"},
		"whole fraction":         {amount(`1.0`), bankapi.Invalid, "amount"},
		"exponent":               {amount(`1e2`), bankapi.Invalid, "amount"},
		"1e400":                  {amount(`1e400`), bankapi.Invalid, "amount"},
		"2^63":                   {amount(`9223372036854775808`), bankapi.Invalid, "amount"},
		"2^63-1":                 {amount(`9223372036854775807`), bankapi.Invalid, "amount"},
		"13 digits":              {amount(`1000000000000`), bankapi.Invalid, "amount"},
		"zero":                   {amount(`0`), bankapi.Invalid, "amount"},
		"minus zero":             {amount(`-0`), bankapi.Invalid, "amount"},
		"negative":               {amount(`-1`), bankapi.Invalid, "amount"},
		"NaN":                    {amount(`NaN`), bankapi.Malformed, ""},
		"leading zero":           {amount(`01`), bankapi.Malformed, ""},
		"gold":                   {currency("XAU"), bankapi.Invalid, "currency"},
		"no currency":            {currency("XXX"), bankapi.Invalid, "currency"},
		"small letters":          {currency("cny"), bankapi.Invalid, "currency"},
		"yen of a yuan card":     {currency("JPY"), bankapi.Invalid, "currency"},
		"deep nesting":           {strings.Repeat(`{"card":`, 8000), bankapi.Malformed, ""},
		"deeper lists":           {strings.Repeat("[", 60_000), bankapi.Malformed, ""},
		"deep and whole":         {good(`,"payee":` + strings.Repeat("[", 500) + strings.Repeat("]", 500)), bankapi.Invalid, "payee"},
		"no UTF-8":               {good(`,"payee":"` + "\xff\xfe" + `"`), bankapi.Malformed, ""},
		"half a character":       {good(`,"payee":"\ud83d"`), bankapi.Malformed, ""},
		"its other half":         {good(`,"payee":"\ude00"`), bankapi.Malformed, ""},
		"control in payee":       {good(`,"payee":"a\u0000b"`), bankapi.Invalid, "payee"},
		"bidi in payee":          {good(`,"payee":"a\u202eb"`), bankapi.Invalid, "payee"},
		"long payee":             {good(`,"payee":"` + strings.Repeat("x", 201) + `"`), bankapi.Invalid, "payee"},
		"javascript URL":         {good(`,"return_url":"javascript:alert(1)"`), bankapi.Invalid, "return_url"},
		"URL with a user":        {good(`,"return_url":"https://a:b@c/"`), bankapi.Invalid, "return_url"},
		"NUL in the card":        {`{"card":"card_\u0000","amount":100,"currency":"CNY"}`, bankapi.Invalid, "card"},
		"other id as card":       {fmt.Sprintf(`{"card":%q,"amount":100,"currency":"CNY"}`, w.customer), bankapi.Invalid, "card"},
		"70 KB":                  {good(`,"payee":"` + strings.Repeat("x", 70<<10) + `"`), bankapi.TooLarge, ""},
		"10 MB":                  {strings.Repeat("x", 10<<20), bankapi.TooLarge, ""},
	} {
		r := w.ask("POST", "/v1/payments", w.shop, strings.NewReader(c.body))
		got := r.problem(t)
		if got.Reason() != c.reason || got.Field != c.field {
			t.Errorf("%s: got %s, want %s %s", name, r.body, c.reason, c.field)
		}
	}
	if after := w.snapshot(); after != before {
		t.Errorf("something has changed: before\n%s\nafter\n%s", before, after)
	}
	w.wantsNoSecrets(w.code(payment.ID))
}

// What may be left out is not nothing when it is there: 0 and null do not mean
// "all of it".
func TestNothingIsNotAll(t *testing.T) {
	w := newWorld(t)
	paid, held := w.pay(700), bankapi.Payment{}
	w.must(200, w.shop, "/v1/payments/"+paid.ID+"/confirm", bankapi.Confirm{Code: w.code(paid.ID)}, nil)
	later := w.request(900)
	later.Capture = bankapi.CaptureManual
	w.must(201, w.shop, "/v1/payments", later, &held)
	w.must(200, w.shop, "/v1/payments/"+held.ID+"/confirm", bankapi.Confirm{Code: w.code(held.ID)}, nil)
	before := w.snapshot()
	for _, path := range []string{paid.ID + "/refund", held.ID + "/capture"} {
		for _, amount := range []string{"0", "-0", "-1", "null", "0.0", "0e1", `"0"`, "[]", "9223372036854775808", "901"} {
			r := w.ask("POST", "/v1/payments/"+path, w.shop, strings.NewReader(`{"amount":`+amount+`}`))
			if got := r.problem(t); got.Reason() != bankapi.Invalid || got.Field != "amount" {
				t.Errorf("%s of %s: got %s", path, amount, r.body)
			}
		}
	}
	if after := w.snapshot(); after != before {
		t.Errorf("something has changed: before\n%s\nafter\n%s", before, after)
	}
}

// wantsNoSecrets looks for marked values in all that the bank has logged.
func (w *world) wantsNoSecrets(codes ...string) {
	w.t.Helper()
	log := w.log.String()
	if !strings.Contains(log, "msg=request") {
		w.t.Error("the log was not looked at: it has no requests")
	}
	for _, s := range append(codes, testPAN, poorPAN, pursePAN, accountPAN, w.issuer, w.shop, w.issuer[30:], w.shop[30:], "Tea House", "Green tea", "whsec_", "sotto1.") {
		if strings.Contains(log, s) {
			w.t.Errorf("the log has %q in it", s)
		}
	}
}

func TestPANsOfEveryLength(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 25; n++ {
		for _, path := range []string{"/v1/payments", "/v1/cards"} {
			pan := strings.Repeat("6", n)
			key, body := w.shop, fmt.Sprintf(`{"card":%q,"amount":100,"currency":"CNY"}`, pan)
			field := "card"
			if path == "/v1/cards" {
				key, field = w.issuer, "pan"
				body = fmt.Sprintf(`{"account":%q,"pan":%q,"holder":"X"}`, w.customer, pan+"x")
			}
			r := w.ask("POST", path, key, strings.NewReader(body))
			if got := r.problem(t); got.Reason() != bankapi.Invalid || got.Field != field || strings.Contains(string(r.body), pan+"6") {
				t.Errorf("%d digits to %s: %s", n, path, r.body)
			}
			if n > 3 && strings.Contains(string(r.body)+w.log.String(), pan) {
				t.Errorf("%d digits were repeated", n)
			}
		}
	}
	var p bankapi.Payment
	r := w.must(201, w.shop, "/v1/payments", bankapi.CreatePayment{Card: testPAN, Amount: 100, Currency: "CNY"}, &p)
	if p.Card != w.card.ID || bytes.Contains(r.body, []byte(testPAN)) {
		t.Errorf("by PAN: %s", r.body)
	}
	w.wantsNoSecrets()
}

func TestAMerchantOfOneCurrencyPaysInIt(t *testing.T) {
	w := newWorld(t)
	var m bankapi.Merchant
	if r := w.post(w.issuer, "/v1/merchants", bankapi.CreateMerchant{Name: "Gold", Currency: "XAU"}); r.problem(t).Field != "currency" {
		t.Errorf("gold: %s", r.body)
	}
	w.must(201, w.issuer, "/v1/merchants", bankapi.CreateMerchant{Name: "茶屋", Currency: "JPY"}, &m)
}

func TestHostileHeaders(t *testing.T) {
	w := newWorld(t)
	body := func() io.Reader { return strings.NewReader("{}") }
	path := "/v1/payments"
	for name, c := range map[string]struct {
		method, path, key string
		header            []string
		want              bankapi.Reason
	}{
		"no media type":    {"POST", path, w.shop, []string{"Content-Type", ""}, bankapi.UnsupportedMedia},
		"a form":           {"POST", path, w.shop, []string{"Content-Type", "application/x-www-form-urlencoded"}, bankapi.UnsupportedMedia},
		"other charset":    {"POST", path, w.shop, []string{"Content-Type", "application/json; charset=gbk"}, bankapi.UnsupportedMedia},
		"broken type":      {"POST", path, w.shop, []string{"Content-Type", "application/json; x"}, bankapi.UnsupportedMedia},
		"compressed":       {"POST", path, w.shop, []string{"Content-Encoding", "gzip"}, bankapi.UnsupportedMedia},
		"space in key":     {"POST", path, w.shop, []string{"Idempotency-Key", "a b"}, bankapi.Invalid},
		"empty key":        {"POST", path, w.shop, []string{"Idempotency-Key", ""}, bankapi.Invalid},
		"long key":         {"POST", path, w.shop, []string{"Idempotency-Key", strings.Repeat("k", 256)}, bankapi.Invalid},
		"letters in key":   {"POST", path, w.shop, []string{"Idempotency-Key", "schlüssel"}, bankapi.Invalid},
		"basic auth":       {"POST", path, "", []string{"Authorization", "Basic YTpi"}, bankapi.Unauthenticated},
		"bearer nothing":   {"POST", path, "", []string{"Authorization", "Bearer "}, bankapi.Unauthenticated},
		"key with a tail":  {"POST", path, w.shop + "0", nil, bankapi.Unauthenticated},
		"wrong method":     {"PUT", path, w.shop, nil, bankapi.MethodNotAllowed},
		"unknown method":   {"BREW", path, w.shop, nil, bankapi.MethodNotAllowed},
		"delete a payment": {"DELETE", path + "/pay_1", w.shop, nil, bankapi.MethodNotAllowed},
		"unknown path":     {"POST", "/v1/nothing", w.shop, nil, bankapi.NotFound},
		"path above":       {"POST", "/v1/../v1/payments", w.shop, nil, bankapi.NotFound},
		"double slash":     {"POST", "//v1/payments", w.shop, nil, bankapi.NotFound},
		"slash at the end": {"POST", "/v1/payments/", w.shop, nil, bankapi.NotFound},
		"id that is none":  {"POST", path + "/x/cancel", w.shop, nil, bankapi.NotFound},
		"id with a NUL":    {"POST", path + "/pay_%00/cancel", w.shop, nil, bankapi.NotFound},
		"id of another":    {"POST", path + "/" + w.card.ID + "/cancel", w.shop, nil, bankapi.NotFound},
		"id of nothing":    {"POST", path + "/pay_01JD3ZC5T8Y2M6V1R9K4Q7N3WF/cancel", w.shop, nil, bankapi.NotFound},
	} {
		r := w.ask(c.method, c.path, c.key, body(), c.header...)
		if got := r.problem(t).Reason(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, r.body, c.want)
		}
		for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Cache-Control", "Referrer-Policy"} {
			if r.Header.Get(h) == "" {
				t.Errorf("%s: no %s", name, h)
			}
		}
	}
	if got := w.ask("PUT", path, "", nil).Header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("got Allow %q", got)
	}
	w.wantsNoSecrets()
}

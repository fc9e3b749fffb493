package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/pos"
	"sotto/secret"
)

// A terminal may take a client for its bank.
var _ pos.Acquirer = (*client.Client)(nil)

var apiKey = secret.New([]byte("sk_marked_key"))

// reply is what a request is answered with.
type reply struct {
	status int
	kind   string
	body   string
	header map[string]string
	err    error
}

// transport answers requests without a network.
type transport func(*http.Request) reply

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	one := f(r)
	if one.err != nil {
		return nil, one.err
	}
	h := http.Header{"Content-Type": {one.kind}}
	for k, v := range one.header {
		h.Set(k, v)
	}
	return &http.Response{StatusCode: one.status, Header: h, Body: io.NopCloser(strings.NewReader(one.body))}, nil
}

// object is a right answer.
func object(json string) reply { return reply{status: 200, kind: "application/json", body: json} }

func problem(p *bankapi.Problem) reply {
	b, err := json.Marshal(p)
	if err != nil {
		return reply{err: err}
	}
	return reply{status: p.Status, kind: "application/problem+json", body: string(b)}
}

func newClient(t *testing.T, f transport, o ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New("https://bank.example/base/", apiKey, append([]client.Option{client.Transport(f)}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every method asks for what its endpoint is, and no endpoint of the bank is
// without a method.
func TestEndpoints(t *testing.T) {
	key := client.IdempotencyKey("k-1")
	page := client.Page{Limit: 7, Cursor: "cur"}
	ctx := t.Context()
	calls := []struct {
		want string // method, path, query, body
		do   func(c *client.Client) (any, error)
	}{
		{`POST /v1/payments  {"card":"card_1","amount":5,"currency":"CNY"}`, func(c *client.Client) (any, error) {
			return c.CreatePayment(ctx, bankapi.CreatePayment{Card: "card_1", Amount: 5, Currency: "CNY"}, key)
		}},
		{`GET /v1/payments cursor=cur&limit=7 `, func(c *client.Client) (any, error) { return c.Payments(ctx, page) }},
		{`GET /v1/payments/x  `, func(c *client.Client) (any, error) { return c.Payment(ctx, "x") }},
		{`POST /v1/payments/x/confirm  {"code":"123456"}`, func(c *client.Client) (any, error) {
			return c.ConfirmPayment(ctx, "x", bankapi.Confirm{Code: "123456"}, key)
		}},
		{`POST /v1/payments/x/cancel  `, func(c *client.Client) (any, error) { return c.CancelPayment(ctx, "x", key) }},
		{`POST /v1/payments/x/resend  `, func(c *client.Client) (any, error) { return c.ResendPayment(ctx, "x", key) }},
		{`POST /v1/payments/x/capture  {"amount":3}`, func(c *client.Client) (any, error) {
			return c.CapturePayment(ctx, "x", bankapi.Capture{Amount: 3}, key)
		}},
		{`POST /v1/payments/x/refund  {}`, func(c *client.Client) (any, error) { return c.RefundPayment(ctx, "x", bankapi.RefundPayment{}, key) }},
		{`POST /v1/merchants  {"name":"Tea","currency":"CNY"}`, func(c *client.Client) (any, error) {
			return c.CreateMerchant(ctx, bankapi.CreateMerchant{Name: "Tea", Currency: "CNY"}, key)
		}},
		{`GET /v1/merchants  `, func(c *client.Client) (any, error) { return c.Merchants(ctx, client.Page{}) }},
		{`GET /v1/merchants/x  `, func(c *client.Client) (any, error) { return c.Merchant(ctx, "x") }},
		{`POST /v1/merchants/x/keys  `, func(c *client.Client) (any, error) { return c.CreateKey(ctx, "x", key) }},
		{`DELETE /v1/keys/x  `, func(c *client.Client) (any, error) { return c.RevokeKey(ctx, "x", key) }},
		{`POST /v1/accounts  {"name":"a","kind":"customer","currency":"CNY"}`, func(c *client.Client) (any, error) {
			return c.CreateAccount(ctx, bankapi.CreateAccount{Name: "a", Kind: bankapi.AccountCustomer, Currency: "CNY"}, key)
		}},
		{`GET /v1/accounts cursor=cur&limit=7 `, func(c *client.Client) (any, error) { return c.Accounts(ctx, page) }},
		{`GET /v1/accounts/x  `, func(c *client.Client) (any, error) { return c.Account(ctx, "x") }},
		{`POST /v1/transfers  {"debit":"a","credit":"b","amount":1,"currency":"CNY"}`, func(c *client.Client) (any, error) {
			return c.CreateTransfer(ctx, bankapi.CreateTransfer{Debit: "a", Credit: "b", Amount: 1, Currency: "CNY"}, key)
		}},
		{`GET /v1/transfers account=acct_1&cursor=cur&limit=7 `, func(c *client.Client) (any, error) { return c.Transfers(ctx, "acct_1", page) }},
		{`GET /v1/transfers/x  `, func(c *client.Client) (any, error) { return c.Transfer(ctx, "x") }},
		{`POST /v1/cards  {"account":"a","pan":"6217000000000001","holder":"LIN MEI"}`, func(c *client.Client) (any, error) {
			return c.IssueCard(ctx, bankapi.IssueCard{Account: "a", PAN: "6217000000000001", Holder: "LIN MEI"}, key)
		}},
		{`GET /v1/cards  `, func(c *client.Client) (any, error) { return c.Cards(ctx, client.Page{}) }},
		{`GET /v1/cards/x  `, func(c *client.Client) (any, error) { return c.Card(ctx, "x") }},
		{`POST /v1/cards/x/block  `, func(c *client.Client) (any, error) { return c.BlockCard(ctx, "x", key) }},
		{`POST /v1/cards/x/unblock  `, func(c *client.Client) (any, error) { return c.UnblockCard(ctx, "x", key) }},
		{`POST /v1/cards/x/personalization  {"recipient":"age1"}`, func(c *client.Client) (any, error) {
			return c.PersonalizeCard(ctx, "x", bankapi.Personalize{Recipient: "age1"}, key)
		}},
		{`POST /v1/phones  {"name":"Mei's"}`, func(c *client.Client) (any, error) {
			return c.InvitePhone(ctx, bankapi.InvitePhone{Name: "Mei's"}, key)
		}},
		{`GET /v1/phones  `, func(c *client.Client) (any, error) { return c.Phones(ctx, client.Page{}) }},
		{`GET /v1/phones/x  `, func(c *client.Client) (any, error) { return c.Phone(ctx, "x") }},
		{`POST /v1/phones/x/revoke  `, func(c *client.Client) (any, error) { return c.RevokePhone(ctx, "x", key) }},
		{`POST /v1/phones/enrol  {"ticket":"t","public_key":"U","box_key":"b","key_source":"k"}`, func(c *client.Client) (any, error) {
			return c.EnrolPhone(ctx, bankapi.EnrolPhone{Ticket: "t", PublicKey: "U", BoxKey: "b", KeySource: "k"}, key)
		}},
		{`POST /v1/bindings  {"card":"c","phone":"p"}`, func(c *client.Client) (any, error) { return c.Bind(ctx, bankapi.Bind{Card: "c", Phone: "p"}, key) }},
		{`GET /v1/bindings  `, func(c *client.Client) (any, error) { return c.Bindings(ctx, client.Page{}) }},
		{`GET /v1/bindings/x  `, func(c *client.Client) (any, error) { return c.Binding(ctx, "x") }},
		{`POST /v1/bindings/x/confirm  {"code":"123456"}`, func(c *client.Client) (any, error) {
			return c.ConfirmBinding(ctx, "x", bankapi.Confirm{Code: "123456"}, key)
		}},
		{`POST /v1/bindings/x/revoke  `, func(c *client.Client) (any, error) { return c.RevokeBinding(ctx, "x", key) }},
		{`POST /v1/applets  {"kind":"purse","account":"a","pan":"6217000000000001","aid":"F07365","label":"P","expires":"2031-12"}`, func(c *client.Client) (any, error) {
			return c.IssueApplet(ctx, bankapi.IssueApplet{
				Kind: bankapi.AppletPurse, Account: "a", PAN: "6217000000000001", AID: "F07365", Label: "P", Expires: "2031-12",
			}, key)
		}},
		{`GET /v1/applets cursor=cur&limit=7 `, func(c *client.Client) (any, error) { return c.Applets(ctx, page) }},
		{`GET /v1/applets/x  `, func(c *client.Client) (any, error) { return c.Applet(ctx, "x") }},
		{`POST /v1/applets/x/block  `, func(c *client.Client) (any, error) { return c.BlockApplet(ctx, "x", key) }},
		{`POST /v1/applets/x/unblock  `, func(c *client.Client) (any, error) { return c.UnblockApplet(ctx, "x", key) }},
		{`POST /v1/applets/x/personalization  {"recipient":"age1"}`, func(c *client.Client) (any, error) {
			return c.PersonalizeApplet(ctx, "x", bankapi.Personalize{Recipient: "age1"}, key)
		}},
		{`GET /v1/ca-keys  `, func(c *client.Client) (any, error) { return c.CAKeys(ctx) }},
		{`POST /v1/taps  {"terminal":"T","batch":1,"taps":[{"reference":"r","amount":5,"currency":"CNY","chip_data":"5A"}]}`, func(c *client.Client) (any, error) {
			return c.PostTaps(ctx, bankapi.PostTaps{Terminal: "T", Batch: 1, Taps: []bankapi.Tap{{Reference: "r", Amount: 5, Currency: "CNY", ChipData: "5A"}}})
		}},
		{`GET /v1/taps applet=app_1&cursor=cur&limit=7 `, func(c *client.Client) (any, error) { return c.Taps(ctx, "app_1", page) }},
		{`GET /v1/taps cursor=cur&limit=7&status=disputed `, func(c *client.Client) (any, error) { return c.Disputes(ctx, page) }},
		{`POST /v1/taps/settle  {"terminal":"T","batch":1,"count":2,"amount":5,"currency":"CNY"}`, func(c *client.Client) (any, error) {
			return c.SettleBatch(ctx, bankapi.SettleBatch{Terminal: "T", Batch: 1, Count: 2, Amount: 5, Currency: "CNY"})
		}},
		{`GET /v1/batches cursor=cur&limit=7 `, func(c *client.Client) (any, error) { return c.Batches(ctx, page) }},
		{`POST /v1/authorizations  {"terminal":"T","batch":1,"reference":"r","amount":5,"currency":"CNY","chip_data":"5A"}`, func(c *client.Client) (any, error) {
			return c.Authorize(ctx, "k-1", bankapi.Authorize{Terminal: "T", Batch: 1, Reference: "r", Amount: 5, Currency: "CNY", ChipData: "5A"})
		}},
		{`POST /v1/authorizations/reverse  {"terminal":"T","batch":1,"chip_data":"5A"}`, func(c *client.Client) (any, error) {
			return c.Reverse(ctx, bankapi.Reverse{Terminal: "T", Batch: 1, ChipData: "5A"})
		}},
		{`POST /v1/taps/x/resolve  {"outcome":"accept"}`, func(c *client.Client) (any, error) {
			return c.ResolveTap(ctx, "x", bankapi.ResolveTap{Outcome: bankapi.Accept})
		}},
		{`POST /v1/inquiries  {"chip_data":"5A"}`, func(c *client.Client) (any, error) {
			return c.Inquire(ctx, bankapi.Inquire{ChipData: "5A"}, key)
		}},
		{`POST /v1/loads  {"amount":5,"currency":"CNY","chip_data":"5A"}`, func(c *client.Client) (any, error) {
			return c.CreateLoad(ctx, bankapi.CreateLoad{Amount: 5, Currency: "CNY", ChipData: "5A"}, key)
		}},
		{`GET /v1/loads cursor=cur&limit=7 `, func(c *client.Client) (any, error) { return c.Loads(ctx, page) }},
		{`GET /v1/loads/x  `, func(c *client.Client) (any, error) { return c.Load(ctx, "x") }},
		{`POST /v1/loads/x/resolve  {"chip_data":"5A"}`, func(c *client.Client) (any, error) {
			return c.ResolveLoad(ctx, "x", bankapi.ResolveLoad{ChipData: "5A"})
		}},
		{`POST /v1/webhooks  {"url":"https://shop.example"}`, func(c *client.Client) (any, error) {
			return c.CreateWebhook(ctx, bankapi.CreateWebhook{URL: "https://shop.example"}, key)
		}},
		{`GET /v1/webhooks  `, func(c *client.Client) (any, error) { return c.Webhooks(ctx, client.Page{}) }},
		{`DELETE /v1/webhooks/x  `, func(c *client.Client) (any, error) { return c.DeleteWebhook(ctx, "x", key) }},
		{`GET /v1/events after=cur&limit=7 `, func(c *client.Client) (any, error) { return c.Events(ctx, page) }},
	}
	// What happens once by itself goes without a key.
	unkeyed := []string{"/v1/taps", "/v1/taps/settle", "/v1/authorizations/reverse", "/v1/loads/x/resolve", "/v1/taps/x/resolve"}
	seen := map[string]bool{}
	for _, call := range calls {
		var got string
		c := newClient(t, func(r *http.Request) reply {
			var body []byte
			if r.Body != nil {
				body, _ = io.ReadAll(r.Body)
			}
			path := strings.TrimPrefix(r.URL.Path, "/base")
			got = strings.Join([]string{r.Method, path, r.URL.RawQuery, string(body)}, " ")
			seen[r.Method+" "+strings.Replace(path, "/x", "/{id}", 1)] = true
			if want := "Bearer sk_marked_key"; r.Header.Get("Authorization") != want {
				t.Errorf("%s: another key", call.want)
			}
			if want := map[bool]string{true: "", false: "k-1"}[r.Method == "GET" || slices.Contains(unkeyed, path)]; r.Header.Get("Idempotency-Key") != want {
				t.Errorf("%s: idempotency key %q, want %q", call.want, r.Header.Get("Idempotency-Key"), want)
			}
			return object(`{"id":"answered","ticket":"answered","next_cursor":"answered","phone":"answered","card":"answered",` +
				`"applet":"answered","tap":"answered","results":[{"tap":"answered"}]}`)
		})
		v, err := call.do(c)
		if got != call.want || err != nil {
			t.Errorf("asked\n%s, want\n%s (%v)", got, call.want, err)
		}
		if !strings.Contains(fmt.Sprintf("%+v", v), "answered") {
			t.Errorf("%s: the answer was not read into %s", call.want, reflect.TypeOf(v))
		}
	}
	for _, endpoint := range bankEndpoints(t) {
		if !seen[endpoint] {
			t.Errorf("the bank has %s, the client has no method for it", endpoint)
		}
	}
}

// bankEndpoints reads the bank's own table.
func bankEndpoints(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("../../bank/bankhttp/table*.go")
	if err != nil {
		t.Fatal(err)
	}
	route := regexp.MustCompile(`method: (get|post|del), path: "(/v1/[^"]+)"`)
	verbs := map[string]string{"get": "GET", "post": "POST", "del": "DELETE"}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range route.FindAllSubmatch(b, -1) {
			out = append(out, verbs[string(m[1])]+" "+string(m[2]))
		}
	}
	if len(out) < 30 || !slices.Contains(out, "POST /v1/payments") {
		t.Fatalf("found %d endpoints of the bank: its table is no longer where this test looks", len(out))
	}
	return out
}

// Ids that are none cannot lead to another path.
func TestIdsStayInTheirPath(t *testing.T) {
	for _, id := range []string{"", ".", "..", "../accounts", "a/b", "a?b", "a%2Fb", "a#b"} {
		c := newClient(t, func(r *http.Request) reply {
			rest, ok := strings.CutPrefix(r.URL.EscapedPath(), "/base/v1/payments/")
			if !ok || rest == "" || strings.Contains(rest, "/") || r.URL.RawQuery != "" {
				t.Errorf("%q leads to %s", id, r.URL)
			}
			return object("{}")
		})
		if _, err := c.Payment(t.Context(), id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// What the bank refuses is a Problem; what is no bank is a plain sentence.
func TestRefusalsOfTheBank(t *testing.T) {
	two := 2
	wrong := bankapi.NewProblem(bankapi.WrongCode, "compare")
	wrong.AttemptsLeft = &two
	c := newClient(t, func(*http.Request) reply { return problem(wrong) })
	_, err := c.ConfirmPayment(t.Context(), "x", bankapi.Confirm{Code: "111111"})
	var p *bankapi.Problem
	if !errors.As(err, &p) || p.Reason() != bankapi.WrongCode || p.AttemptsLeft == nil || *p.AttemptsLeft != 2 {
		t.Errorf("got %v, want the problem with 2 attempts left", err)
	}

	cases := []struct {
		name   string
		answer reply
		want   string
	}{
		{"a proxy's page", reply{status: 502, kind: "text/html", body: "<h1>no</h1>"}, "something other than the bank answered, with status 502"},
		{"a problem of another's", reply{status: 400, kind: "application/problem+json", body: `{"type":"about:blank"}`}, "something other than the bank"},
		{"half a problem", reply{status: 400, kind: "application/problem+json", body: `{"type":"urn:so`}, "something other than the bank"},
		{"a redirect", reply{status: 302, kind: "text/html", header: map[string]string{"Location": "https://elsewhere.example/v1"}}, "leads elsewhere"},
		{"a page for an object", reply{status: 200, kind: "text/html", body: "<h1>hello</h1>"}, "cannot be read"},
		{"an endless answer", object(`{"id":"` + strings.Repeat("x", 5<<20)), "above 4 MiB"},
	}
	for _, one := range cases {
		asked := 0
		c := newClient(t, func(*http.Request) reply { asked++; return one.answer })
		_, err := c.Payment(t.Context(), "x")
		if err == nil || !strings.Contains(err.Error(), one.want) || asked != 1 {
			t.Errorf("%s: %v after %d requests, want %q after 1", one.name, err, asked, one.want)
		}
	}
}

// What may safely be made again is, when that may help, as the bank says.
func TestRetries(t *testing.T) {
	busy := func(r bankapi.Reason, after string) reply {
		one := problem(bankapi.NewProblem(r, ""))
		one.header = map[string]string{"Retry-After": after}
		return one
	}
	broken := reply{err: errors.New("connection reset")}
	get := func(c *client.Client, ctx context.Context) error { _, err := c.Payment(ctx, "x"); return err }
	post := func(o ...client.CallOption) func(*client.Client, context.Context) error {
		return func(c *client.Client, ctx context.Context) error {
			_, err := c.CreatePayment(ctx, bankapi.CreatePayment{}, o...)
			return err
		}
	}
	enrol := func(c *client.Client, ctx context.Context) error {
		_, err := c.EnrolPhone(ctx, bankapi.EnrolPhone{})
		return err
	}
	authorize := func(c *client.Client, ctx context.Context) error {
		_, err := c.Authorize(ctx, "k", bankapi.Authorize{})
		return err
	}
	upload := func(c *client.Client, ctx context.Context) error {
		_, err := c.PostTaps(ctx, bankapi.PostTaps{})
		return err
	}
	reverse := func(c *client.Client, ctx context.Context) error {
		_, err := c.Reverse(ctx, bankapi.Reverse{})
		return err
	}
	settle := func(c *client.Client, ctx context.Context) error {
		_, err := c.SettleBatch(ctx, bankapi.SettleBatch{})
		return err
	}
	load := func(c *client.Client, ctx context.Context) error {
		_, err := c.CreateLoad(ctx, bankapi.CreateLoad{})
		return err
	}
	keyed := post(client.IdempotencyKey("k"))
	cases := []struct {
		name     string
		do       func(*client.Client, context.Context) error
		fails    reply
		deadline time.Duration
		asked    int
		least    time.Duration // that it takes
		most     time.Duration
	}{
		{"busy, a GET", get, busy(bankapi.Busy, "3"), time.Hour, 3, 6 * time.Second, 8 * time.Second},
		{"busy, with a key", keyed, busy(bankapi.Busy, "3"), time.Hour, 3, 6 * time.Second, 8 * time.Second},
		{"busy, without a key", post(), busy(bankapi.Busy, "3"), time.Hour, 1, 0, 0},
		{"outcome unknown, with a key", keyed, busy(bankapi.OutcomeUnknown, "1"), time.Hour, 3, 2 * time.Second, 3 * time.Second},
		{"not ready, no time named", get, busy(bankapi.Unavailable, ""), time.Hour, 3, 300 * time.Millisecond, 400 * time.Millisecond},
		{"a time that is none", get, busy(bankapi.Unavailable, "soon"), time.Hour, 3, 300 * time.Millisecond, 400 * time.Millisecond},
		{"too long to wait", get, busy(bankapi.Busy, "3600"), time.Hour, 1, 0, 0},
		{"no time left", get, busy(bankapi.Busy, "3"), time.Second, 1, 0, 0},
		{"broken, a GET", get, broken, time.Hour, 3, 300 * time.Millisecond, 400 * time.Millisecond},
		{"broken, without a key", post(), broken, time.Hour, 1, 0, 0},
		{"broken, an enrolment", enrol, broken, time.Hour, 3, 300 * time.Millisecond, 400 * time.Millisecond},
		{"broken, an authorisation", authorize, broken, time.Hour, 3, 300 * time.Millisecond, 400 * time.Millisecond},
		{"outcome unknown, an authorisation", authorize, busy(bankapi.OutcomeUnknown, "1"), time.Hour, 3, 2 * time.Second, 3 * time.Second},
		{"decided already", authorize, busy(bankapi.Duplicate, "1"), time.Hour, 1, 0, 0},
		{"broken, an upload", upload, broken, time.Hour, 3, 300 * time.Millisecond, 400 * time.Millisecond},
		{"busy, an upload", upload, busy(bankapi.Busy, "3"), time.Hour, 3, 6 * time.Second, 8 * time.Second},
		{"broken, a reversal", reverse, broken, time.Hour, 3, 300 * time.Millisecond, 400 * time.Millisecond},
		{"broken, a settlement", settle, broken, time.Hour, 3, 300 * time.Millisecond, 400 * time.Millisecond},
		{"other totals", settle, busy(bankapi.TotalsDiffer, "1"), time.Hour, 1, 0, 0},
		{"broken, a load without a key", load, broken, time.Hour, 1, 0, 0},
		{"refused", keyed, busy(bankapi.NotFound, "1"), time.Hour, 1, 0, 0},
	}
	for _, one := range cases {
		t.Run(one.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				c := newClient(t, func(*http.Request) reply {
					if asked++; asked == 3 {
						return object("{}")
					}
					return one.fails
				})
				ctx, cancel := context.WithTimeout(t.Context(), one.deadline)
				defer cancel()
				begin := time.Now()
				err := one.do(c, ctx)
				took := time.Since(begin)
				if asked != one.asked || (err == nil) != (asked == 3) || took < one.least || took > one.most {
					t.Errorf("%d requests in %v (%v), want %d in %v to %v", asked, took, err, one.asked, one.least, one.most)
				}
			})
		})
	}
}

// A bank that never answers is asked a bounded number of times.
func TestRetriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := newClient(t, func(*http.Request) reply { asked++; return reply{err: errors.New("reset")} }, client.Tries(4))
		if _, err := c.Payment(t.Context(), "x"); err == nil || asked != 4 {
			t.Errorf("%d requests (%v), want 4", asked, err)
		}
	})
}

// No error says more than it must: no key, and no body of the request.
func TestErrorsKeepSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, func(r *http.Request) reply {
			if r.Header.Get("Authorization") != "Bearer sk_marked_key" {
				t.Error("the key did not travel: this test looks at nothing")
			}
			return reply{err: errors.New("reset")}
		})
		const pan = "6217000020000000010"
		_, one := c.ConfirmPayment(t.Context(), "x", bankapi.Confirm{Code: "847261"}, client.IdempotencyKey("k"))
		_, two := c.PostTaps(t.Context(), bankapi.PostTaps{Taps: []bankapi.Tap{{ChipData: "5A0A" + pan + "F"}}})
		_, three := c.Authorize(t.Context(), "k", bankapi.Authorize{ChipData: "5A0A" + pan + "F"})
		_, four := c.IssueApplet(t.Context(), bankapi.IssueApplet{PAN: pan})
		err := errors.Join(one, two, three, four)
		for _, text := range []string{
			fmt.Sprintf("%v %+v %#v %#v %#v %#v %#v", err, err, err, one, two, three, four), fmt.Sprintf("%v %+v %#v", c, c, c),
		} {
			if strings.Contains(text, "sk_marked_key") || strings.Contains(text, "847261") || strings.Contains(text, pan) {
				t.Errorf("a secret is in %s", text)
			}
		}
	})
}

func TestAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://bank.example":            true,
		"https://bank.example:8443/api/":  true,
		"http://127.0.0.1:8421":           true,
		"http://[::1]:8421":               true,
		"http://localhost:8421":           true,
		"http://bank.example":             false, // a key would cross the network in clear
		"http://127.0.0.1.example":        false,
		"http://localhost.example":        false,
		"ftp://bank.example":              false,
		"bank.example":                    false,
		"https://":                        false,
		"https://mei:secret@bank.example": false,
		"https://bank.example?x=1":        false,
		"":                                false,
	} {
		if _, err := client.New(address, apiKey); (err == nil) != ok {
			t.Errorf("%q: %v, want taken %v", address, err, ok)
		}
	}
	if _, err := client.New("http://bank.example", apiKey, client.SafeNetwork()); err != nil {
		t.Errorf("with SafeNetwork: %v", err)
	}
}

// Over a real server: redirects are not followed, connections are kept.
func TestRealServer(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Error("a redirect was followed, with key ", r.Header.Get("Authorization") != "")
	}))
	defer elsewhere.Close()
	conns := map[net.Addr]bool{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/moved") {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"pay_1"}`)
	}))
	server.Config.ConnState = func(c net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns[c.RemoteAddr()] = true
		}
	}
	server.Start()
	defer server.Close()
	c, err := client.New(server.URL, apiKey)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if p, err := c.Payment(t.Context(), "x"); err != nil || p.ID != "pay_1" {
			t.Fatalf("got %q (%v), want pay_1", p.ID, err)
		}
	}
	if _, err := c.Payment(t.Context(), "moved"); err == nil {
		t.Error("a redirect was taken for an answer")
	}
	server.Close()
	if len(conns) != 1 {
		t.Errorf("%d connections for requests one after another, want 1", len(conns))
	}
}

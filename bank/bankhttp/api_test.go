package bankhttp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sotto/bankapi"
)

func TestAPaymentFromCreationToRefund(t *testing.T) {
	w := newWorld(t)
	p := w.pay(12_800)
	if p.Status != bankapi.AwaitingCode || p.CodeURL != w.url+"/pay/"+p.ID || p.Payee != "Tea House" {
		t.Fatalf("got %+v", p)
	}
	w.hub.Arrived(w.dispatched(p.ID).ID)
	var now bankapi.Payment
	if w.get(w.shop, "/v1/payments/"+p.ID, &now); now.Delivery != bankapi.DeliveryOnPhone {
		t.Errorf("got delivery %s once the phone had it", now.Delivery)
	}
	w.shows(p.ID)
	if w.get(w.shop, "/v1/payments/"+p.ID, &now); now.Delivery != bankapi.DeliveryOnCard {
		t.Errorf("got delivery %s once the card had shown it", now.Delivery)
	}
	r := w.post(w.shop, "/v1/payments/"+p.ID+"/confirm", bankapi.Confirm{Code: w.wrong(p.ID)})
	if got := r.problem(t); r.StatusCode != 402 || got.Reason() != bankapi.WrongCode || *got.AttemptsLeft != 4 {
		t.Errorf("a wrong code: %d %s", r.StatusCode, r.body)
	}
	w.must(200, w.shop, "/v1/payments/"+p.ID+"/confirm", bankapi.Confirm{Code: w.code(p.ID)}, &now)
	if now.Status != bankapi.Succeeded || now.Captured != 12_800 {
		t.Errorf("got %+v", now)
	}
	w.must(200, w.shop, "/v1/payments/"+p.ID+"/refund", bankapi.RefundPayment{Amount: 800}, &now)
	w.must(200, w.shop, "/v1/payments/"+p.ID+"/refund", nil, &now)
	if now.Status != bankapi.Refunded || w.balance(w.customer) != 10_000_000 {
		t.Errorf("got %s, and %d in the account", now.Status, w.balance(w.customer))
	}
}

func TestWhatIsReadIsWhatWasAnswered(t *testing.T) {
	w := newWorld(t)
	var made struct{ ID string }
	for path, v := range map[string]any{
		"/v1/payments":  w.request(500),
		"/v1/accounts":  bankapi.CreateAccount{Name: "Zoë", Kind: bankapi.AccountCustomer, Currency: "JPY"},
		"/v1/transfers": bankapi.CreateTransfer{Debit: w.vault, Credit: w.customer, Amount: 1, Currency: "CNY", Note: "<&>"},
		"/v1/cards":     bankapi.IssueCard{Account: w.customer, PAN: poorPAN, Holder: "LI WEI", Profile: "plain", Language: "zh"},
		"/v1/bindings":  bankapi.Bind{Card: w.card.ID, Phone: w.phone.ID},
	} {
		key := w.issuer
		if path == "/v1/payments" {
			key = w.shop
		}
		r := w.must(201, key, path, v, &made)
		if got := w.get(key, path+"/"+made.ID, nil); !bytes.Equal(got.body, r.body) {
			t.Errorf("%s: read\n%s\nanswered\n%s", path, got.body, r.body)
		}
		var list bankapi.List[json.RawMessage]
		w.get(key, path+"?limit=1", &list)
		if len(list.Data) != 1 || !bytes.Equal(list.Data[0], r.body) {
			t.Errorf("%s: listed\n%s\nanswered\n%s", path, list.Data, r.body)
		}
	}
	// Those whose answers hand something over, without it.
	for path, v := range map[string]any{
		"/v1/merchants": bankapi.CreateMerchant{Name: "Third", Currency: "CNY"},
		"/v1/phones":    bankapi.InvitePhone{Name: "third"},
	} {
		var answered, read map[string]any
		w.must(201, w.issuer, path, v, &answered)
		w.get(w.issuer, fmt.Sprint(path, "/", answered["id"]), &read)
		delete(answered, "key")
		delete(answered, "ticket")
		if got, want := fmt.Sprint(read), fmt.Sprint(answered); got != want {
			t.Errorf("%s: read %s, answered %s", path, got, want)
		}
	}
}

func TestListsArePagedNewestFirst(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for i := range 5 {
		var a bankapi.Account
		w.must(201, w.issuer, "/v1/accounts", bankapi.CreateAccount{Name: fmt.Sprint("n", i), Kind: bankapi.AccountCustomer, Currency: "CNY"}, &a)
		ids = append(ids, a.ID)
	}
	slices.Sort(ids) // of one millisecond they come in any order
	slices.Reverse(ids)
	var got []string
	cursor := ""
	for range 3 {
		var page bankapi.List[bankapi.Account]
		w.get(w.issuer, "/v1/accounts?limit=2&cursor="+cursor, &page)
		for _, a := range page.Data {
			got = append(got, a.ID)
		}
		cursor = page.NextCursor
	}
	if fmt.Sprint(got[:5]) != fmt.Sprint(ids) {
		t.Errorf("got %v, want %v", got, ids)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "limit=1&limit=2", "cursor=pay_1", "page=2", "limit=%zz"} {
		if r := w.get(w.issuer, "/v1/accounts?"+query, nil); r.StatusCode != 422 && r.StatusCode != 400 {
			t.Errorf("%s: %d %s", query, r.StatusCode, r.body)
		}
	}
}

func TestEverybodySeesTheirOwn(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	var hook bankapi.Webhook
	w.must(201, w.shop, "/v1/webhooks", bankapi.CreateWebhook{URL: "https://shop.example/hook"}, &hook)
	for _, c := range []struct {
		key, method, path string
		want              bankapi.Reason
	}{
		{w.other, "GET", "/v1/payments/" + p.ID, bankapi.NotFound},
		{w.other, "POST", "/v1/payments/" + p.ID + "/cancel", bankapi.NotFound},
		{w.other, "DELETE", "/v1/webhooks/" + hook.ID, bankapi.NotFound},
		{w.other, "GET", "/v1/merchants/" + w.merchant.ID, bankapi.NotFound},
		{w.shop, "GET", "/v1/merchants", bankapi.Forbidden},
		{w.shop, "GET", "/v1/accounts", bankapi.Forbidden},
		{w.shop, "GET", "/v1/accounts/" + w.customer, bankapi.Forbidden},
		{w.shop, "GET", "/v1/transfers", bankapi.Forbidden},
		{w.shop, "GET", "/v1/cards", bankapi.Forbidden},
		{w.shop, "GET", "/v1/cards/" + w.card.ID, bankapi.Forbidden},
		{w.shop, "GET", "/v1/phones", bankapi.Forbidden},
		{w.shop, "GET", "/v1/bindings", bankapi.Forbidden},
		{w.shop, "POST", "/v1/cards/" + w.card.ID + "/block", bankapi.Forbidden},
		{w.issuer, "POST", "/v1/payments", bankapi.Forbidden},
		{"", "GET", "/v1/payments", bankapi.Unauthenticated},
		{w.shop[:len(w.shop)-1] + "0", "GET", "/v1/payments", bankapi.Unauthenticated},
		{"sk_short", "GET", "/v1/payments", bankapi.Unauthenticated},
	} {
		r := w.ask(c.method, c.path, c.key, nil)
		if got := r.problem(t).Reason(); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.method, c.path, got, c.want)
		}
		if c.want == bankapi.Unauthenticated && r.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s: 401 without WWW-Authenticate", c.method, c.path)
		}
	}
	var mine, theirs bankapi.List[bankapi.Payment]
	w.get(w.shop, "/v1/payments", &mine)
	w.get(w.other, "/v1/payments", &theirs)
	if len(mine.Data) != 1 || len(theirs.Data) != 0 {
		t.Errorf("got %d and %d payments", len(mine.Data), len(theirs.Data))
	}
}

func TestSecretsAreHandedOverOnce(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		key, path, what string
		v               any
	}{
		{w.issuer, "/v1/merchants", `"secret":"sk_`, bankapi.CreateMerchant{Name: "Once", Currency: "CNY"}},
		{w.issuer, "/v1/merchants/" + w.merchant.ID + "/keys", `"secret":"sk_`, nil},
		{w.issuer, "/v1/phones", `"ticket":"sotto1.`, bankapi.InvitePhone{Name: "once"}},
		{w.shop, "/v1/webhooks", `"secret":"whsec_`, bankapi.CreateWebhook{URL: "https://shop.example/hook"}},
	} {
		first := w.post(c.key, c.path, c.v, "Idempotency-Key", c.path)
		again := w.post(c.key, c.path, c.v, "Idempotency-Key", c.path)
		if first.StatusCode != 201 || !strings.Contains(string(first.body), c.what) {
			t.Errorf("%s: %d %s", c.path, first.StatusCode, first.body)
		}
		if again.StatusCode != 201 || strings.Contains(string(again.body), c.what) || again.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s again: %d %s", c.path, again.StatusCode, again.body)
		}
	}
}

func TestANewKeyWorksAndARevokedOneDoesNot(t *testing.T) {
	w := newWorld(t)
	var k bankapi.APIKey
	w.must(201, w.issuer, "/v1/merchants/"+w.merchant.ID+"/keys", nil, &k)
	w.wait(0) // the clock stands
	if r := w.get(k.Secret, "/v1/payments", nil); r.StatusCode != 200 {
		t.Fatalf("a new key: %d", r.StatusCode)
	}
	if r := w.ask("DELETE", "/v1/keys/"+k.ID, w.issuer, nil); r.StatusCode != 200 {
		t.Fatalf("revoke: %d %s", r.StatusCode, r.body)
	}
	w.wait(3e9)
	if r := w.get(k.Secret, "/v1/payments", nil); r.StatusCode != 401 {
		t.Errorf("a revoked key after three seconds: %d", r.StatusCode)
	}
}

func TestEventsAreReadInPages(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	w.must(200, w.shop, "/v1/payments/"+p.ID+"/cancel", nil, nil)
	var types []string
	cursor := ""
	for range 50 {
		var page bankapi.List[bankapi.Event]
		w.get(w.shop, "/v1/events?limit=1&after="+cursor, &page)
		for _, e := range page.Data {
			types = append(types, e.Type)
		}
		if page.NextCursor == cursor {
			break
		}
		cursor = page.NextCursor
	}
	if got, want := strings.Join(types, " "), "account.opened key.created merchant.created payment.created payment.canceled"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var none bankapi.List[bankapi.Event]
	if w.get(w.other, "/v1/events?limit=100&after="+cursor, &none); len(none.Data) != 0 || none.NextCursor != cursor {
		t.Errorf("got %+v", none)
	}
	if r := w.get(w.shop, "/v1/events?after=1", nil); r.problem(t).Field != "after" {
		t.Errorf("got %s", r.body)
	}
}

func TestPersonalizationIsForTheStationAlone(t *testing.T) {
	w := newWorld(t)
	path := "/v1/cards/" + w.card.ID + "/personalization"
	var p bankapi.Personalization
	w.must(200, w.issuer, path, bankapi.Personalize{Recipient: "age1station"}, &p)
	if !strings.HasPrefix(p.Data, "to age1station: ") || p.Card != w.card.ID {
		t.Errorf("got %s for %s", p.Data, p.Card)
	}
	if r := w.post(w.issuer, path, bankapi.Personalize{Recipient: "somebody"}); r.problem(t).Field != "recipient" {
		t.Errorf("got %s", r.body)
	}
	if r := w.post(w.shop, path, bankapi.Personalize{Recipient: "age1station"}); r.StatusCode != 403 {
		t.Errorf("a merchant: %d", r.StatusCode)
	}
}

func TestARevokedPhoneIsKicked(t *testing.T) {
	w := newWorld(t)
	w.must(200, w.issuer, "/v1/phones/"+w.phone.ID+"/revoke", nil, nil)
	if fmt.Sprint(w.kicked) != fmt.Sprint([]string{w.phone.ID}) {
		t.Errorf("kicked %v", w.kicked)
	}
	if r := w.post(w.shop, "/v1/payments", w.request(1)); r.problem(t).Reason() != bankapi.PhoneUnavailable {
		t.Errorf("a payment through it: %s", r.body)
	}
}

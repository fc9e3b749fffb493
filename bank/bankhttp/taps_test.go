package bankhttp_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/bank/bankhttp"
	"sotto/bankapi"
	"sotto/emv"
)

func (w *world) applet(c *chip) bankapi.Applet {
	w.t.Helper()
	var a bankapi.Applet
	w.get(w.issuer, "/v1/applets/"+c.applet.ID, &a)
	return a
}

func statuses(p bankapi.TapsPosted) string {
	var all []string
	for _, r := range p.Results {
		word := string(r.Status)
		if r.Reason != "" {
			word += ":" + string(r.Reason)
		}
		if r.Already {
			word += "!"
		}
		all = append(all, word)
	}
	return strings.Join(all, " ")
}

func TestTapsFromTheLoadToTheMerchantsAccount(t *testing.T) {
	w := newWorld(t)
	purse := w.funded(pursePAN, 50_000)
	upload := purse.upload(3, 1_000)
	var posted, again bankapi.TapsPosted
	w.must(200, w.shop, "/v1/taps", upload, &posted, "Idempotency-Key", "upload-1")
	if got := statuses(posted); got != "posted posted posted" || posted.Batch.Count != 3 || posted.Batch.Amount != 3_000 {
		t.Fatalf("got %s, %+v", got, posted.Batch)
	}
	w.must(200, w.shop, "/v1/taps", upload, &again)
	if got := statuses(again); got != "posted! posted! posted!" || again.Batch != posted.Batch || again.Results[1].Tap != posted.Results[1].Tap {
		t.Errorf("again: got %s, %+v", got, again.Batch)
	}
	if a := w.applet(purse); a.Balance != 47_000 || a.ATC != int(purse.atc) || w.balance(w.customer) != 10_000_000-50_000 {
		t.Errorf("got %+v, and %d in the account", a, w.balance(w.customer))
	}
	settle := bankapi.SettleBatch{Terminal: "TILL1", Batch: 7, Count: 2, Amount: 3_000, Currency: "CNY"}
	if r := w.post(w.shop, "/v1/taps/settle", settle); r.problem(t).Reason() != bankapi.TotalsDiffer {
		t.Errorf("other totals: %s", r.body)
	}
	settle.Count = 3
	var batch, same bankapi.Batch
	w.must(200, w.shop, "/v1/taps/settle", settle, &batch)
	w.must(200, w.shop, "/v1/taps/settle", settle, &same)
	if !batch.Settled || batch.Transfer == "" || same != batch || w.balance(w.merchant.Account) != 3_000 {
		t.Errorf("got %+v, then %+v, and %d in the account", batch, same, w.balance(w.merchant.Account))
	}
	late := purse.upload(1, 500)
	var refused bankapi.TapsPosted
	w.must(200, w.shop, "/v1/taps", late, &refused)
	if got := statuses(refused); got != "refused:wrong-state" {
		t.Errorf("after the batch was settled: %s", got)
	}
	w.wantsNoSecrets()
}

func TestDisputedTapsAreForThoseTheyConcern(t *testing.T) {
	w := newWorld(t)
	purse := w.funded(pursePAN, 5_000)
	upload := purse.upload(2, 1_000)
	w.must(200, w.shop, "/v1/taps", upload, nil)
	var posted bankapi.TapsPosted
	w.must(200, w.other, "/v1/taps", upload, &posted)
	if got := statuses(posted); got != "disputed:duplicate disputed:duplicate" || posted.Batch.Disputed != 2 {
		t.Errorf("another merchant's: %s, %+v", got, posted.Batch)
	}
	purse.balance = 10_000 // somebody has changed the chip
	tooMuch := purse.upload(1, 9_000)
	w.must(200, w.shop, "/v1/taps", tooMuch, &posted)
	if got := statuses(posted); got != "disputed:insufficient-funds" {
		t.Errorf("more than it had: %s", got)
	}
	for key, want := range map[string]int{w.shop: 1, w.other: 2, w.issuer: 3} {
		var got bankapi.List[bankapi.TapRecord]
		w.get(key, "/v1/taps?status=disputed", &got)
		if len(got.Data) != want || got.Data[0].Status != bankapi.TapDisputed || got.Data[0].Number != "621700*********0010" {
			t.Errorf("got %+v, want %d", got.Data, want)
		}
	}
	var all bankapi.List[bankapi.TapRecord]
	r := w.get(w.issuer, "/v1/taps?applet="+purse.applet.ID, &all)
	if len(all.Data) != 6 || all.Data[0].ATC != int(purse.atc) { // load, two taps twice, one
		t.Errorf("got %s", r.body)
	}
	w.wantsNoSecrets()
}

func TestTapsAndBatchesArePaged(t *testing.T) {
	w := newWorld(t)
	purse := w.funded(pursePAN, 50_000)
	upload := purse.upload(5, 100)
	for i := range 3 {
		upload.Batch = 8 + i // 10 sorts before 8
		upload.Terminal = []string{"TILL1", "till2", "T"}[i]
		w.must(200, w.shop, "/v1/taps", upload, nil)
		upload.Taps = purse.upload(1, 100).Taps
	}
	w.must(200, w.other, "/v1/taps", upload, nil)
	disputes := purse.upload(3, 100)
	w.must(200, w.shop, "/v1/taps", disputes, nil)
	w.must(200, w.other, "/v1/taps", disputes, nil)
	for path, want := range map[string]struct {
		key string
		n   int
	}{
		"/v1/taps?applet=" + purse.applet.ID: {w.issuer, 16}, // a load, eleven taps, three of them twice, and one
		"/v1/taps?status=disputed":           {w.issuer, 3},
		"/v1/batches?":                       {w.shop, 4},
	} {
		var whole bankapi.List[struct {
			ID string `json:"id"`
		}]
		w.get(want.key, path+"&limit=100", &whole)
		var paged []string
		cursor := ""
		for range 20 {
			page := whole
			page.NextCursor, page.Data = "", nil
			w.get(want.key, path+"&limit=2"+cursor, &page)
			for _, one := range page.Data {
				paged = append(paged, one.ID)
			}
			if page.NextCursor == "" {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(page.NextCursor)
		}
		var ids []string
		for _, one := range whole.Data {
			ids = append(ids, one.ID)
		}
		if !slices.Equal(paged, ids) || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
			t.Errorf("%s: got %v in pages, and %v", path, paged, ids)
		}
		if len(ids) < 3 {
			t.Errorf("%s: only %v", path, ids)
		}
	}
}

func TestCursorsOfTapsAndBatchesAreLookedAt(t *testing.T) {
	w := newWorld(t)
	applet, other := "app_01JD3ZF4V7X0B3E6H9K2N5R8TJ", "app_01JD3ZH1Q4T7W0Z3C6F9J2M5PN"
	merchant := w.merchant.ID
	for query, want := range map[string]bankapi.Reason{
		"":                                       bankapi.Invalid,
		"?applet=" + applet + "&status=disputed": bankapi.Invalid,
		"?status=posted":                         bankapi.Invalid,
		"?applet=acct_01JD3Z9Q8VXK4M2N7T5R6W8Y0A": bankapi.Invalid,
		"?applet=" + applet + "%00":               bankapi.Invalid,
		"?applet=" + applet + "&applet=" + applet: bankapi.Invalid,
		"?applet=" + applet + "&merchant=1":       bankapi.Invalid,
		"?applet=" + applet:                       "",
		"?status=disputed":                        "",
	} {
		r := w.get(w.issuer, "/v1/taps"+query, nil)
		if got := reasonOf(t, r); got != want {
			t.Errorf("%q: got %s, want %s", query, r.body, want)
		}
	}
	for cursor, good := range map[string]bool{
		applet + ".0012": true, applet + ".00AF.0badcafe": true, applet: false, applet + ".": false, applet + ".12": false,
		applet + ".00af": false, applet + ".00AF.": false, applet + ".00AF.0BADCAFE": false, applet + ".00AF.0badcafe.": false,
		applet + ".00AF.0badcafe.1": false, "app_.0012": false, ".0012": false, applet + ".\x0012": false, applet + ".00122": false, "%": false,
	} {
		for path, prefix := range map[string]string{"/v1/taps?status=disputed": "", "/v1/taps?applet=" + applet: applet + "."} {
			r := w.get(w.issuer, path+"&cursor="+url.QueryEscape(cursor), nil)
			if (r.StatusCode == 200) != good {
				t.Errorf("%s, cursor %q: %d %s", path, cursor, r.StatusCode, r.body)
			}
			if prefix != "" && good {
				cursor := strings.Replace(cursor, applet, other, 1)
				if r := w.get(w.issuer, path+"&cursor="+cursor, nil); r.problem(t).Field != "cursor" {
					t.Errorf("another applet's cursor: %s", r.body)
				}
			}
		}
	}
	for cursor, good := range map[string]bool{
		merchant + "|TILL1|7": true, merchant + "|a|999999": true, merchant: false, merchant + "|TILL1": false, merchant + "||7": false,
		merchant + "|TILL1|": false, merchant + "|TILL1|07": false, merchant + "|TILL1|7|": false, merchant + "|TILL10000|7": false,
		merchant + "|TILL-|7": false, merchant + "|TILL1|-7": false, merchant + "|TILL1|1000000": false, "mer_x|TILL1|7": false, "||": false,
		merchant + "|TILL1|7\x00": false,
	} {
		if r := w.get(w.shop, "/v1/batches?cursor="+url.QueryEscape(cursor), nil); (r.StatusCode == 200) != good {
			t.Errorf("cursor %q: %d %s", cursor, r.StatusCode, r.body)
		}
	}
}

// reasonOf is why the bank said no, or nothing if it did not.
func reasonOf(t *testing.T, r response) bankapi.Reason {
	t.Helper()
	if r.StatusCode < 300 {
		return ""
	}
	return r.problem(t).Reason()
}

func (c *chip) authorize(amount int64) bankapi.Authorize {
	c.t.Helper()
	return bankapi.Authorize{
		Terminal: "TILL1", Batch: 7, Reference: fmt.Sprint("A-", c.atc), Amount: amount, Currency: "CNY", ChipData: c.arqc(amount),
	}
}

func TestAnAuthorizationIsDecidedOnce(t *testing.T) {
	w := newWorld(t)
	c := w.issue(bankapi.AppletAccount, accountPAN)
	ask := c.authorize(68_000)
	var got bankapi.Authorization
	first := w.must(200, w.shop, "/v1/authorizations", ask, &got, "Idempotency-Key", "tap-1")
	if got.Status != bankapi.TapApproved || got.ResponseCode != "00" || w.balance(w.customer) != 10_000_000-68_000 {
		t.Fatalf("got %+v, and %d in the account", got, w.balance(w.customer))
	}
	data := must(bankapi.ParseChipData(ask.ChipData))(t)
	auth := must(hex.DecodeString(got.IssuerAuth))(t)
	if arc, ok := c.keys.AC.Master(c.pan, 1).VerifyIssuerAuth1(data.Input.ATC, data.AC, auth); !ok || arc != emv.ARCApproved {
		t.Errorf("the chip would not believe the answer: %v %v", arc, ok)
	}
	script := must(emv.ParseScript(must(hex.DecodeString(got.Script))(t)))(t)
	if _, ok := c.keys.MAC.Master(c.pan, 1).VerifyScript(must(apdu.Parse(script.Commands[0]))(t), data.Input.ATC, data.AC); !ok {
		t.Error("the chip would not execute the script")
	}
	again := w.must(200, w.shop, "/v1/authorizations", ask, nil, "Idempotency-Key", "tap-1")
	if !bytes.Equal(again.body, first.body) || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("asked again with the same key: %s", again.body)
	}
	if r := w.post(w.shop, "/v1/authorizations", ask, "Idempotency-Key", "tap-2"); r.problem(t).Reason() != bankapi.Duplicate {
		t.Errorf("asked again with another key: %s", r.body)
	}

	got = bankapi.Authorization{}
	w.must(200, w.shop, "/v1/authorizations", c.authorize(99_000_000), &got)
	if got.Status != bankapi.TapDeclined || got.Reason != bankapi.InsufficientFunds || got.ResponseCode != "51" || got.Script == "" {
		t.Errorf("more than there is: %+v", got)
	}
	w.must(200, w.issuer, "/v1/applets/"+c.applet.ID+"/block", nil, nil)
	w.must(200, w.shop, "/v1/authorizations", c.authorize(1), &got)
	if got.Status != bankapi.TapDeclined || got.Reason != bankapi.AppletBlockedNow {
		t.Errorf("a blocked one: %+v", got)
	}
	w.must(200, w.issuer, "/v1/applets/"+c.applet.ID+"/unblock", nil, nil)
	w.must(200, w.shop, "/v1/authorizations", c.authorize(1), &got)
	if got.Status != bankapi.TapApproved {
		t.Errorf("unblocked: %+v", got)
	}
	w.wantsNoSecrets()
}

// An inquiry is the issuer's, and moves nothing.
func TestAnInquiryTellsTheChip(t *testing.T) {
	w := newWorld(t)
	c := w.issue(bankapi.AppletAccount, accountPAN)
	d := c.asked(emv.ARQC, emv.TypeBalance, 0)
	ask := bankapi.Inquire{ChipData: d.Hex()}
	if r := w.post(w.shop, "/v1/inquiries", ask); r.problem(t).Reason() != bankapi.Forbidden {
		t.Errorf("a merchant: %s", r.body)
	}
	var got bankapi.Inquiry
	first := w.must(200, w.issuer, "/v1/inquiries", ask, &got, "Idempotency-Key", "inquiry-1")
	if got.Applet != c.applet.ID || got.Available != 10_000_000 || got.Currency != "CNY" || got.ResponseCode != "00" {
		t.Errorf("got %+v", got)
	}
	script := must(emv.ParseScript(must(hex.DecodeString(got.Script))(t)))(t)
	value, ok := c.keys.MAC.Master(c.pan, 1).VerifyScript(must(apdu.Parse(script.Commands[0]))(t), d.Input.ATC, d.AC)
	if want := minor(t, 10_000_000); !ok || !bytes.Equal(value, want[:]) {
		t.Errorf("the chip would be told % X (its MAC right: %v)", value, ok)
	}
	if again := w.must(200, w.issuer, "/v1/inquiries", ask, nil, "Idempotency-Key", "inquiry-1"); !bytes.Equal(again.body, first.body) {
		t.Errorf("asked again with the same key: %s", again.body)
	}
	if r := w.post(w.issuer, "/v1/inquiries", ask); r.problem(t).Reason() != bankapi.WrongState {
		t.Errorf("asked again: %s", r.body)
	}
	if got := w.balance(w.customer); got != 10_000_000 {
		t.Errorf("there are %d in the account", got)
	}
	w.wantsNoSecrets()
}

func TestAReversalMayComeFirst(t *testing.T) {
	w := newWorld(t)
	c := w.issue(bankapi.AppletAccount, accountPAN)
	ask := c.authorize(68_000)
	w.must(200, w.shop, "/v1/authorizations", ask, nil)
	reverse := bankapi.Reverse{Terminal: "TILL1", Batch: 7, ChipData: ask.ChipData}
	if r := w.post(w.other, "/v1/authorizations/reverse", reverse); r.problem(t).Reason() != bankapi.NotFound {
		t.Errorf("another merchant's: %s", r.body)
	}
	var tap, again bankapi.TapRecord
	w.must(200, w.shop, "/v1/authorizations/reverse", reverse, &tap)
	w.must(200, w.shop, "/v1/authorizations/reverse", reverse, &again)
	if tap.Status != bankapi.TapReversed || tap != again || tap.Amount != 68_000 || w.balance(w.customer) != 10_000_000 {
		t.Errorf("got %+v, then %+v, and %d in the account", tap, again, w.balance(w.customer))
	}

	ask = c.authorize(5_000)
	reverse.ChipData = ask.ChipData
	w.must(200, w.shop, "/v1/authorizations/reverse", reverse, &tap)
	var got bankapi.Authorization
	w.must(200, w.shop, "/v1/authorizations", ask, &got)
	if got.Status != bankapi.TapReversed && got.Status != bankapi.TapDeclined || got.ResponseCode != "05" || w.balance(w.customer) != 10_000_000 {
		t.Errorf("got %+v after %+v, and %d in the account", got, tap, w.balance(w.customer))
	}
	var batches bankapi.List[bankapi.Batch]
	w.get(w.shop, "/v1/batches", &batches)
	if len(batches.Data) != 1 || batches.Data[0].Count != 0 || batches.Data[0].Amount != 0 {
		t.Errorf("got %+v", batches.Data)
	}
}

func TestALoadIsInFlightUntilThePurseSpeaks(t *testing.T) {
	w := newWorld(t)
	c := w.issue(bankapi.AppletPurse, pursePAN)
	l := w.load(c, 30_000)
	r := w.get(w.issuer, "/v1/loads/"+l.ID, nil)
	var read bankapi.Load
	if err := json.Unmarshal(r.body, &read); err != nil || read != l || l.Status != bankapi.LoadInFlight {
		t.Errorf("read %s, answered %+v", r.body, l)
	}
	var list bankapi.List[bankapi.Load]
	if w.get(w.issuer, "/v1/loads", &list); len(list.Data) != 1 || list.Data[0] != l {
		t.Errorf("listed %+v", list.Data)
	}
	c.scripts = 0 // it was torn: the script was lost, and nothing has changed
	c.balance = 0
	more := c.asked(emv.ARQC, 0x63, 1)
	request := bankapi.CreateLoad{Amount: 1, Currency: "CNY", ChipData: more.Hex()}
	w.must(201, w.issuer, "/v1/loads", request, nil) // whose cryptogram says so
	read = bankapi.Load{}
	if w.get(w.issuer, "/v1/loads/"+l.ID, &read); read.Status != bankapi.LoadReturned || read.Script != "" {
		t.Errorf("got %+v", read)
	}
	if got := w.balance(w.customer); got != 10_000_000-1 {
		t.Errorf("got %d in the account", got)
	}
	w.wantsNoSecrets()
}

func TestAnAppletIsPersonalised(t *testing.T) {
	w := newWorld(t)
	c := w.issue(bankapi.AppletPurse, pursePAN)
	path := "/v1/applets/" + c.applet.ID + "/personalization"
	var p bankapi.AppletPersonalization
	w.must(200, w.issuer, path, bankapi.Personalize{Recipient: "age1station"}, &p)
	if want := must(encryptTo("age1station", []byte("data of "+c.applet.ID)))(t); p.Applet != c.applet.ID || p.Data != want {
		t.Errorf("got %+v", p)
	}
	if r := w.post(w.issuer, path, bankapi.Personalize{Recipient: "somebody"}); r.problem(t).Field != "recipient" {
		t.Errorf("to nobody: %s", r.body)
	}
	none := "/v1/applets/app_01JD3ZF4V7X0B3E6H9K2N5R8TJ/personalization"
	if r := w.post(w.issuer, none, bankapi.Personalize{Recipient: "age1station"}); r.problem(t).Reason() != bankapi.NotFound {
		t.Errorf("of none: %s", r.body)
	}
	var broken bankapi.Applet
	w.must(201, w.issuer, "/v1/applets", bankapi.IssueApplet{
		Kind: bankapi.AppletAccount, Account: w.customer, PAN: accountPAN, AID: "F0736F74746F02", Label: "Broken", Expires: "2049-12",
	}, &broken)
	if r := w.post(w.issuer, "/v1/applets/"+broken.ID+"/personalization", bankapi.Personalize{Recipient: "age1station"}); r.problem(t).Reason() != bankapi.Internal {
		t.Errorf("that cannot be made: %s", r.body)
	}
	var keys bankapi.List[bankapi.CAKey]
	for _, key := range []string{w.issuer, w.shop} {
		if w.get(key, "/v1/ca-keys", &keys); !slices.Equal(keys.Data, caKeys) {
			t.Errorf("got %+v", keys)
		}
	}
	w.wantsNoSecrets()
}

func TestABankWithoutCertificatesSaysSo(t *testing.T) {
	w := newWorld(t, withHandler(func(c *bankhttp.Config) { c.AppletData, c.CAKeys = nil, nil }))
	c := w.issue(bankapi.AppletPurse, pursePAN)
	r := w.post(w.issuer, "/v1/applets/"+c.applet.ID+"/personalization", bankapi.Personalize{Recipient: "age1station"})
	if r.problem(t).Reason() != bankapi.Unavailable {
		t.Errorf("got %s", r.body)
	}
	if got := string(w.get(w.shop, "/v1/ca-keys", nil).body); got != `{"data":[]}` {
		t.Errorf("got %s", got)
	}
}

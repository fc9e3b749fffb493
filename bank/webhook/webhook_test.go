package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"sotto/bank"
	"sotto/bankapi"
)

// Events come in order, each once, and signed as Standard Webhooks says: the
// library finds them right, and so does a HMAC made by hand.
func TestDeliveries(t *testing.T) {
	s := newSite(t, nil)
	m := s.merchant("Tea House")
	e := s.endpoint(m)
	var objects []string
	for range 5 {
		objects = append(objects, s.happen(m))
	}
	calls := e.hears(6)
	if want := s.owed(e); !slices.Equal(e.ids(), want) || len(want) != 6 {
		t.Errorf("heard %v, want %v", e.ids(), want)
	}
	for i, c := range calls {
		checkSignature(t, e, c)
		var got struct {
			Type      string        `json:"type"`
			Timestamp string        `json:"timestamp"`
			Data      bankapi.Event `json:"data"`
		}
		if err := json.Unmarshal(c.body, &got); err != nil {
			t.Fatal(err)
		}
		kind, object := "webhook.created", e.id
		if i > 0 {
			kind, object = "key.created", objects[i-1]
		}
		if got.Type != kind || got.Data.Type != kind || got.Data.Object != object || got.Data.ID != c.id() {
			t.Errorf("call %d is about %s %s, want %s %s", i, got.Type, got.Data.Object, kind, object)
		}
		if at, err := time.Parse(time.RFC3339, got.Timestamp); err != nil || !at.Equal(clock) {
			t.Errorf("call %d: timestamp %q", i, got.Timestamp)
		}
	}
	s.keeps(e)
}

func checkSignature(t *testing.T, e *endpoint, c call) {
	t.Helper()
	library, err := standardwebhooks.NewWebhook("whsec_" + base64.StdEncoding.EncodeToString(e.secret))
	if err != nil {
		t.Fatal(err)
	}
	if err := library.VerifyIgnoringTimestamp(c.body, c.header); err != nil {
		t.Errorf("the library: %v", err)
	}
	mac := hmac.New(sha256.New, e.secret)
	_, _ = fmt.Fprintf(mac, "%s.%d.%s", c.id(), clock.Unix(), c.body)
	for name, want := range map[string]string{
		"webhook-id":        c.id(),
		"webhook-timestamp": "1800000000",
		"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		"content-type":      "application/json",
	} {
		if got := c.header.Get(name); got != want || got == "" {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestHTTPS(t *testing.T) {
	e := &endpoint{}
	e.Server = httptest.NewUnstartedServer(e)
	e.EnableHTTP2 = true
	e.StartTLS()
	t.Cleanup(e.Close)
	s := newSite(t, func(s *site) {
		roots := x509.NewCertPool()
		roots.AddCert(e.Certificate())
		s.roots = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}
	})
	e.site, e.merchant = s, s.merchant("Tea House")
	s.register(e, e.URL)
	checkSignature(t, e, e.hears(1)[0])
	s.keeps(e)
	s.close() // with its connections
	s.open()
	s.happen(e.merchant)
	if calls := e.hears(2); calls[0].id() == calls[1].id() {
		t.Error("the same event twice")
	}
}

func TestDeletedEndpointHearsNoMore(t *testing.T) {
	s := newSite(t, nil)
	e := s.endpoint(s.merchant("Tea House"))
	e.hears(1)
	// It waits after a failure, and so no call is under way when it is deleted; and
	// the other one's goroutine is there before we look whether one has ended.
	s.hold(true)
	e.does(says(500))
	s.happen(e.merchant)
	s.until("it fails", func() bool { return len(s.paused()) > 0 })
	other := s.endpoint(e.merchant)
	other.hears(1)
	s.must(bank.Actor{Role: bankapi.RoleMerchant, Merchant: e.merchant}, bank.DeleteWebhook{Webhook: e.id}, nil)
	s.until("its goroutine ends", func() bool { return !running("serve", 2) })
	n := len(e.heard())
	s.hold(false)
	reaches := func(object string) {
		t.Helper()
		s.until("the other one hears it", func() bool {
			return slices.ContainsFunc(other.heard(), func(c call) bool { return strings.Contains(string(c.body), object) })
		})
	}
	reaches(s.happen(e.merchant))
	if got := len(e.heard()); got != n {
		t.Errorf("%d calls after it was deleted", got-n)
	}
	s.close()
	s.open()
	reaches(s.happen(e.merchant))
	if got := len(e.heard()); got != n {
		t.Errorf("%d calls after a restart", got-n)
	}
}

// running reports whether at least n goroutines are in a function of this
// package.
func running(name string, n int) bool {
	var all strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
	return strings.Count(all.String(), "webhook.(*Courier)."+name+"(") >= n
}

func TestNewEndpointHearsWhatComesAfter(t *testing.T) {
	s := newSite(t, nil)
	first := s.endpoint(s.merchant("Tea House"))
	for range 30 {
		s.happen(first.merchant)
	}
	second := s.endpoint(first.merchant)
	s.happen(first.merchant)
	second.hears(2)
	if want := s.owed(second); !slices.Equal(second.ids(), want) || len(want) != 2 {
		t.Errorf("heard %v, want %v", second.ids(), want)
	}
}

// Close ends everything: runs that wait, that post, and that pause, and their
// connections.
func TestCloseLeavesNothing(t *testing.T) {
	s := newSite(t, nil)
	idle, hanging, failing := s.endpoint(s.merchant("A")), s.serveEndpoint(s.merchant("B")), s.serveEndpoint(s.merchant("C"))
	hanging.does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	failing.does(says(500))
	s.register(hanging, hanging.URL)
	hanging.hears(1)
	idle.hears(1)
	s.hold(true)
	s.register(failing, failing.URL)
	s.until("it pauses", func() bool { return len(s.paused()) > 0 })
	if !running("serve", 3) {
		t.Fatal("the test looks for the wrong goroutines")
	}
	s.stop()
	if running("serve", 1) || running("Run", 1) {
		t.Error("goroutines are left")
	}
	for _, one := range []string{"(*persistConn).readLoop", "(*Transport).dialConn"} {
		s.until("connections end", func() bool {
			var all strings.Builder
			_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
			s.tell()
			return !strings.Contains(all.String(), one)
		})
	}
}

func TestCommittedNeverBlocks(t *testing.T) {
	s := newSite(t, nil)
	e := s.serveEndpoint(s.merchant("Tea House"))
	e.does(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.register(e, e.URL)
	e.hears(1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 50 { // each of which waits for the committer
		if _, err := s.bank.Do(ctx, bank.Call{Op: bank.CreateKey{Merchant: e.merchant, Key: newKey()}, Actor: bank.Issuer}); err != nil {
			t.Fatal(err)
		}
	}
}

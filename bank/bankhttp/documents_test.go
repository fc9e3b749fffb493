package bankhttp_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"sotto/bankapi"
)

func TestMetricsHaveNoIDs(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	w.must(200, w.shop, "/v1/payments/"+p.ID+"/confirm", bankapi.Confirm{Code: w.code(p.ID)}, nil)
	got := string(w.get("", "/metrics", nil).body)
	for _, want := range []string{
		`sotto_http_request_duration_seconds_count{route="POST /v1/payments",status="201"} 1`,
		`sotto_payments_total{status="succeeded"} 1`, "sotto_bank_commits_total ", "sotto_bus_phones 3",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, id := range []string{p.ID, w.card.ID, w.merchant.ID, w.customer} {
		if strings.Contains(got, id[strings.Index(id, "_"):]) {
			t.Errorf("%s is in the metrics", id)
		}
	}
}

// From elsewhere, or through a proxy, the metrics are the issuer's.
func TestMetricsAreNotForPayers(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name, from, header, key string
		want                    int
	}{
		{"this machine", "127.0.0.1:9", "", "", 200},
		{"this machine, version 6", "[::1]:9", "", "", 200},
		{"this machine, mapped", "[::ffff:127.0.0.1]:9", "", "", 200},
		{"elsewhere", "192.0.2.1:9", "", "", 401},
		{"elsewhere, a merchant", "192.0.2.1:9", "", w.shop, 403},
		{"elsewhere, the issuer", "192.0.2.1:9", "", w.issuer, 200},
		{"passed on", "127.0.0.1:9", "X-Forwarded-For", "", 401},
		{"passed on, by the standard", "127.0.0.1:9", "Forwarded", "", 401},
		{"passed on, the issuer", "127.0.0.1:9", "Via", w.issuer, 200},
		{"no address", "@", "", "", 401},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil)
		r.RemoteAddr = tt.from
		if tt.header != "" {
			r.Header.Set(tt.header, "x")
		}
		if tt.key != "" {
			r.Header.Set("Authorization", "Bearer "+tt.key)
		}
		got := httptest.NewRecorder()
		w.handler.ServeHTTP(got, r)
		if got.Code != tt.want || (got.Code == 200) != strings.Contains(got.Body.String(), "sotto_bank_commits_total") {
			t.Errorf("%s: got %d, want %d", tt.name, got.Code, tt.want)
		}
	}
}

func TestTheDocumentDescribesEveryOperation(t *testing.T) {
	w := newWorld(t)
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]struct{ Responses map[string]any }
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(w.get("", "/openapi.json", nil).body, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for path, methods := range doc.Paths {
		for method := range methods {
			n++
			r := w.ask(strings.ToUpper(method), strings.ReplaceAll(path, "{id}", "x"), "", nil)
			if r.StatusCode == 405 || r.StatusCode == 404 {
				t.Errorf("%s %s is described and answers %d", method, path, r.StatusCode)
			}
			if methods[method].Responses["500"] == nil {
				t.Errorf("%s %s does not say how it fails", method, path)
			}
		}
	}
	if doc.OpenAPI != "3.1.0" || n != 58 || doc.Components.Schemas["Payment"] == nil {
		t.Errorf("OpenAPI %s with %d operations", doc.OpenAPI, n)
	}
	docs := string(w.get("", "/docs", nil).body)
	for path := range doc.Paths {
		if !strings.Contains(docs, path) {
			t.Errorf("/docs does not have %s", path)
		}
	}
	for _, r := range bankapi.Reasons() {
		if !strings.Contains(docs, string(r)) {
			t.Errorf("/docs does not have %s", r)
		}
	}
}

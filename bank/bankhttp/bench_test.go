package bankhttp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
)

// unpaced lets one card have as many codes as a benchmark asks for.
func unpaced(p *bank.Policy) {
	p.PairBurst, p.PairInterval, p.CardBurst, p.CardInterval = 1e9, 1, 1e9, 1
}

// serve asks the handler without a connection.
func (w *world) serve(path, key string, body []byte) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	out := httptest.NewRecorder()
	w.handler.ServeHTTP(out, r)
	return out
}

// BenchmarkCreate is POST /v1/payments without a connection, from many callers
// at once, so that commits are shared.
func BenchmarkCreate(b *testing.B) {
	w := newWorld(b, withPolicy(unpaced))
	body, err := json.Marshal(w.request(100))
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(64)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if out := w.serve("/v1/payments", w.shop, body); out.Code != http.StatusCreated {
				b.Errorf("%d %s", out.Code, out.Body)
				return
			}
		}
	})
}

// BenchmarkRefusal is what a request costs that gets as far as the bank's door:
// the key, the body, the answer, the measurement and the log, but no op.
func BenchmarkRefusal(b *testing.B) {
	w := newWorld(b)
	body := fmt.Appendf(nil, `{"card":"card_x","amount":100,"currency":"CNY","order":"A-1001","description":"Green tea, 250 g"}`)
	b.ReportAllocs()
	for b.Loop() {
		if out := w.serve("/v1/payments", w.shop, body); out.Code != http.StatusUnprocessableEntity {
			b.Fatal(out.Code)
		}
	}
}

// BenchmarkConnection is create and cancel over kept connections.
func BenchmarkConnection(b *testing.B) {
	w := newWorld(b, withPolicy(unpaced))
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := w.send("POST", "/v1/payments", w.shop, strings.NewReader(fmt.Sprintf(`{"card":%q,"amount":1,"currency":"CNY"}`, w.card.ID)))
			if err != nil || r.StatusCode != http.StatusCreated {
				b.Error(err, string(r.body))
				return
			}
			var p bankapi.Payment
			if err := json.Unmarshal(r.body, &p); err != nil {
				b.Error(err)
				return
			}
			r, err = w.send("POST", "/v1/payments/"+p.ID+"/cancel", w.shop, nil)
			if err != nil || r.StatusCode != http.StatusOK {
				b.Error(err, string(r.body))
				return
			}
		}
	})
}

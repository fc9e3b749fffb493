package bankhttp_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"sotto/bankapi"
)

// response is an HTTP answer that has been read.
type response struct {
	*http.Response
	body []byte
}

func (r response) problem(t testing.TB) *bankapi.Problem {
	t.Helper()
	p := &bankapi.Problem{}
	if err := json.Unmarshal(r.body, p); err != nil || p.Status != r.StatusCode || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("not a problem: %d %s %s", r.StatusCode, r.Header.Get("Content-Type"), r.body)
	}
	return p
}

// ask sends one request. The key may be empty; headers come in pairs.
func (w *world) ask(method, path, key string, body io.Reader, header ...string) response {
	w.t.Helper()
	r, err := w.send(method, path, key, body, header...)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) send(method, path, key string, body io.Reader, header ...string) (response, error) {
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, body)
	if err != nil {
		return response{}, err
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := w.client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	return response{res, read}, err
}

func (w *world) post(key, path string, v any, header ...string) response {
	w.t.Helper()
	var body io.Reader
	if v != nil {
		b, err := json.Marshal(v)
		if err != nil {
			w.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	return w.ask("POST", path, key, body, header...)
}

// must posts and reads the answer.
func (w *world) must(status int, key, path string, v, into any, header ...string) response {
	w.t.Helper()
	r := w.post(key, path, v, header...)
	if r.StatusCode != status {
		w.t.Fatalf("POST %s: got %d %s, want %d", path, r.StatusCode, r.body, status)
	}
	if into != nil {
		if err := json.Unmarshal(r.body, into); err != nil {
			w.t.Fatal(err)
		}
	}
	return r
}

func (w *world) get(key, path string, into any) response {
	w.t.Helper()
	r := w.ask("GET", path, key, nil)
	if into != nil {
		if r.StatusCode != 200 {
			w.t.Fatalf("GET %s: %d %s", path, r.StatusCode, r.body)
		}
		if err := json.Unmarshal(r.body, into); err != nil {
			w.t.Fatal(err)
		}
	}
	return r
}

func (w *world) request(amount int64) bankapi.CreatePayment {
	return bankapi.CreatePayment{Card: w.card.ID, Amount: amount, Currency: "CNY", Order: "A-1001", Description: "Green tea, 250 g"}
}

func (w *world) pay(amount int64) bankapi.Payment {
	w.t.Helper()
	var p bankapi.Payment
	w.must(201, w.shop, "/v1/payments", w.request(amount), &p)
	return p
}

func (w *world) balance(account string) int64 {
	w.t.Helper()
	var a bankapi.Account
	w.get(w.issuer, "/v1/accounts/"+account, &a)
	return a.Balance
}

package bankhttp_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"sotto/bank/bankhttp"
	"sotto/bankapi"
)

// stream opens the live state of a payment and returns its lines.
func (w *world) stream(t *testing.T, payment string) (status int, kind string, lines *bufio.Scanner) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/pay/"+payment+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Body.Close() })
	return r.StatusCode, r.Header.Get("Content-Type"), bufio.NewScanner(r.Body)
}

func next(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			return text
		}
	}
	return "(end)"
}

func TestAStreamTellsEveryStepAndEnds(t *testing.T) {
	w := newWorld(t, withLimits(bankhttp.Limits{WriteTimeout: 300 * time.Millisecond, ReadTimeout: 300 * time.Millisecond}))
	p := w.pay(100)
	status, kind, lines := w.stream(t, p.ID)
	if status != 200 || kind != "text/event-stream" {
		t.Fatalf("got %d %s", status, kind)
	}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, "awaiting_code sending 5"},
		{func() { w.hub.Arrived(w.dispatched(p.ID).ID) }, "awaiting_code on_phone 5"},
		{func() { w.shows(p.ID) }, "awaiting_code on_card 5"},
		{func() { time.Sleep(500 * time.Millisecond) }, ""}, // past the server's timeouts
		{func() { w.post(w.shop, "/v1/payments/"+p.ID+"/confirm", bankapi.Confirm{Code: w.wrong(p.ID)}) }, "awaiting_code on_card 4"},
		{func() { w.must(200, w.shop, "/v1/payments/"+p.ID+"/cancel", nil, nil) }, "canceled on_card 4"},
		{func() {}, "(end)"},
	} {
		step.do()
		if step.want == "" {
			continue
		}
		if got := next(t, lines); !strings.HasPrefix(got, step.want) {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
}

func TestStreamsAreBoundedAndEndWithTheServer(t *testing.T) {
	w := newWorld(t)
	p := w.pay(100)
	for range 8 {
		if status, _, lines := w.stream(t, p.ID); status != 200 || next(t, lines) == "(end)" {
			t.Fatalf("got %d", status)
		}
	}
	if status, _, _ := w.stream(t, p.ID); status != 429 {
		t.Errorf("the ninth: %d", status)
	}
	if status, _, _ := w.stream(t, "pay_01JD3ZC5T8Y2M6V1R9K4Q7N3WF"); status != 404 {
		t.Errorf("of nothing: %d", status)
	}
	// The clean-up of the world fails if the server does not end in time.
}

func TestAHubForgetsRatherThanGrows(t *testing.T) {
	w := newWorld(t)
	first := w.pay(100)
	d := w.dispatched(first.ID)
	w.hub.Arrived("dsp_unknown")
	w.hub.Arrived(d.ID)
	if got := w.delivery(first.ID); got != bankapi.DeliveryOnPhone {
		t.Errorf("got %s", got)
	}
	w.must(200, w.shop, "/v1/payments/"+first.ID+"/resend", nil, nil)
	w.hub.Arrived(d.ID) // of the code that is void
	if got := w.delivery(first.ID); got != bankapi.DeliverySending {
		t.Errorf("after a resend: got %s", got)
	}
}

func (w *world) delivery(payment string) bankapi.Delivery {
	w.t.Helper()
	var p bankapi.Payment
	w.get(w.shop, "/v1/payments/"+payment, &p)
	return p.Delivery
}

func TestAPanicIsOneProblemAndTellsNothing(t *testing.T) {
	w := newWorld(t)
	r := w.post(w.issuer, "/v1/cards/"+w.card.ID+"/personalization", bankapi.Personalize{Recipient: "age1-panics-" + testPAN})
	if r.problem(t).Reason() != bankapi.Internal || strings.Contains(string(r.body), "panic") {
		t.Errorf("got %s", r.body)
	}
	if log := w.log.String(); !strings.Contains(log, "a request failed") {
		t.Error("the log does not tell")
	}
	w.wantsNoSecrets()
}

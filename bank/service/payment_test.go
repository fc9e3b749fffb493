package service

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/card"
	"sotto/link/mem"
)

// One payment with everything real but the radio: the bank, its bus over TLS, a
// phone, a card and the shop's endpoint.
func TestPayment(t *testing.T) {
	h := newHouse(t)
	var mu sync.Mutex
	var bodies []string
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(body))
	}))
	defer endpoint.Close()
	hook := may(h.shop.CreateWebhook(t.Context(), bankapi.CreateWebhook{URL: endpoint.URL}))(t)
	p, c := h.pair()

	h.stopClock() // the first try has to do
	payment := h.pay(c)
	h.onCard(payment)
	view := c.device.View()
	if view.Scene != card.ScenePayment || view.Amount != "CNY 12.80" || view.Payee != "Tea House" || len(view.Code) != 8 {
		t.Errorf("the card shows %q for %q with %d digits", view.Amount, view.Payee, len(view.Code))
	}
	h.confirm(payment, c)
	want := []string{"payment.created", "payment.code_on_card", "payment.succeeded"}
	if got := h.events(payment.ID); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if a := may(h.issuer.Account(t.Context(), h.merchant.Account))(t); a.Balance != 1280 {
		t.Errorf("the shop has %d", a.Balance)
	}
	var told []string
	eventually(t, "the shop is told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		told = nil
		for _, b := range bodies {
			var m struct{ Type string }
			if json.Unmarshal([]byte(b), &m) == nil && strings.HasPrefix(m.Type, "payment.") {
				told = append(told, m.Type)
			}
		}
		return len(told) >= 3
	})
	if !slices.Equal(told, want) {
		t.Errorf("the shop was told %v, want %v", told, want)
	}

	mu.Lock()
	defer mu.Unlock()
	everything := h.log.String() + strings.Join(bodies, "\n")
	if !strings.Contains(everything, payment.ID) {
		t.Error("this test looks at nothing")
	}
	for name, secret := range map[string]string{
		"code": view.Code, "card number": "6217000010000000011", "API key": h.merchant.Key.Secret,
		"webhook secret": strings.TrimPrefix(hook.Secret, "whsec_"),
	} {
		if secret == "" || strings.Contains(everything, secret) {
			t.Errorf("a log or webhook has the %s", name)
		}
	}
	if p.phone.Screen() != "" {
		t.Error("the phone shows something")
	}
}

// A code waits for a phone that is away, and reaches it when it is back.
func TestPhoneAway(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	p.disconnect()
	payment := h.pay(c)
	heard := len(p.dispatches())
	p.connect()
	h.onCard(payment)
	h.confirm(payment, c)
	if n := len(p.dispatches()) - heard; n < 1 {
		t.Errorf("the phone heard %d dispatches", n)
	}
}

// The report waits too: the card answers while the phone is away.
func TestPhoneGoesAwayBeforeItReports(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	h.air.Move(c.id, mem.OutOfReach)
	payment := h.pay(c)
	eventually(t, "the phone has it", func() bool { return len(p.dispatches()) == 2 })
	p.disconnect()
	h.air.Move(c.id, mem.InReach)
	eventually(t, "the card shows it", func() bool { return len(c.views()) == 2 })
	if got := may(h.shop.Payment(t.Context(), payment.ID))(t).Delivery; got == bankapi.DeliveryOnCard {
		t.Errorf("delivery is %s before anybody has reported", got)
	}
	p.connect()
	h.onCard(payment)
	h.confirm(payment, c)
}

// What was cancelled before the phone came is not shown.
func TestCancelledCodeIsNotShown(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	p.disconnect()
	cancelled := h.pay(c)
	may(h.shop.CancelPayment(t.Context(), cancelled.ID))(t)
	p.connect()
	payment := h.pay(c)
	h.onCard(payment)
	h.confirm(payment, c)
	if n := len(c.views()); n != 2 {
		t.Errorf("the card showed %d codes, want the binding's and one", n)
	}
}

// The bank ends with a code on its way and comes back over the same file: the
// phone, which never stopped trying, gets it.
func TestBankRestarts(t *testing.T) {
	for _, connected := range []bool{true, false} {
		h := newHouse(t)
		p, c := h.pair()
		h.air.Move(c.id, mem.OutOfReach)
		if !connected {
			p.disconnect()
		}
		payment := h.pay(c)
		h.restart()
		if !connected {
			p.connect()
		}
		h.air.Move(c.id, mem.InReach)
		h.onCard(payment)
		h.confirm(payment, c)
		if got := h.events(payment.ID); slices.Index(got, "payment.code_on_card") != 1 || len(got) != 3 {
			t.Errorf("connected %v: events %v", connected, got)
		}
	}
}

// A report that comes again is answered the same, and counts once.
func TestReportsComeAgain(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	payment := h.pay(c)
	h.onCard(payment)
	reports := p.sent()
	last := reports[len(reports)-1]
	for range 3 {
		if got := may(p.Send(t.Context(), last))(t); string(got) != "{}" {
			t.Errorf("answered %s", got)
		}
	}
	h.confirm(payment, c)
	if got := may(p.Send(t.Context(), last))(t); string(got) != "{}" {
		t.Errorf("answered %s after the payment", got)
	}
	want := []string{"payment.created", "payment.code_on_card", "payment.succeeded"}
	if got := h.events(payment.ID); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
}

// What is no report is answered as that, so that it does not come for ever.
func TestMalformedReport(t *testing.T) {
	h := newHouse(t)
	p, _ := h.pair()
	for _, body := range []string{"", "hello", "\xE9\x00", strings.Repeat("x", 60_000)} {
		var problem bankapi.Problem
		if err := json.Unmarshal(may(p.Send(t.Context(), []byte(body)))(t), &problem); err != nil || problem.Reason() != bankapi.Malformed {
			t.Errorf("%d bytes: %v %v", len(body), problem, err)
		}
	}
}

// Two phones: a card moves from one to the other, and two cards pay at once.
func TestTwoPhones(t *testing.T) {
	h := newHouse(t)
	first, c := h.pair()
	second := h.newPhone("Li Wei's other phone")
	second.connect()
	h.bind(second, c)
	heard := len(first.dispatches())
	payment := h.pay(c)
	h.onCard(payment)
	h.confirm(payment, c)
	if n := len(first.dispatches()); n != heard {
		t.Errorf("the former phone heard %d dispatches", n-heard)
	}

	other := h.newCard("6217000010000000029")
	h.bind(first, other)
	var both sync.WaitGroup
	for _, one := range []*plastic{c, other} {
		both.Go(func() {
			for range 5 {
				p := h.pay(one)
				h.onCard(p)
				h.confirm(p, one)
			}
		})
	}
	both.Wait()
	if n := h.service.Bus.Phones(); n != 2 {
		t.Errorf("%d phones on the bus", n)
	}
}

// One phone cannot answer for another.
func TestForeignReport(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	thief := h.newPhone("thief")
	thief.connect()
	h.air.Move(c.id, mem.AnswerLost)
	payment := h.pay(c)
	eventually(t, "the card shows it", func() bool { return len(c.views()) == 2 })
	refusal := make([]byte, 0)
	row := may(h.store.Waiting(t.Context(), p.id, h.now().UnixMilli()))(t)[0]
	refusal = may(bankapi.Report{Dispatch: row.ID, Answer: mustRefuse(t, row.ID)}.Append(refusal))(t)
	if got := may(thief.Send(t.Context(), refusal))(t); string(got) != "{}" {
		t.Errorf("answered %s", got)
	}
	if got := may(h.shop.Payment(t.Context(), payment.ID))(t).Delivery; got == bankapi.DeliveryFailed {
		t.Errorf("delivery is %s on a stranger's word", got)
	}
	h.air.Move(c.id, mem.InReach)
	h.onCard(payment)
}

// A revoked phone is off the bus at once, hears nothing more, and does not come
// back, not to a bank that has started anew either.
func TestRevokedPhone(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	h.air.Move(c.id, mem.OutOfReach)
	h.pay(c)
	eventually(t, "the phone has it", func() bool { return len(p.dispatches()) == 2 })
	line := p.line
	may(h.issuer.RevokePhone(t.Context(), p.id))(t)
	eventually(t, "it is off the bus", func() bool { return h.service.Bus.Phones() == 0 && !line.Connected() })
	_, err := h.shop.CreatePayment(t.Context(), bankapi.CreatePayment{Card: c.id, Amount: 100, Currency: "CNY"})
	if problem := (*bankapi.Problem)(nil); !errors.As(err, &problem) || problem.Reason() != bankapi.PhoneUnavailable {
		t.Errorf("a payment: %v", err)
	}
	for range 2 {
		p.disconnect()
		again := p.dial()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if err := again.Ready(ctx); err == nil {
			t.Error("a revoked phone was let in")
		}
		cancel()
		h.restart()
	}
	if n := len(p.dispatches()); n != 2 {
		t.Errorf("the phone heard %d dispatches", n)
	}
	// A connection that has not ended yet asks for what waits.
	d := &desk{bank: h.service.Bank, now: h.now}
	waits := len(may(h.store.Waiting(t.Context(), p.id, h.now().UnixMilli()))(t))
	err = d.Pending(t.Context(), p.id, func(string, []byte) { t.Error("it was sent a code") })
	if err != nil || waits != 1 {
		t.Errorf("%v, and %d dispatches wait", err, waits)
	}
	if _, ok, err := d.PhoneByKey(t.Context(), may(h.store.Phone(t.Context(), p.id))(t).PublicKey); ok || err != nil {
		t.Errorf("PhoneByKey: %v %v", ok, err)
	}
}

// What waits is sent in the order in which it was made.
func TestPendingOrder(t *testing.T) {
	h := newHouse(t)
	p, c := h.pair()
	p.disconnect()
	for range 20 {
		h.pay(c)
	}
	var want, got []string
	for _, d := range may(h.store.Waiting(t.Context(), p.id, h.now().UnixMilli()))(t) {
		want = append(want, d.ID)
	}
	d := &desk{bank: h.service.Bank, now: h.now}
	if err := d.Pending(t.Context(), p.id, func(id string, _ []byte) { got = append(got, id) }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) || len(want) != 20 || !inOrder(h, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	h.store.fail(errDisk, nil)
	if err := d.Pending(t.Context(), p.id, func(string, []byte) {}); !errors.Is(err, errDisk) {
		t.Errorf("a dead store: %v", err)
	}
	h.store.fail(nil, nil)
	h.pass(time.Hour)
	if err := d.Pending(t.Context(), p.id, func(string, []byte) { t.Error("an expired code was sent") }); err != nil {
		t.Fatal(err)
	}
}

// inOrder reports whether dispatches are those of payments in order of creation.
func inOrder(h *house, dispatches []string) bool {
	h.t.Helper()
	of := map[string]string{}
	for _, p := range may(h.store.Payments(h.t.Context(), "", bank.Page{Limit: 100}))(h.t) {
		of[p.Dispatch] = p.ID
	}
	var payments []string
	for _, d := range dispatches {
		payments = append(payments, of[d])
	}
	links := may(h.store.Links(h.t.Context(), 0, 1000))(h.t)
	var created []string
	for _, l := range links {
		for _, e := range may(l.Events())(h.t) {
			if e.Type == "payment.created" {
				created = append(created, e.Object)
			}
		}
	}
	return slices.Equal(payments, created)
}

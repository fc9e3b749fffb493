package bank

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"sotto/bankapi"
)

// What is written by hand is what encoding/json would write.
func TestEncodersAgreeWithTheStandardLibrary(t *testing.T) {
	text := rapid.OneOf(
		rapid.String(), rapid.StringMatching(`[a-z_0-9A-Z]{0,30}`), rapid.Just(""),
		rapid.SampledFrom([]string{"<b>&\"\\", "\u2028\u2029", "茶館", "\x00\x1f\x7f", "\xff\xc0", "a\nb\tc", "🍵"}),
	)
	number := rapid.Int64Range(-1, 999_999_999_999)
	instant := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1, 250_000_000_000_000))
	rapid.Check(t, func(t *rapid.T) {
		word := func(name string) string { return text.Draw(t, name) }
		at := func(name string) bankapi.Time { return bankapi.Time(instant.Draw(t, name)) }
		n := func(name string) int64 { return number.Draw(t, name) }

		p := bankapi.Payment{
			ID: word("id"), Status: bankapi.PaymentStatus(word("status")), Amount: n("amount"), Currency: word("currency"),
			Captured: n("captured"), RefundedSum: n("refunded"), Merchant: word("merchant"), Payee: word("payee"),
			Order: word("order"), Description: word("description"), Card: word("card"), CardNumber: word("number"),
			Capture: bankapi.CaptureMode(word("capture")), Delivery: bankapi.Delivery(word("delivery")),
			AttemptsLeft: int(n("left")), CodeURL: word("url"), ReturnURL: word("return"), Reason: bankapi.Reason(word("reason")),
			CreatedAt: at("created"), ExpiresAt: at("expires"), EndedAt: at("ended"),
		}
		want, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, appendPayment(nil, &p), want)

		e := bankapi.Event{
			ID: word("id"), Type: word("type"), At: at("at"), Merchant: word("merchant"), Object: word("object"),
			Amount: n("amount"), Currency: word("currency"),
		}
		compare(t, appendEventLine(nil, &e), standardLine(t, auditLine{Event: &e}))

		m := bankapi.Transfer{
			ID: word("id"), Kind: bankapi.TransferKind(word("kind")), Debit: word("debit"), Credit: word("credit"),
			Amount: n("amount"), Currency: word("currency"), Payment: word("payment"), Note: word("note"), CreatedAt: at("created"),
		}
		compare(t, appendTransferLine([]byte{}, &m), standardLine(t, auditLine{Transfer: &m}))
	})
}

// A field that is added to these types has to be added to the encoders: with
// everything set, all names are there.
func TestEncodersKnowAllFields(t *testing.T) {
	payment := bankapi.Payment{Order: "o", Description: "d", ReturnURL: "r", Reason: "x", EndedAt: 1}
	event := bankapi.Event{Merchant: "m", Amount: 1, Currency: "c"}
	transfer := bankapi.Transfer{Payment: "p", Note: "n"}
	for _, c := range []struct {
		got  []byte
		want any
	}{
		{appendPayment(nil, &payment), payment},
		{appendEventLine(nil, &event), auditLine{Event: &event}},
		{appendTransferLine(nil, &transfer), auditLine{Transfer: &transfer}},
	} {
		want, err := json.Marshal(c.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.TrimSuffix(c.got, []byte("\n")); !bytes.Equal(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func standardLine(t *rapid.T, l auditLine) []byte {
	t.Helper()
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(l); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func compare(t *rapid.T, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func BenchmarkPaymentByHand(b *testing.B) {
	p := benchPayment()
	b.ReportAllocs()
	for b.Loop() {
		_ = done(p)
	}
}

func BenchmarkPaymentByReflection(b *testing.B) {
	p := benchPayment()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(p); err != nil {
			b.Fatal(err)
		}
	}
}

func benchPayment() bankapi.Payment {
	return bankapi.Payment{
		ID: "pay_01JD3Z9Q8VXK4M2N7T5R6W8Y0B", Status: bankapi.Succeeded, Amount: 12800, Currency: "CNY", Captured: 12800,
		Merchant: "mer_01JD3Z9Q8VXK4M2N7T5R6W8Y0B", Payee: "Tea House", Order: "A-1001", Description: "Green tea, 250 g",
		Card: "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B", CardNumber: "621700******0001", Capture: bankapi.CaptureAutomatic,
		Delivery: bankapi.DeliveryOnCard, AttemptsLeft: 5, CodeURL: "http://127.0.0.1:8421/pay/pay_01JD3Z9Q8VXK4M2N7T5R6W8Y0B",
		CreatedAt: 1_800_000_000_000, ExpiresAt: 1_800_000_180_000, EndedAt: 1_800_000_001_000,
	}
}

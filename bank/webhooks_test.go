package bank_test

import (
	"fmt"
	"testing"

	"sotto/bank"
	"sotto/bankapi"
)

// A merchant has at most 16 endpoints. Another merchant's do not count, nor do
// those that were deleted; and deleting one twice makes no room for two.
func TestWebhooksAreFew(t *testing.T) {
	w := newTapWorld(t)
	other := actorOf(w.newMerchant("Book Shop"))
	n := 0
	create := func() (string, bank.Op) {
		n++
		id := fmt.Sprintf("wh_%026d", n)
		return id, bank.CreateWebhook{CreateWebhook: bankapi.CreateWebhook{URL: "https://shop.example"}, ID: id}
	}
	var first string
	for range 16 {
		id, op := create()
		w.must(w.shop(), op, nil)
		first = id
	}
	_, more := create()
	w.refused(bankapi.TooMany, w.shop(), more)
	w.must(other, more, nil)
	w.must(w.shop(), bank.DeleteWebhook{Webhook: first}, nil)
	w.refused(bankapi.NotFound, w.shop(), bank.DeleteWebhook{Webhook: first})
	w.refused(bankapi.NotFound, other, bank.DeleteWebhook{Webhook: first})
	_, more = create()
	w.must(w.shop(), more, nil)
	_, more = create()
	w.refused(bankapi.TooMany, w.shop(), more)
}

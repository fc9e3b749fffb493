package bankhttp

import (
	"reflect"

	"sotto/bankapi"
)

// The ids and times of the examples.
const (
	exampleAt       bankapi.Time = 1_800_000_000_000
	exampleAccount               = "acct_01JD3Z9Q8VXK4M2N7T5R6W8Y0A"
	exampleVault                 = "acct_01JD3Z8E2B6Q9H4C1M7T5R3W0D"
	exampleCard                  = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"
	examplePhone                 = "ph_01JD3ZA1N5E8T2K6M9Q4X7V3WC"
	exampleBinding               = "bind_01JD3ZB7C4R1G8P5Y2N6T9H0KD"
	exampleMerchant              = "mer_01JD3Z7H3F9W6K2Q8T1N5R4VXE"
	examplePayment               = "pay_01JD3ZC5T8Y2M6V1R9K4Q7N3WF"
	exampleKey                   = "key_01JD3Z7H4G1B5D8E2J6K9M3N7P"
	exampleTransfer              = "tr_01JD3ZD2Q6R9S3T7V1W5X8Y2ZG"
	exampleWebhook               = "wh_01JD3ZE9H2J5K8M1N4P7Q0R3SH"
	exampleEventID               = "000000000042.0001"
)

// examples are shown in the documents, one for each type of a request or answer.
var examples = exampleTable()

func exampleTable() map[reflect.Type]any {
	table := map[reflect.Type]any{}
	for _, part := range [][]any{exampleRequests(), exampleTapRequests(), exampleAnswers(), exampleTapAnswers()} {
		for _, v := range part {
			table[reflect.TypeOf(v)] = v
		}
	}
	return table
}

func exampleRequests() []any {
	return []any{
		bankapi.CreatePayment{
			Card: exampleCard, Amount: 12800, Currency: "CNY", Order: "A-1001", Description: "Green tea, 250 g",
			ReturnURL: "https://shop.example/orders/A-1001",
		},
		bankapi.Confirm{Code: "123 456"},
		bankapi.Capture{Amount: 12800},
		bankapi.RefundPayment{Amount: 2800},
		bankapi.CreateMerchant{Name: "Tea House", Currency: "CNY"},
		bankapi.CreateAccount{Name: "Li Wei", Kind: bankapi.AccountCustomer, Currency: "CNY"},
		bankapi.CreateTransfer{Debit: exampleVault, Credit: exampleAccount, Amount: 100000, Currency: "CNY", Note: "opening"},
		bankapi.IssueCard{Account: exampleAccount, PAN: "6217000010000000011", Holder: "LI WEI", Language: "zh"},
		bankapi.Personalize{Recipient: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"},
		bankapi.InvitePhone{Name: "Li Wei's phone"},
		bankapi.EnrolPhone{
			Ticket: "7yq3v0Jx2Wc9…", PublicKey: "UDXB5LQ3…",
			BoxKey: "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=", KeySource: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		},
		bankapi.Bind{Card: exampleCard, Phone: examplePhone},
		bankapi.CreateWebhook{URL: "https://shop.example/hooks/sotto"},
	}
}

func exampleAnswers() []any {
	payment := bankapi.Payment{
		ID: examplePayment, Status: bankapi.AwaitingCode, Amount: 12800, Currency: "CNY", Merchant: exampleMerchant,
		Payee: "Tea House", Order: "A-1001", Description: "Green tea, 250 g", Card: exampleCard,
		CardNumber: "621700*********0011", Capture: bankapi.CaptureAutomatic, Delivery: bankapi.DeliveryOnCard, AttemptsLeft: 5,
		CodeURL: "https://bank.example/pay/" + examplePayment, ReturnURL: "https://shop.example/orders/A-1001",
		CreatedAt: exampleAt, ExpiresAt: exampleAt + 180_000,
	}
	account := bankapi.Account{
		ID: exampleAccount, Name: "Li Wei", Kind: bankapi.AccountCustomer, Currency: "CNY",
		Balance: 100000, Held: 12800, Available: 87200, CreatedAt: exampleAt,
	}
	transfer := bankapi.Transfer{
		ID: exampleTransfer, Kind: bankapi.TransferPlain, Debit: exampleVault, Credit: exampleAccount,
		Amount: 100000, Currency: "CNY", Note: "opening", CreatedAt: exampleAt,
	}
	card := bankapi.Card{
		ID: exampleCard, Account: exampleAccount, Number: "621700*********0011", Holder: "LI WEI", Profile: "card-sealed",
		Language: "zh", Status: bankapi.CardActive, Binding: exampleBinding, Phone: examplePhone, CreatedAt: exampleAt,
	}
	phone := bankapi.Phone{ID: examplePhone, Name: "Li Wei's phone", Status: bankapi.PhoneActive, CreatedAt: exampleAt}
	binding := bankapi.Binding{
		ID: exampleBinding, Card: exampleCard, Phone: examplePhone, Status: bankapi.BindingPending,
		Delivery: bankapi.DeliverySending, AttemptsLeft: 5, CreatedAt: exampleAt, ExpiresAt: exampleAt + 600_000,
	}
	key := bankapi.APIKey{ID: exampleKey, Role: bankapi.RoleMerchant, Merchant: exampleMerchant, CreatedAt: exampleAt}
	merchant := bankapi.Merchant{ID: exampleMerchant, Name: "Tea House", Account: exampleVault, CreatedAt: exampleAt}
	webhook := bankapi.Webhook{
		ID: exampleWebhook, Merchant: exampleMerchant, URL: "https://shop.example/hooks/sotto",
		Cursor: exampleEventID, CreatedAt: exampleAt,
	}
	event := bankapi.Event{
		ID: exampleEventID, Type: "payment.succeeded", At: exampleAt, Merchant: exampleMerchant,
		Object: examplePayment, Amount: 12800, Currency: "CNY",
	}
	left := 4
	wrong := *bankapi.NewProblem(bankapi.WrongCode, "compare with the card and try again")
	wrong.AttemptsLeft = &left
	return []any{
		payment, account, transfer, card, phone, binding, key, merchant, webhook, event, wrong,
		page(payment), page(account), page(transfer), page(card), page(phone), page(binding), page(merchant), page(webhook),
		bankapi.List[bankapi.Event]{Data: []bankapi.Event{event}, NextCursor: exampleEventID},
		bankapi.Personalization{Card: exampleCard, Data: "-----BEGIN AGE ENCRYPTED FILE-----\n…"},
		bankapi.Enrolment{
			Phone: examplePhone, Bus: "tls://bank.example:4222", CA: "-----BEGIN CERTIFICATE-----\n…", PhoneKey: "base64…",
		},
	}
}

func page[T any](one T) bankapi.List[T] { return bankapi.List[T]{Data: []T{one}} }

// example is the route's answer: that of its type, as it is after this operation.
func (rt *route) example() any {
	v := examples[rt.out]
	after, changed := exampleAfter[rt.id]
	if !changed {
		return v
	}
	return after(v)
}

// exampleAfter changes an example to what an operation leaves.
var exampleAfter = map[string]func(any) any{
	"createPayment": on(func(p *bankapi.Payment) { p.Delivery = bankapi.DeliverySending }),
	"resendCode":    on(func(p *bankapi.Payment) { p.Delivery = bankapi.DeliverySending }),
	"confirmPayment": on(func(p *bankapi.Payment) {
		p.Status, p.Captured = bankapi.Succeeded, p.Amount
	}),
	"cancelPayment": on(func(p *bankapi.Payment) { p.Status = bankapi.Canceled }),
	"capturePayment": on(func(p *bankapi.Payment) {
		p.Status, p.Captured, p.Capture = bankapi.Succeeded, p.Amount, bankapi.CaptureManual
	}),
	"refundPayment": on(func(p *bankapi.Payment) {
		p.Status, p.Captured, p.RefundedSum = bankapi.Succeeded, p.Amount, 2800
	}),
	"blockCard":      on(func(c *bankapi.Card) { c.Status = bankapi.CardBlocked }),
	"revokePhone":    on(func(p *bankapi.Phone) { p.Status = bankapi.PhoneRevoked }),
	"confirmBinding": on(func(b *bankapi.Binding) { b.Status, b.Delivery = bankapi.BindingConfirmed, bankapi.DeliveryOnCard }),
	"revokeBinding":  on(func(b *bankapi.Binding) { b.Status = bankapi.BindingRevoked }),
	"blockApplet":    on(func(a *bankapi.Applet) { a.Status = bankapi.AppletBlocked }),
	"resolveLoad":    on(func(l *bankapi.Load) { l.Status = bankapi.LoadCompleted }),
}

// on is a change to a copy of an example.
func on[T any](change func(*T)) func(any) any {
	return func(v any) any {
		one, ok := v.(T)
		if !ok {
			panic("bankhttp: an example of another type")
		}
		change(&one)
		return one
	}
}

package bankhttp

import (
	"net/http"

	"sotto/bankapi"
	"sotto/ident"
)

// Methods, for short.
const (
	get  = http.MethodGet
	post = http.MethodPost
	del  = http.MethodDelete
)

// table is the API. Every operation may also answer with the reasons of
// everyOperation, and every POST with those of everyPost (openapi.go).
func table() []*route {
	var all []*route
	for _, part := range [][]*route{
		paymentRoutes(), merchantRoutes(), ledgerRoutes(), cardRoutes(), phoneRoutes(), bindingRoutes(),
		appletRoutes(), tapRoutes(), loadRoutes(), eventRoutes(),
	} {
		all = append(all, part...)
	}
	return all
}

func paymentRoutes() []*route {
	const tag = "Payments"
	return []*route{
		{
			method: post, path: "/v1/payments", id: "createPayment", tag: tag, allow: merchantOnly, status: http.StatusCreated,
			summary: "Create a payment and send its code",
			about: "The bank finds the phone that the card is bound to, and sends the code through it to the card. " +
				"Send the payer to `code_url`, or take the code yourself and confirm the payment with it.",
			reasons:  []bankapi.Reason{bankapi.CardBlockedNow, bankapi.CodeLocked, bankapi.CardUnbound, bankapi.PhoneUnavailable, bankapi.Paced},
			endpoint: takes[bankapi.Payment]((*call).createPayment),
		},
		{
			method: get, path: "/v1/payments", id: "listPayments", tag: tag, allow: anyKey, query: paging,
			summary:  "List payments",
			about:    "A merchant sees its own, the issuer all.",
			endpoint: gives[bankapi.List[bankapi.Payment]]((*call).listPayments),
		},
		{
			method: get, path: "/v1/payments/{id}", of: ident.Payment, id: "getPayment", tag: tag, allow: anyKey,
			summary:  "Get a payment",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Payment]((*call).getPayment),
		},
		{
			method: post, path: "/v1/payments/{id}/confirm", of: ident.Payment, id: "confirmPayment", tag: tag, allow: anyKey,
			summary: "Confirm a payment with the code from the card",
			about:   "The right code moves the money, or holds it if `capture` is manual. A code works once, for this amount and payee only.",
			reasons: []bankapi.Reason{
				bankapi.NotFound, bankapi.WrongState, bankapi.PaymentExpired, bankapi.CodeLocked, bankapi.WrongCode,
				bankapi.TooManyAttempts, bankapi.CardBlockedNow, bankapi.InsufficientFunds,
			},
			endpoint: takes[bankapi.Payment]((*call).confirmPayment),
		},
		{
			method: post, path: "/v1/payments/{id}/cancel", of: ident.Payment, id: "cancelPayment", tag: tag, allow: anyKey,
			summary:  "Cancel a payment",
			about:    "Before the money has moved. What was held is released.",
			reasons:  []bankapi.Reason{bankapi.NotFound, bankapi.WrongState},
			endpoint: gives[bankapi.Payment]((*call).cancelPayment),
		},
		{
			method: post, path: "/v1/payments/{id}/resend", of: ident.Payment, id: "resendCode", tag: tag, allow: anyKey,
			summary: "Send another code",
			about:   "The code before it is void. Wrong codes stay counted.",
			reasons: []bankapi.Reason{
				bankapi.NotFound, bankapi.WrongState, bankapi.PaymentExpired, bankapi.CardBlockedNow, bankapi.CodeLocked,
				bankapi.CardUnbound, bankapi.PhoneUnavailable, bankapi.Paced,
			},
			endpoint: gives[bankapi.Payment]((*call).resendCode),
		},
		{
			method: post, path: "/v1/payments/{id}/capture", of: ident.Payment, id: "capturePayment", tag: tag, allow: anyKey,
			summary:  "Capture held money",
			about:    "All of it, or a part; the rest of the hold is released.",
			reasons:  []bankapi.Reason{bankapi.NotFound, bankapi.WrongState, bankapi.PaymentExpired},
			endpoint: mayTake[bankapi.Payment]((*call).capturePayment),
		},
		{
			method: post, path: "/v1/payments/{id}/refund", of: ident.Payment, id: "refundPayment", tag: tag, allow: anyKey,
			summary:  "Refund a payment",
			about:    "All that is left of it, or a part, more than once if need be.",
			reasons:  []bankapi.Reason{bankapi.NotFound, bankapi.WrongState, bankapi.InsufficientFunds},
			endpoint: mayTake[bankapi.Payment]((*call).refundPayment),
		},
	}
}

func merchantRoutes() []*route {
	const tag = "Merchants and keys"
	return []*route{
		{
			method: post, path: "/v1/merchants", id: "createMerchant", tag: tag, allow: issuerOnly, status: http.StatusCreated,
			summary: "Register a merchant",
			about: "It gets an account and a first API key, whose secret is in this answer only: " +
				"a replayed answer (`Idempotent-Replayed: true`) does not have it. Then make another key.",
			endpoint: takes[bankapi.Merchant]((*call).createMerchant),
		},
		{
			method: get, path: "/v1/merchants", id: "listMerchants", tag: tag, allow: issuerOnly, query: paging,
			summary:  "List merchants",
			endpoint: gives[bankapi.List[bankapi.Merchant]]((*call).listMerchants),
		},
		{
			method: get, path: "/v1/merchants/{id}", of: ident.Merchant, id: "getMerchant", tag: tag, allow: anyKey,
			summary:  "Get a merchant",
			about:    "A merchant may get itself.",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Merchant]((*call).getMerchant),
		},
		{
			method: post, path: "/v1/merchants/{id}/keys", of: ident.Merchant, id: "createKey", tag: tag, allow: issuerOnly, status: http.StatusCreated,
			summary:  "Make another API key of a merchant",
			about:    "Its secret is in this answer only; a replayed answer does not have it.",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.APIKey]((*call).createKey),
		},
		{
			method: del, path: "/v1/keys/{id}", of: ident.Key, id: "revokeKey", tag: tag, allow: issuerOnly,
			summary:  "Revoke an API key",
			about:    "It opens nothing any more after two seconds at most.",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.APIKey]((*call).revokeKey),
		},
	}
}

func ledgerRoutes() []*route {
	const tag = "Accounts and transfers"
	return []*route{
		{
			method: post, path: "/v1/accounts", id: "createAccount", tag: tag, allow: issuerOnly, status: http.StatusCreated,
			summary:  "Open an account",
			endpoint: takes[bankapi.Account]((*call).createAccount),
		},
		{
			method: get, path: "/v1/accounts", id: "listAccounts", tag: tag, allow: issuerOnly, query: paging,
			summary:  "List accounts",
			endpoint: gives[bankapi.List[bankapi.Account]]((*call).listAccounts),
		},
		{
			method: get, path: "/v1/accounts/{id}", of: ident.Account, id: "getAccount", tag: tag, allow: issuerOnly,
			summary:  "Get an account with its balance",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Account]((*call).getAccount),
		},
		{
			method: post, path: "/v1/transfers", id: "createTransfer", tag: tag, allow: issuerOnly, status: http.StatusCreated,
			summary:  "Move money between two accounts",
			reasons:  []bankapi.Reason{bankapi.InsufficientFunds},
			endpoint: takes[bankapi.Transfer]((*call).createTransfer),
		},
		{
			method: get, path: "/v1/transfers", id: "listTransfers", tag: tag, allow: issuerOnly,
			query:    append([]param{{"account", "only those of this account", "", ""}}, paging...),
			summary:  "List transfers",
			endpoint: gives[bankapi.List[bankapi.Transfer]]((*call).listTransfers),
		},
		{
			method: get, path: "/v1/transfers/{id}", of: ident.Transfer, id: "getTransfer", tag: tag, allow: issuerOnly,
			summary:  "Get a transfer",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Transfer]((*call).getTransfer),
		},
	}
}

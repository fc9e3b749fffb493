package bankhttp

import (
	"net/http"

	"sotto/bankapi"
	"sotto/ident"
)

func cardRoutes() []*route {
	const tag = "Cards"
	return []*route{
		{
			method: post, path: "/v1/cards", id: "issueCard", tag: tag, allow: issuerOnly, status: http.StatusCreated,
			summary:  "Issue a card for an account",
			about:    "Next: personalise it, and bind it to a phone.",
			reasons:  []bankapi.Reason{bankapi.Duplicate},
			endpoint: takes[bankapi.Card]((*call).issueCard),
		},
		{
			method: get, path: "/v1/cards", id: "listCards", tag: tag, allow: issuerOnly, query: paging,
			summary:  "List cards",
			endpoint: gives[bankapi.List[bankapi.Card]]((*call).listCards),
		},
		{
			method: get, path: "/v1/cards/{id}", of: ident.Card, id: "getCard", tag: tag, allow: issuerOnly,
			summary:  "Get a card",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Card]((*call).getCard),
		},
		{
			method: post, path: "/v1/cards/{id}/block", of: ident.Card, id: "blockCard", tag: tag, allow: issuerOnly,
			summary:  "Block a card",
			about:    "No code is sent to it, and no payment on its way succeeds.",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Card]((*call).blockCard),
		},
		{
			method: post, path: "/v1/cards/{id}/unblock", of: ident.Card, id: "unblockCard", tag: tag, allow: issuerOnly,
			summary:  "Unblock a card",
			about:    "It also ends a lock after too many wrong codes.",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Card]((*call).unblockCard),
		},
		{
			method: post, path: "/v1/cards/{id}/personalization", of: ident.Card, id: "personalizeCard", tag: tag, allow: issuerOnly,
			summary:  "Get what is written into a fresh card",
			about:    "Encrypted to the station that writes it; only that station can read it. Each answer is a fresh encryption of the same data.",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: takes[bankapi.Personalization]((*call).personalizeCard),
		},
	}
}

func phoneRoutes() []*route {
	const tag = "Phones"
	return []*route{
		{
			method: post, path: "/v1/phones", id: "invitePhone", tag: tag, allow: issuerOnly, status: http.StatusCreated,
			summary: "Invite a phone",
			about: "The ticket lets one phone enrol, once. It is in this answer only: a replayed answer does not have it. " +
				"Then revoke the phone and invite it anew.",
			endpoint: takes[bankapi.Phone]((*call).invitePhone),
		},
		{
			method: get, path: "/v1/phones", id: "listPhones", tag: tag, allow: issuerOnly, query: paging,
			summary:  "List phones",
			endpoint: gives[bankapi.List[bankapi.Phone]]((*call).listPhones),
		},
		{
			method: get, path: "/v1/phones/{id}", of: ident.Phone, id: "getPhone", tag: tag, allow: issuerOnly,
			summary:  "Get a phone",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Phone]((*call).getPhone),
		},
		{
			method: post, path: "/v1/phones/{id}/revoke", of: ident.Phone, id: "revokePhone", tag: tag, allow: issuerOnly,
			summary:  "Revoke a phone for good",
			about:    "Lost, stolen or replaced: it is dropped from the bus and never let in again.",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Phone]((*call).revokePhone),
		},
		{
			method: post, path: "/v1/phones/enrol", id: "enrolPhone", tag: tag, allow: public,
			summary:  "Redeem a ticket",
			about:    "No API key: the ticket's secret is the right to it. The same phone may ask again, because the answer may have been lost.",
			reasons:  []bankapi.Reason{bankapi.Forbidden, bankapi.Duplicate},
			endpoint: takes[bankapi.Enrolment]((*call).enrolPhone),
		},
	}
}

func bindingRoutes() []*route {
	const tag = "Bindings"
	return []*route{
		{
			method: post, path: "/v1/bindings", id: "bind", tag: tag, allow: issuerOnly, status: http.StatusCreated,
			summary:  "Start to bind a card to a phone",
			about:    "The card shows the phone's name and a code. Until the code is confirmed, a former binding stays in use.",
			reasons:  []bankapi.Reason{bankapi.CardBlockedNow, bankapi.PhoneUnavailable, bankapi.CodeLocked, bankapi.Paced},
			endpoint: takes[bankapi.Binding]((*call).bind),
		},
		{
			method: get, path: "/v1/bindings", id: "listBindings", tag: tag, allow: issuerOnly, query: paging,
			summary:  "List bindings",
			endpoint: gives[bankapi.List[bankapi.Binding]]((*call).listBindings),
		},
		{
			method: get, path: "/v1/bindings/{id}", of: ident.Binding, id: "getBinding", tag: tag, allow: issuerOnly,
			summary:  "Get a binding",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Binding]((*call).getBinding),
		},
		{
			method: post, path: "/v1/bindings/{id}/confirm", of: ident.Binding, id: "confirmBinding", tag: tag, allow: issuerOnly,
			summary: "Confirm a binding with the code from the card",
			reasons: []bankapi.Reason{
				bankapi.NotFound, bankapi.WrongState, bankapi.PaymentExpired, bankapi.PhoneUnavailable, bankapi.CardBlockedNow,
				bankapi.CodeLocked, bankapi.WrongCode, bankapi.TooManyAttempts,
			},
			endpoint: takes[bankapi.Binding]((*call).confirmBinding),
		},
		{
			method: post, path: "/v1/bindings/{id}/revoke", of: ident.Binding, id: "revokeBinding", tag: tag, allow: issuerOnly,
			summary:  "Revoke a binding",
			about:    "The card is told to forget it, if the phone still answers.",
			reasons:  []bankapi.Reason{bankapi.NotFound, bankapi.WrongState},
			endpoint: gives[bankapi.Binding]((*call).revokeBinding),
		},
	}
}

func eventRoutes() []*route {
	const tag = "Webhooks and events"
	return []*route{
		{
			method: post, path: "/v1/webhooks", id: "createWebhook", tag: tag, allow: merchantOnly, status: http.StatusCreated,
			summary: "Register where events are sent",
			about: "Deliveries are signed as Standard Webhooks says. The secret is in this answer only: a replayed answer does not have it. " +
				"Events from before are not sent. A merchant may have 16.",
			reasons:  []bankapi.Reason{bankapi.TooMany},
			endpoint: takes[bankapi.Webhook]((*call).createWebhook),
		},
		{
			method: get, path: "/v1/webhooks", id: "listWebhooks", tag: tag, allow: anyKey, query: paging,
			summary:  "List webhooks",
			about:    "A merchant sees its own, the issuer all.",
			endpoint: gives[bankapi.List[bankapi.Webhook]]((*call).listWebhooks),
		},
		{
			method: del, path: "/v1/webhooks/{id}", of: ident.Webhook, id: "deleteWebhook", tag: tag, allow: merchantOnly,
			summary:  "Delete a webhook",
			reasons:  []bankapi.Reason{bankapi.NotFound},
			endpoint: gives[bankapi.Webhook]((*call).deleteWebhook),
		},
		{
			method: get, path: "/v1/events", id: "listEvents", tag: tag, allow: anyKey,
			query: []param{
				{"after", "id of the last event you have, or the last `next_cursor`; none starts with the first", "", eventIDPattern},
				{"limit", "1 to 100 events; 20 if left out", "integer", ""},
			},
			summary: "Read what has happened, oldest first",
			about: "A merchant sees its own events, the issuer all. `next_cursor` is always there: ask again with `after` set to it. " +
				"A page may be empty though more follows; there is nothing new when `next_cursor` is what you sent.",
			endpoint: gives[bankapi.List[bankapi.Event]]((*call).listEvents),
		},
	}
}

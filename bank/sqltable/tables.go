package sqltable

import "sotto/bank"

// The tables.
var (
	Merchants   = describe("merchant", merchant)
	APIKeys     = describe("api_key", apiKey)
	Accounts    = describe("account", account)
	Cards       = describe("card", card)
	Phones      = describe("phone", phone)
	Bindings    = describe("binding", binding)
	Payments    = describe("payment", payment)
	Transfers   = describe("transfer", transfer)
	Dispatches  = describe("dispatch", dispatch)
	Paces       = describe("pace", pace)
	Idempotency = describe("idempotency", idempotency)
	Webhooks    = describe("webhook", webhook)
	Applets     = describe("applet", applet)
	Taps        = describe("tap", tap)
	Loads       = describe("purse_load", load)
	Batches     = describe("batch", batch)
	Books       = describe("book", book)
	Links       = describe("link", link)
)

func merchant(r *bank.Merchant, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"name", &r.Name}, Field{"account", &r.Account},
		Field{"webhooks", &r.Webhooks}, Field{"created_at", &r.CreatedAt})
}

func apiKey(r *bank.APIKey, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"role", &r.Role}, Field{"merchant", &r.Merchant},
		Field{"hash", &r.Hash}, Field{"created_at", &r.CreatedAt}, Field{"revoked_at", &r.RevokedAt})
}

func account(r *bank.Account, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"name", &r.Name}, Field{"kind", &r.Kind},
		Field{"currency", &r.Currency}, Field{"debits", &r.Debits}, Field{"credits", &r.Credits},
		Field{"held", &r.Held}, Field{"created_at", &r.CreatedAt})
}

func card(r *bank.Card, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"account", &r.Account}, Field{"holder", &r.Holder},
		Field{"profile", &r.Profile}, Field{"language", &r.Language}, Field{"status", &r.Status},
		Field{"pan_sealed", &r.PANSealed}, Field{"pan_mac", &r.PANMAC}, Field{"number", &r.Number},
		Field{"binding", &r.Binding}, Field{"binding_after", &r.BindingAfter}, Field{"phone", &r.Phone},
		Field{"counter", &r.Counter}, Field{"failures", &r.Failures}, Field{"locked_until", &r.LockedUntil},
		Field{"budget", &r.Budget}, Field{"budget_at", &r.BudgetAt}, Field{"created_at", &r.CreatedAt})
}

func phone(r *bank.Phone, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"name", &r.Name}, Field{"status", &r.Status},
		Field{"public_key", &r.PublicKey}, Field{"box_key", &r.BoxKey}, Field{"key_source", &r.KeySource}, Field{"ticket_mac", &r.TicketMAC},
		Field{"created_at", &r.CreatedAt})
}

func binding(r *bank.Binding, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"card", &r.Card}, Field{"phone", &r.Phone},
		Field{"status", &r.Status}, Field{"delivery", &r.Delivery}, Field{"dispatch", &r.Dispatch},
		Field{"code_mac", &r.CodeMAC}, Field{"attempts", &r.Attempts}, Field{"created_at", &r.CreatedAt},
		Field{"expires_at", &r.ExpiresAt})
}

func payment(r *bank.Payment, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"status", &r.Status}, Field{"merchant", &r.Merchant},
		Field{"merchant_account", &r.MerchantAccount}, Field{"card", &r.Card}, Field{"card_number", &r.CardNumber},
		Field{"payer", &r.Payer}, Field{"amount", &r.Amount}, Field{"captured", &r.Captured},
		Field{"refunded", &r.Refunded}, Field{"currency", &r.Currency}, Field{"payee", &r.Payee},
		Field{"order_number", &r.Order}, Field{"description", &r.Description}, Field{"capture", &r.Capture},
		Field{"return_url", &r.ReturnURL}, Field{"delivery", &r.Delivery}, Field{"dispatch", &r.Dispatch},
		Field{"code_mac", &r.CodeMAC}, Field{"attempts", &r.Attempts}, Field{"reason", &r.Reason},
		Field{"created_at", &r.CreatedAt}, Field{"expires_at", &r.ExpiresAt}, Field{"ended_at", &r.EndedAt})
}

func transfer(r *bank.Transfer, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"kind", &r.Kind}, Field{"debit", &r.Debit},
		Field{"credit", &r.Credit}, Field{"amount", &r.Amount}, Field{"currency", &r.Currency},
		Field{"payment", &r.Payment}, Field{"note", &r.Note}, Field{"created_at", &r.CreatedAt})
}

func dispatch(r *bank.Dispatch, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"phone", &r.Phone}, Field{"card", &r.Card},
		Field{"subject", &r.Subject}, Field{"kind", &r.Kind}, Field{"profile", &r.Profile},
		Field{"counter", &r.Counter}, Field{"body", &r.Body}, Field{"expires_at", &r.ExpiresAt})
}

func pace(r *bank.Pace, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"budget", &r.Budget}, Field{"budget_at", &r.BudgetAt})
}

func idempotency(r *bank.Idempotency, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"request", &r.Request}, Field{"reason", &r.Reason},
		Field{"body", &r.Body}, Field{"created_at", &r.CreatedAt})
}

func webhook(r *bank.Webhook, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"merchant", &r.Merchant}, Field{"url", &r.URL},
		Field{"secret_sealed", &r.SecretSealed}, Field{"cursor", &r.Cursor}, Field{"failing", &r.Failing},
		Field{"created_at", &r.CreatedAt}, Field{"deleted_at", &r.DeletedAt})
}

func applet(r *bank.Applet, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"kind", &r.Kind}, Field{"account", &r.Account},
		Field{"currency", &r.Currency}, Field{"aid", &r.AID}, Field{"label", &r.Label}, Field{"status", &r.Status},
		Field{"pan_sealed", &r.PANSealed}, Field{"pan_mac", &r.PANMAC}, Field{"number", &r.Number},
		Field{"sequence", &r.Sequence}, Field{"priority", &r.Priority}, Field{"expires", &r.Expires},
		Field{"balance_max", &r.BalanceMax}, Field{"tap_max", &r.TapMax}, Field{"float_account", &r.Float},
		Field{"settlement", &r.Settlement}, Field{"balance", &r.Balance}, Field{"atc", &r.ATC},
		Field{"load", &r.Load}, Field{"trail", &r.Trail}, Field{"created_at", &r.CreatedAt})
}

func tap(r *bank.Tap, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"applet", &r.Applet}, Field{"number", &r.Number},
		Field{"atc", &r.ATC}, Field{"merchant", &r.Merchant}, Field{"batch", &r.Batch},
		Field{"reference", &r.Reference}, Field{"amount", &r.Amount}, Field{"currency", &r.Currency},
		Field{"status", &r.Status}, Field{"reason", &r.Reason}, Field{"ac", &r.AC}, Field{"told", &r.Told},
		Field{"owed", &r.Owed}, Field{"created_at", &r.CreatedAt})
}

func load(r *bank.Load, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"applet", &r.Applet}, Field{"account", &r.Account},
		Field{"amount", &r.Amount}, Field{"currency", &r.Currency}, Field{"status", &r.Status},
		Field{"atc", &r.ATC}, Field{"scripts", &r.Scripts}, Field{"issuer_auth", &r.IssuerAuth}, Field{"script", &r.Script},
		Field{"created_at", &r.CreatedAt}, Field{"ended_at", &r.EndedAt})
}

func batch(r *bank.Batch, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"merchant", &r.Merchant}, Field{"terminal", &r.Terminal},
		Field{"number", &r.Number}, Field{"currency", &r.Currency}, Field{"count", &r.Count},
		Field{"amount", &r.Amount}, Field{"disputed", &r.Disputed}, Field{"transfer", &r.Transfer},
		Field{"created_at", &r.CreatedAt}, Field{"settled_at", &r.SettledAt})
}

func book(r *bank.Book, to []Field) []Field {
	return append(to, Field{"id", &r.ID}, Field{"account", &r.Account})
}

func link(r *bank.Link, to []Field) []Field {
	return append(to, Field{"seq", &r.Seq}, Field{"at", &r.At}, Field{"prev", &r.Prev},
		Field{"body", &r.Body}, Field{"mac", &r.MAC})
}

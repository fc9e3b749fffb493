package bank

import (
	"sotto/bankapi"
	"sotto/ident"
	"sotto/money"
	"sotto/secret"
)

// CreateMerchant registers a merchant with an account and a first API key.
type CreateMerchant struct {
	bankapi.CreateMerchant
	Key NewKey
}

// NewKey is an API key drawn by the caller, so that its secret is in nothing
// that is stored: not even the answer kept for replays has it.
type NewKey struct {
	ID   string
	Hash []byte
}

func (CreateMerchant) names(*View, *names) {}

func (op CreateMerchant) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	if !text(op.Name, 1, 100) {
		return invalid("name", "give 1 to 100 bytes of plain text")
	}
	if _, err := money.ParseCurrency(op.Currency); err != nil {
		return invalid("currency", "use an ISO 4217 code of a currency with minor units known")
	}
	id := o.newID(ident.Merchant)
	account := o.openAccount(op.Name, bankapi.AccountMerchant, op.Currency, id)
	o.Merchants.add(o.View, id, Merchant{ID: id, Name: op.Name, Account: account.ID, CreatedAt: o.now})
	key := o.addKey(op.Key, bankapi.RoleMerchant, id)
	o.emit("merchant.created", id, id, 0, "")
	return done(bankapi.Merchant{ID: id, Name: op.Name, Account: account.ID, Key: &key, CreatedAt: bankapi.Time(o.now)})
}

func (o *opContext) addKey(k NewKey, role bankapi.Role, merchant string) bankapi.APIKey {
	row := o.APIKeys.add(o.View, k.ID, APIKey{ID: k.ID, Role: string(role), Merchant: merchant, Hash: k.Hash, CreatedAt: o.now})
	o.emit("key.created", merchant, k.ID, 0, "")
	return keyView(row)
}

func keyView(k *APIKey) bankapi.APIKey {
	return bankapi.APIKey{
		ID: k.ID, Role: bankapi.Role(k.Role), Merchant: k.Merchant,
		CreatedAt: bankapi.Time(k.CreatedAt), RevokedAt: bankapi.Time(k.RevokedAt),
	}
}

// CreateKey makes another API key, for a merchant or, with none, for the issuer.
type CreateKey struct {
	Merchant string
	Key      NewKey
}

func (op CreateKey) names(_ *View, n *names) { n.row(KindMerchant, op.Merchant) }

func (op CreateKey) apply(o *opContext) Answer {
	if o.actor != Self {
		if a, refused := o.only(bankapi.RoleIssuer); refused {
			return a
		}
	}
	role := bankapi.RoleIssuer
	if op.Merchant != "" {
		role = bankapi.RoleMerchant
		if o.Merchants.get(op.Merchant) == nil {
			return no(bankapi.NotFound, "give the id of a merchant")
		}
	}
	return done(o.addKey(op.Key, role, op.Merchant))
}

// RevokeKey ends an API key.
type RevokeKey struct{ Key string }

func (op RevokeKey) names(_ *View, n *names) { n.row(KindAPIKey, op.Key) }

func (op RevokeKey) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleIssuer); refused {
		return a
	}
	if o.APIKeys.get(op.Key) == nil {
		return no(bankapi.NotFound, "give the id of a key")
	}
	k := o.APIKeys.edit(o.View, op.Key)
	if k.RevokedAt == 0 {
		k.RevokedAt = o.now
		o.emit("key.revoked", k.Merchant, k.ID, 0, "")
	}
	return done(keyView(k))
}

// KeyMAC is all that is stored of an API key.
func (k *Keys) KeyMAC(key secret.Secret) []byte { return mac(k.s.APIKeys, "api key", key.Reveal()) }

// CreateWebhook registers an endpoint for a merchant's events. Its secret is
// drawn and sealed by the caller.
type CreateWebhook struct {
	bankapi.CreateWebhook
	ID           string
	SecretSealed []byte
	Cursor       string
}

// webhooksMax is how many endpoints a merchant may have: each costs the bank a
// goroutine and a delivery of every event.
const webhooksMax = 16

func (op CreateWebhook) names(_ *View, n *names) { n.row(KindMerchant, n.actor.Merchant) }

func (op CreateWebhook) apply(o *opContext) Answer {
	if a, refused := o.only(bankapi.RoleMerchant); refused {
		return a
	}
	u, ok := webURL(op.URL)
	if !ok || u.Scheme == "http" && !loopback(u.Hostname()) {
		return invalid("url", "use an https URL, or http on a loopback address")
	}
	switch m := o.Merchants.get(o.actor.Merchant); {
	case m == nil:
		return no(bankapi.Forbidden, "this key's merchant is gone")
	case m.Webhooks >= webhooksMax:
		return no(bankapi.TooMany, "delete one of your 16 webhooks first")
	}
	o.Merchants.edit(o.View, o.actor.Merchant).Webhooks++
	w := o.Webhooks.add(o.View, op.ID, Webhook{
		ID: op.ID, Merchant: o.actor.Merchant, URL: op.URL, SecretSealed: op.SecretSealed, Cursor: op.Cursor, CreatedAt: o.now,
	})
	o.emit("webhook.created", w.Merchant, w.ID, 0, "")
	return done(webhookView(w))
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

func webhookView(w *Webhook) bankapi.Webhook {
	return bankapi.Webhook{
		ID: w.ID, Merchant: w.Merchant, URL: w.URL, Cursor: w.Cursor, Failing: w.Failing,
		CreatedAt: bankapi.Time(w.CreatedAt), DeletedAt: bankapi.Time(w.DeletedAt),
	}
}

// DeleteWebhook ends an endpoint.
type DeleteWebhook struct{ Webhook string }

func (op DeleteWebhook) names(_ *View, n *names) {
	n.row(KindWebhook, op.Webhook)
	n.row(KindMerchant, n.actor.Merchant)
}

func (op DeleteWebhook) apply(o *opContext) Answer {
	w := o.Webhooks.get(op.Webhook)
	if w == nil || o.actor.Role != bankapi.RoleMerchant || w.Merchant != o.actor.Merchant || w.DeletedAt != 0 {
		return no(bankapi.NotFound, "give the id of a webhook")
	}
	w = o.Webhooks.edit(o.View, w.ID)
	w.DeletedAt = o.now
	o.Merchants.edit(o.View, w.Merchant).Webhooks--
	o.emit("webhook.deleted", w.Merchant, w.ID, 0, "")
	return done(webhookView(w))
}

// AdvanceWebhook records how far deliveries have come.
type AdvanceWebhook struct {
	Webhook, Cursor string
	Failing         bool
}

func (op AdvanceWebhook) names(_ *View, n *names) { n.row(KindWebhook, op.Webhook) }

func (op AdvanceWebhook) apply(o *opContext) Answer {
	if a, refused := o.only(roleBank); refused {
		return a
	}
	if w := o.Webhooks.get(op.Webhook); w != nil && w.DeletedAt == 0 {
		w = o.Webhooks.edit(o.View, w.ID)
		w.Cursor, w.Failing = op.Cursor, op.Failing
	}
	return reported
}

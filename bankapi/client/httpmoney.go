package client

import (
	"context"

	"sotto/bankapi"
)

// CreateMerchant registers a merchant; the answer has its first key.
func (c *Client) CreateMerchant(ctx context.Context, r bankapi.CreateMerchant, o ...CallOption) (bankapi.Merchant, error) {
	return post[bankapi.Merchant](ctx, c, "/v1/merchants", r, o)
}

// Merchant asks about a merchant.
func (c *Client) Merchant(ctx context.Context, id string) (bankapi.Merchant, error) {
	return get[bankapi.Merchant](ctx, c, at("merchants", id))
}

// Merchants lists merchants, newest first.
func (c *Client) Merchants(ctx context.Context, p Page) (bankapi.List[bankapi.Merchant], error) {
	return list[bankapi.Merchant](ctx, c, "/v1/merchants", p.query())
}

// CreateKey makes another key for a merchant.
func (c *Client) CreateKey(ctx context.Context, id string, o ...CallOption) (bankapi.APIKey, error) {
	return post[bankapi.APIKey](ctx, c, at("merchants", id, "keys"), nil, o)
}

// RevokeKey ends a key.
func (c *Client) RevokeKey(ctx context.Context, id string, o ...CallOption) (bankapi.APIKey, error) {
	return remove[bankapi.APIKey](ctx, c, at("keys", id), o)
}

// CreateAccount opens an account.
func (c *Client) CreateAccount(ctx context.Context, r bankapi.CreateAccount, o ...CallOption) (bankapi.Account, error) {
	return post[bankapi.Account](ctx, c, "/v1/accounts", r, o)
}

// Account asks about an account and its balance.
func (c *Client) Account(ctx context.Context, id string) (bankapi.Account, error) {
	return get[bankapi.Account](ctx, c, at("accounts", id))
}

// Accounts lists accounts, newest first.
func (c *Client) Accounts(ctx context.Context, p Page) (bankapi.List[bankapi.Account], error) {
	return list[bankapi.Account](ctx, c, "/v1/accounts", p.query())
}

// CreateTransfer moves money between two accounts.
func (c *Client) CreateTransfer(ctx context.Context, r bankapi.CreateTransfer, o ...CallOption) (bankapi.Transfer, error) {
	return post[bankapi.Transfer](ctx, c, "/v1/transfers", r, o)
}

// Transfer asks about a transfer.
func (c *Client) Transfer(ctx context.Context, id string) (bankapi.Transfer, error) {
	return get[bankapi.Transfer](ctx, c, at("transfers", id))
}

// Transfers lists transfers, newest first: all, or those of one account.
func (c *Client) Transfers(ctx context.Context, account string, p Page) (bankapi.List[bankapi.Transfer], error) {
	q := p.query()
	if account != "" {
		q.Set("account", account)
	}
	return list[bankapi.Transfer](ctx, c, "/v1/transfers", q)
}

// CreateWebhook registers where events are sent; the answer has the signing secret.
func (c *Client) CreateWebhook(ctx context.Context, r bankapi.CreateWebhook, o ...CallOption) (bankapi.Webhook, error) {
	return post[bankapi.Webhook](ctx, c, "/v1/webhooks", r, o)
}

// Webhooks lists webhooks, newest first.
func (c *Client) Webhooks(ctx context.Context, p Page) (bankapi.List[bankapi.Webhook], error) {
	return list[bankapi.Webhook](ctx, c, "/v1/webhooks", p.query())
}

// DeleteWebhook ends a webhook.
func (c *Client) DeleteWebhook(ctx context.Context, id string, o ...CallOption) (bankapi.Webhook, error) {
	return remove[bankapi.Webhook](ctx, c, at("webhooks", id), o)
}

// Events reads what has happened after the event p.Cursor, oldest first. Unlike
// other lists it always has a NextCursor; there is nothing new when that is
// p.Cursor.
func (c *Client) Events(ctx context.Context, p Page) (bankapi.List[bankapi.Event], error) {
	q := Page{Limit: p.Limit}.query()
	if p.Cursor != "" {
		q.Set("after", p.Cursor)
	}
	return list[bankapi.Event](ctx, c, "/v1/events", q)
}

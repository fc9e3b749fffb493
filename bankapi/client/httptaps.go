package client

import (
	"context"
	"net/http"
	"net/url"

	"sotto/bankapi"
)

// A terminal's requests are made again when that may help, also without an
// idempotency key: the bank knows a tap by its chip's counter, and a batch by its
// number, and answers alike however often it is asked. An authorisation alone
// needs a key, because it is answered once.

// PostTaps uploads a part of a batch. The bank judges each tap by itself.
func (c *Client) PostTaps(ctx context.Context, r bankapi.PostTaps) (bankapi.TapsPosted, error) {
	return again[bankapi.TapsPosted](ctx, c, "/v1/taps", r)
}

// SettleBatch closes a batch; the terminal's totals must be the bank's.
func (c *Client) SettleBatch(ctx context.Context, r bankapi.SettleBatch) (bankapi.Batch, error) {
	return again[bankapi.Batch](ctx, c, "/v1/taps/settle", r)
}

// Authorize has the bank decide on a tap. A decline is an answer, and no error.
// After an error that is no *bankapi.Problem nobody knows what the bank has
// decided: ask again with the same key, or Reverse.
func (c *Client) Authorize(ctx context.Context, key string, r bankapi.Authorize) (bankapi.Authorization, error) {
	return post[bankapi.Authorization](ctx, c, "/v1/authorizations", r, []CallOption{IdempotencyKey(key)})
}

// Reverse takes an authorisation back, also one that the bank has not heard of
// yet.
func (c *Client) Reverse(ctx context.Context, r bankapi.Reverse) (bankapi.TapRecord, error) {
	return again[bankapi.TapRecord](ctx, c, "/v1/authorizations/reverse", r)
}

// again is post for what may be made twice.
func again[T any](ctx context.Context, c *Client, path string, body any) (T, error) {
	var answer T
	err := c.do(ctx, call{method: http.MethodPost, path: path, body: body, answer: &answer, harmless: true}, nil)
	return answer, err
}

// Taps lists the taps of one applet, the highest counter first.
func (c *Client) Taps(ctx context.Context, applet string, p Page) (bankapi.List[bankapi.TapRecord], error) {
	q := p.query()
	q.Set("applet", applet)
	return list[bankapi.TapRecord](ctx, c, "/v1/taps", q)
}

// Disputes lists taps that nobody has been paid for.
func (c *Client) Disputes(ctx context.Context, p Page) (bankapi.List[bankapi.TapRecord], error) {
	q := p.query()
	q.Set("status", string(bankapi.TapDisputed))
	return list[bankapi.TapRecord](ctx, c, "/v1/taps", q)
}

// ResolveTap ends a dispute. It may be made twice without a key: a dispute ends
// once.
func (c *Client) ResolveTap(ctx context.Context, id string, r bankapi.ResolveTap) (bankapi.TapRecord, error) {
	return again[bankapi.TapRecord](ctx, c, at("taps", id, "resolve"), r)
}

// Batches lists batches by their ids, the last one first.
func (c *Client) Batches(ctx context.Context, p Page) (bankapi.List[bankapi.Batch], error) {
	return list[bankapi.Batch](ctx, c, "/v1/batches", p.query())
}

// CAKeys are all keys with which terminals check chips, at once.
func (c *Client) CAKeys(ctx context.Context) (bankapi.List[bankapi.CAKey], error) {
	return list[bankapi.CAKey](ctx, c, "/v1/ca-keys", url.Values{})
}

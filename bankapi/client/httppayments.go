package client

import (
	"context"

	"sotto/bankapi"
)

// CreatePayment has the bank send a code to the payer's card.
func (c *Client) CreatePayment(ctx context.Context, r bankapi.CreatePayment, o ...CallOption) (bankapi.Payment, error) {
	return post[bankapi.Payment](ctx, c, "/v1/payments", r, o)
}

// Payment asks how a payment stands.
func (c *Client) Payment(ctx context.Context, id string) (bankapi.Payment, error) {
	return get[bankapi.Payment](ctx, c, at("payments", id))
}

// Payments lists payments, newest first.
func (c *Client) Payments(ctx context.Context, p Page) (bankapi.List[bankapi.Payment], error) {
	return list[bankapi.Payment](ctx, c, "/v1/payments", p.query())
}

// ConfirmPayment hands in the code that the payer typed.
func (c *Client) ConfirmPayment(ctx context.Context, id string, r bankapi.Confirm, o ...CallOption) (bankapi.Payment, error) {
	return post[bankapi.Payment](ctx, c, at("payments", id, "confirm"), r, o)
}

// CancelPayment ends a payment that is not confirmed, or gives held money back.
func (c *Client) CancelPayment(ctx context.Context, id string, o ...CallOption) (bankapi.Payment, error) {
	return post[bankapi.Payment](ctx, c, at("payments", id, "cancel"), nil, o)
}

// ResendPayment has the bank send a new code, which voids the one before.
func (c *Client) ResendPayment(ctx context.Context, id string, o ...CallOption) (bankapi.Payment, error) {
	return post[bankapi.Payment](ctx, c, at("payments", id, "resend"), nil, o)
}

// CapturePayment moves held money to the merchant.
func (c *Client) CapturePayment(ctx context.Context, id string, r bankapi.Capture, o ...CallOption) (bankapi.Payment, error) {
	return post[bankapi.Payment](ctx, c, at("payments", id, "capture"), r, o)
}

// RefundPayment moves money back to the payer.
func (c *Client) RefundPayment(ctx context.Context, id string, r bankapi.RefundPayment, o ...CallOption) (bankapi.Payment, error) {
	return post[bankapi.Payment](ctx, c, at("payments", id, "refund"), r, o)
}

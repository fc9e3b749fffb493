package client

import (
	"context"
	"net/http"

	"sotto/bankapi"
)

// IssueCard makes a card for an account.
func (c *Client) IssueCard(ctx context.Context, r bankapi.IssueCard, o ...CallOption) (bankapi.Card, error) {
	return post[bankapi.Card](ctx, c, "/v1/cards", r, o)
}

// Card asks about a card.
func (c *Client) Card(ctx context.Context, id string) (bankapi.Card, error) {
	return get[bankapi.Card](ctx, c, at("cards", id))
}

// Cards lists cards, newest first.
func (c *Client) Cards(ctx context.Context, p Page) (bankapi.List[bankapi.Card], error) {
	return list[bankapi.Card](ctx, c, "/v1/cards", p.query())
}

// BlockCard stops a card.
func (c *Client) BlockCard(ctx context.Context, id string, o ...CallOption) (bankapi.Card, error) {
	return post[bankapi.Card](ctx, c, at("cards", id, "block"), nil, o)
}

// UnblockCard lets a card pay again.
func (c *Client) UnblockCard(ctx context.Context, id string, o ...CallOption) (bankapi.Card, error) {
	return post[bankapi.Card](ctx, c, at("cards", id, "unblock"), nil, o)
}

// PersonalizeCard asks for what goes into a fresh card, encrypted to the
// station that writes it.
func (c *Client) PersonalizeCard(ctx context.Context, id string, r bankapi.Personalize, o ...CallOption) (bankapi.Personalization, error) {
	return post[bankapi.Personalization](ctx, c, at("cards", id, "personalization"), r, o)
}

// InvitePhone makes a ticket for one phone.
func (c *Client) InvitePhone(ctx context.Context, r bankapi.InvitePhone, o ...CallOption) (bankapi.Phone, error) {
	return post[bankapi.Phone](ctx, c, "/v1/phones", r, o)
}

// Phone asks about a phone.
func (c *Client) Phone(ctx context.Context, id string) (bankapi.Phone, error) {
	return get[bankapi.Phone](ctx, c, at("phones", id))
}

// Phones lists phones, newest first.
func (c *Client) Phones(ctx context.Context, p Page) (bankapi.List[bankapi.Phone], error) {
	return list[bankapi.Phone](ctx, c, "/v1/phones", p.query())
}

// RevokePhone ends a phone for good.
func (c *Client) RevokePhone(ctx context.Context, id string, o ...CallOption) (bankapi.Phone, error) {
	return post[bankapi.Phone](ctx, c, at("phones", id, "revoke"), nil, o)
}

// EnrolPhone redeems a ticket. It needs no API key. The same phone may ask
// again, so that a lost answer costs nothing: this request is repeated.
func (c *Client) EnrolPhone(ctx context.Context, r bankapi.EnrolPhone, o ...CallOption) (bankapi.Enrolment, error) {
	var answer bankapi.Enrolment
	err := c.do(ctx, call{
		method: http.MethodPost, path: "/v1/phones/enrol", body: r, answer: &answer, harmless: true,
	}, o)
	return answer, err
}

// Bind asks to bind a card to a phone; the card will show a code.
func (c *Client) Bind(ctx context.Context, r bankapi.Bind, o ...CallOption) (bankapi.Binding, error) {
	return post[bankapi.Binding](ctx, c, "/v1/bindings", r, o)
}

// Binding asks how a binding stands.
func (c *Client) Binding(ctx context.Context, id string) (bankapi.Binding, error) {
	return get[bankapi.Binding](ctx, c, at("bindings", id))
}

// Bindings lists bindings, newest first.
func (c *Client) Bindings(ctx context.Context, p Page) (bankapi.List[bankapi.Binding], error) {
	return list[bankapi.Binding](ctx, c, "/v1/bindings", p.query())
}

// ConfirmBinding hands in the code that the card showed.
func (c *Client) ConfirmBinding(ctx context.Context, id string, r bankapi.Confirm, o ...CallOption) (bankapi.Binding, error) {
	return post[bankapi.Binding](ctx, c, at("bindings", id, "confirm"), r, o)
}

// RevokeBinding ends a binding and tells the card.
func (c *Client) RevokeBinding(ctx context.Context, id string, o ...CallOption) (bankapi.Binding, error) {
	return post[bankapi.Binding](ctx, c, at("bindings", id, "revoke"), nil, o)
}

package client

import (
	"context"

	"sotto/bankapi"
)

// IssueApplet makes a card application for an account.
func (c *Client) IssueApplet(ctx context.Context, r bankapi.IssueApplet, o ...CallOption) (bankapi.Applet, error) {
	return post[bankapi.Applet](ctx, c, "/v1/applets", r, o)
}

// Applet asks about an applet.
func (c *Client) Applet(ctx context.Context, id string) (bankapi.Applet, error) {
	return get[bankapi.Applet](ctx, c, at("applets", id))
}

// Applets lists applets, newest first.
func (c *Client) Applets(ctx context.Context, p Page) (bankapi.List[bankapi.Applet], error) {
	return list[bankapi.Applet](ctx, c, "/v1/applets", p.query())
}

// BlockApplet stops loads and online decisions.
func (c *Client) BlockApplet(ctx context.Context, id string, o ...CallOption) (bankapi.Applet, error) {
	return post[bankapi.Applet](ctx, c, at("applets", id, "block"), nil, o)
}

// UnblockApplet ends a block.
func (c *Client) UnblockApplet(ctx context.Context, id string, o ...CallOption) (bankapi.Applet, error) {
	return post[bankapi.Applet](ctx, c, at("applets", id, "unblock"), nil, o)
}

// PersonalizeApplet asks for what is written into a SIM, encrypted to the station
// that writes it. It may take the bank a while, as it makes an RSA key.
func (c *Client) PersonalizeApplet(
	ctx context.Context, id string, r bankapi.Personalize, o ...CallOption,
) (bankapi.AppletPersonalization, error) {
	return post[bankapi.AppletPersonalization](ctx, c, at("applets", id, "personalization"), r, o)
}

// Inquire asks what is available in the account of an applet that is at a reader;
// the answer is for the chip.
func (c *Client) Inquire(ctx context.Context, r bankapi.Inquire, o ...CallOption) (bankapi.Inquiry, error) {
	return post[bankapi.Inquiry](ctx, c, "/v1/inquiries", r, o)
}

// CreateLoad moves money into a purse that is at a reader; the answer is for the
// chip.
func (c *Client) CreateLoad(ctx context.Context, r bankapi.CreateLoad, o ...CallOption) (bankapi.Load, error) {
	return post[bankapi.Load](ctx, c, "/v1/loads", r, o)
}

// Load asks how a load stands.
func (c *Client) Load(ctx context.Context, id string) (bankapi.Load, error) {
	return get[bankapi.Load](ctx, c, at("loads", id))
}

// Loads lists loads, newest first.
func (c *Client) Loads(ctx context.Context, p Page) (bankapi.List[bankapi.Load], error) {
	return list[bankapi.Load](ctx, c, "/v1/loads", p.query())
}

// ResolveLoad brings a later cryptogram of the purse, which says whether the load
// has arrived. It may be made twice without a key: a load is resolved once.
func (c *Client) ResolveLoad(ctx context.Context, id string, r bankapi.ResolveLoad) (bankapi.Load, error) {
	return again[bankapi.Load](ctx, c, at("loads", id, "resolve"), r)
}

package pos

import (
	"context"
	"errors"
	"slices"

	"sotto/bankapi"
)

// Acquirer is the terminal's way to the bank. A clear no is a *bankapi.Problem;
// after any other error nobody knows whether the bank has heard.
type Acquirer interface {
	// Authorize asks for a decision. Asked again under the same key it gets the
	// same answer.
	Authorize(ctx context.Context, key string, r bankapi.Authorize) (bankapi.Authorization, error)
	// Reverse takes an authorisation back, also one that has not arrived yet.
	Reverse(ctx context.Context, r bankapi.Reverse) (bankapi.TapRecord, error)
	// PostTaps uploads a part of a batch. A tap that was posted already is not
	// posted again.
	PostTaps(ctx context.Context, r bankapi.PostTaps) (bankapi.TapsPosted, error)
	// SettleBatch closes a batch at the bank. Asked again it says the same.
	SettleBatch(ctx context.Context, r bankapi.SettleBatch) (bankapi.Batch, error)
}

var clearReasons = []bankapi.Reason{bankapi.Malformed, bankapi.NotFound, bankapi.Invalid, bankapi.NotGenuine}

// clearNo reports whether an error is the bank's word that it has understood the
// request and done nothing of it, now or earlier.
//
// A duplicate is not: there the bank says that it has decided, but not what.
func clearNo(err error) (bankapi.Reason, bool) {
	var p *bankapi.Problem
	if !errors.As(err, &p) {
		return "", false
	}
	return p.Reason(), slices.Contains(clearReasons, p.Reason())
}

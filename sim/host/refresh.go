package host

import (
	"context"
	"errors"
	"io"

	"sotto/bankapi"
	"sotto/emv"
	"sotto/link"
)

// Refresh walks an applet of an account through a balance inquiry, over contacts:
// the bank says what is available, and the applet takes note of it. It is an order
// of no amount, and moves no money.
//
// An applet that is out of use at the bank hears that nothing is available, which
// is no error either: the response code is none of approval then.
func Refresh(
	ctx context.Context, c link.Connection, o Order, random io.Reader, inquire func(context.Context, bankapi.Inquire) (bankapi.Inquiry, error),
) (said bankapi.Inquiry, err error) {
	terms, err := o.terms(random)
	if err != nil {
		return bankapi.Inquiry{}, err
	}
	out, err := newWalk(c, o.AID, emv.TypeBalance, terms).online(ctx, func(ctx context.Context, r Request) (Answer, error) {
		data, err := r.ChipData()
		if err != nil {
			return Answer{}, err
		}
		if said, err = inquire(ctx, bankapi.Inquire{ChipData: data.Hex()}); err != nil {
			return Answer{}, err
		}
		return readAnswer(said.ResponseCode, said.IssuerAuth, said.Script)
	})
	if errors.Is(err, ErrRefused) && out.Executed > 0 {
		err = nil // it has heard all that the bank had to say
	}
	return said, err
}

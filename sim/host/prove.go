package host

import (
	"context"
	"fmt"

	"sotto/emv"
	"sotto/link"
)

// Prove has the applet decline a transaction of nothing. Its cryptogram tells
// the bank, authenticated, what the applet holds and how many scripts it has
// executed, and so whether the load before has arrived.
func Prove(ctx context.Context, c link.Connection, aid []byte, terms Terms) (Request, error) {
	terms.Amount = emv.Amount{}
	w := newWalk(c, aid, emv.TypeLoad, terms)
	if err := w.choose(ctx); err != nil {
		return Request{}, fmt.Errorf("select the applet: %w", err)
	}
	afl, err := w.options(ctx)
	if err != nil {
		return Request{}, fmt.Errorf("GET PROCESSING OPTIONS: %w", err)
	}
	if err := w.records(ctx, afl); err != nil {
		return Request{}, fmt.Errorf("READ RECORD: %w", err)
	}
	said, err := w.generate(ctx, emv.AAC, w.cdol1)
	if err != nil {
		return Request{}, fmt.Errorf("GENERATE AC: %w", err)
	}
	w.request.CID = emv.CID(said[0])
	w.request.ATC = uint16(said[1])<<8 | uint16(said[2])
	w.request.ARQC = [8]byte(said[3:11])
	w.request.IAD = said[11:]
	return w.request, nil
}

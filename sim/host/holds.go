package host

import (
	"context"
	"fmt"

	"sotto/apdu"
	"sotto/emv"
	"sotto/link"
	"sotto/tlv"
)

// Holds asks a purse what it has and the most that it may hold, in minor units
// (9F79 and 9F77; JR/T 0025.13).
func Holds(ctx context.Context, c link.Connection, aid []byte) (has, most int64, err error) {
	if _, err := transmit(ctx, c, selectName(aid)); err != nil {
		return 0, 0, fmt.Errorf("select the applet: %w", err)
	}
	for tag, into := range map[tlv.Tag]*int64{emv.TagBalance: &has, emv.TagBalanceMax: &most} {
		r, err := transmit(ctx, c, apdu.Command{CLA: 0x80, INS: 0xCA, P1: byte(tag >> 8), P2: byte(tag), Ne: apdu.NeMaxShort})
		if err != nil {
			return 0, 0, fmt.Errorf("GET DATA: %w", err)
		}
		value, err := tlv.Only(r.Data, tag)
		if err != nil || len(value) != len(emv.Amount{}) {
			return 0, 0, ErrMalformed
		}
		if *into, err = emv.Amount(value).Minor(); err != nil {
			return 0, 0, ErrMalformed
		}
	}
	return has, most, nil
}

package main

import (
	"errors"
	"fmt"

	"sotto/money"
	"sotto/pos"
)

// posLimits are the limits of Entry Point (EMV Contactless Book B, 3.1.1), the same
// for all applications, in minor units; 0 is none.
type posLimits struct {
	TapMax     int64 `json:"tap_max,omitempty"`
	FloorLimit int64 `json:"floor_limit,omitempty"` // over contacts as well
	HolderMin  int64 `json:"holder_min,omitempty"`
	Signature  bool  `json:"signature,omitempty"`
}

func (l posLimits) application(aid []byte) pos.Application {
	return pos.Application{AID: aid, TapMax: l.TapMax, FloorLimit: l.FloorLimit, HolderMin: l.HolderMin}
}

type posLimitFlags struct {
	TapMax     string `placeholder:"AMOUNT" help:"From this amount on nothing is taken over the air, as 1000.00 (default: no limit)."`
	FloorLimit string `placeholder:"AMOUNT" help:"Above this amount the bank decides, also over contacts (default: no limit). A purse that never asks its bank cannot pay then."`
	HolderMin  string `placeholder:"AMOUNT" help:"From this amount on the holder must be verified over the air (default: never): by a signature with --signature, or by a phone of his own."`
	Signature  bool   `help:"Somebody at the till looks at signatures."`
}

// limits reads the amounts in the terminal's currency.
func (f posLimitFlags) limits(currency money.Currency) (l posLimits, err error) {
	l.Signature = f.Signature
	for _, one := range []struct {
		flag, text string
		into       *int64
	}{
		{"--tap-max", f.TapMax, &l.TapMax}, {"--floor-limit", f.FloorLimit, &l.FloorLimit}, {"--holder-min", f.HolderMin, &l.HolderMin},
	} {
		if one.text == "" {
			continue
		}
		amount, err := money.ParseDecimal(one.text, currency)
		if err == nil {
			err = amount.Check()
		}
		if err != nil {
			return l, fmt.Errorf("%s: %q is no amount of %s above zero: %w", one.flag, one.text, currency, err)
		}
		*one.into = amount.Minor
	}
	if l.TapMax != 0 && l.HolderMin >= l.TapMax {
		return l, errors.New("--holder-min must be below --tap-max: from there on nothing is taken over the air at all")
	}
	return l, nil
}

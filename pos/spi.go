package pos

import (
	"context"

	"sotto/emv"
)

// poiCategory is the one kind of POI information that is said here: what kind of
// place this is (EMV Contactless Book B, table A-2).
const poiCategory = 0x0001

// sendPOIInformation is step 1A (EMV Contactless Book B, 3.3.2 and Annex C.1):
// the request message with payment information of B1. The chip is told what its
// selection data object list asks for, amount and currency above all, and
// answers with the applications that can pay; that answer takes the place of the
// first. What it would like to be told once more is not asked (there is no
// second SEND POI INFORMATION).
func (x *transaction) sendPOIInformation(ctx context.Context, d directory) (directory, error) {
	listed := x.settings.Place != 0 && d.lists(x.settings.Place)
	if x.settings.WithoutSPI || !d.asks && !listed {
		return d, nil
	}
	list, err := emv.ParseDOL(d.sdol)
	if err != nil {
		return directory{}, end(Malformed)
	}
	values := list.Fill(nil, x.know)
	if listed {
		values = append(values, x.poi()...)
	}
	if len(values) > emv.DOLDataMax {
		return directory{}, end(Malformed)
	}
	r, err := x.chip.exchange(ctx, templated(insPOIInformation, values), about{
		why:  "Tells the chip the amount before anything is selected, so that it can choose an application that has the money.",
		sent: list,
	})
	switch {
	case err != nil:
		return directory{}, err
	case !r.Status.OK(): // 3.3.2, 3b: no combination is added
		return directory{}, end(NoApplication)
	}
	chosen, err := parseDirectory(r.Data)
	if err == nil {
		x.noteChoice(chosen)
	}
	return chosen, err
}

func (x *transaction) noteChoice(d directory) {
	if len(d.entries) == 0 {
		x.trace.step("The chip has no application for this payment: " + string(d.reason) + ".")
		return
	}
	x.trace.step("The chip has chosen " + hexOf(d.entries[0].aid) + ".")
}

// lists reports whether the chip wants to hear of this kind of place.
func (d directory) lists(place uint16) bool {
	for b := d.categories; len(b) >= 2; b = b[2:] {
		if uint16(b[0])<<8|uint16(b[1]) == place {
			return true
		}
	}
	return false
}

// poi is POI information (8B): two bytes of identifier, a length, a value.
func (x *transaction) poi() []byte {
	if x.settings.Place == 0 {
		return nil
	}
	return []byte{poiCategory >> 8, poiCategory & 0xFF, 2, byte(x.settings.Place >> 8), byte(x.settings.Place)}
}

// hexOf is for what everybody may read: names of applications.
func hexOf(b []byte) string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&0xF])
	}
	return string(out)
}

// ridOf is the registered application provider's part of an AID.
func ridOf(aid []byte) (rid [5]byte) {
	copy(rid[:], aid)
	return rid
}

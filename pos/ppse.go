package pos

import (
	"bytes"
	"context"
	"strconv"

	"sotto/emv"
	"sotto/tlv"
)

// directory is what the PPSE says (EMV Contactless Book B, table 3-2).
type directory struct {
	entries    []directoryEntry
	categories []byte // 9F3E
	sdol       []byte // 9F3F
	asks       bool   // there is a 9F3F, be it empty
	reason     Reason // DF50: why there is no entry
}

// directoryEntry is one application that the chip offers (61).
type directoryEntry struct {
	aid      []byte
	label    string
	priority byte   // 87
	kernel   []byte // 9F2A; nil if the chip does not say
}

// selectPPSE is step 1 (EMV Contactless Book B, 3.3.2).
func (x *transaction) selectPPSE(ctx context.Context) (directory, error) {
	r, err := x.chip.exchange(ctx, selectCommand([]byte(namePPSE), 0), about{
		why: "Asks the chip which applications it offers over the air.",
	})
	switch {
	case err != nil:
		return directory{}, err
	case !r.Status.OK(): // 3.3.2, 3: there is no PPSE, and so no combination
		return directory{}, end(NoApplication)
	}
	d, err := parseDirectory(r.Data)
	if err == nil {
		x.trace.step("The chip offers " + count(len(d.entries), "application") + asks(d))
	}
	return d, err
}

func asks(d directory) string {
	switch {
	case d.asks:
		return ", and wants to be told more before it decides which (SDOL)."
	case d.categories != nil:
		return ", and wants to know what kind of place this is."
	}
	return "."
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// parseDirectory reads the FCI of a PPSE. An entry without a valid AID is passed
// over (3.3.2, 5A), and so is one that stands there twice.
func parseDirectory(b []byte) (directory, error) {
	f, err := parseFCI(b)
	if err != nil {
		return directory{}, err
	}
	var d directory
	other := objects{}
	for rest := f.discretionary; ; {
		o, after, more, err := tlv.Next(rest)
		switch {
		case err != nil:
			return directory{}, end(Malformed)
		case !more:
			d.categories = other[emv.TagTerminalCategories]
			d.sdol, d.asks = other[emv.TagSDOL], other[emv.TagSDOL] != nil
			d.reason = chipReason(other[emv.TagReason])
			return d, nil
		case o.Tag == emv.TagApplicationTemplate:
			if err := d.add(o.Value); err != nil {
				return directory{}, err
			}
		default:
			if err := other.collect(rest[:len(rest)-len(after)]); err != nil {
				return directory{}, err
			}
		}
		rest = after
	}
}

func (d *directory) add(template []byte) error {
	told := objects{}
	if err := told.collect(template); err != nil {
		return err
	}
	e := directoryEntry{aid: told[emv.TagADFName], label: text(told[emv.TagLabel], 16), kernel: told[emv.TagKernel]}
	if len(e.aid) < aidMin || len(e.aid) > aidMax {
		return nil
	}
	if p := told[emv.TagPriority]; len(p) == 1 {
		e.priority = p[0]
	}
	for _, known := range d.entries {
		if bytes.Equal(known.aid, e.aid) && bytes.Equal(known.kernel, e.kernel) {
			return nil
		}
	}
	d.entries = append(d.entries, e)
	return nil
}

// chipReason reads DF50, in which a chip of this project says why none of its
// applications can pay. Others have no such object.
func chipReason(b []byte) Reason {
	if len(b) != 1 {
		return NoApplication
	}
	switch b[0] {
	case 1:
		return ShortBalance
	case 2:
		return ChipTapLimit
	case 3:
		return OtherCurrency
	case 4:
		return ChipLocked
	case 5:
		return ChipExpired
	case 6:
		return NoApplet
	}
	return NoApplication
}

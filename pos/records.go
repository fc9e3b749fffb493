package pos

import (
	"context"
	"strconv"

	"sotto/emv"
	"sotto/emv/oda"
	"sotto/tlv"
)

// readRecords reads what the locator names (EMV 4.4 Book 3, 10.2). Before the
// last record it asks: over the air, reading that one makes a purse's debit
// final (JR/T 0025.12, 7.7.19).
func (x *transaction) readRecords(ctx context.Context, afl emv.AFL, beforeLast func() error) error {
	left := afl.Len()
	for r := range afl.Records() {
		if left--; left == 0 {
			if err := beforeLast(); err != nil {
				return err
			}
		}
		if err := x.readRecord(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (x *transaction) readRecord(ctx context.Context, r emv.Record) error {
	b, err := x.chip.read(ctx, readRecordCommand(r.SFI, r.Number), about{
		why: "Reads record " + strconv.Itoa(int(r.Number)) + " of file " + strconv.Itoa(int(r.SFI)) + ".",
	})
	if err != nil {
		return err
	}
	value, err := tlv.Only(b, emv.TagRecord)
	if err != nil {
		return end(Malformed)
	}
	if r.Signed {
		x.static = append(x.static, oda.Record{SFI: r.SFI, Data: b})
	}
	return x.told.collect(value)
}

// lastSigned reports whether the last record that the locator names is under the
// static signature.
func lastSigned(afl emv.AFL) (signed bool) {
	for r := range afl.Records() {
		signed = r.Signed
	}
	return signed
}

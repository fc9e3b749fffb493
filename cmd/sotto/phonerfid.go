package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"sotto/link/best"
	"sotto/link/rfid"
)

// rfid is the way by ISO/IEC 15693.
func (c phoneNearFlags) rfid(ctx context.Context, g *globals) (best.Way, error) {
	reader, err := readerNamed(ctx, g, c.RFID)
	if err != nil {
		return best.Way{}, err
	}
	var source [2]byte
	if _, err := io.ReadFull(g.Rand, source[:]); err != nil {
		return best.Way{}, fmt.Errorf("draw a source: %w", err)
	}
	reach := rfid.NewReach(rfid.NewPassThrough(reader), rfid.Config{Source: binary.BigEndian.Uint16(source[:])})
	return best.Way{Name: "rfid", Reach: reach, Cost: costRFID, TryMax: atReaderMax, RestMax: noRest}, nil
}

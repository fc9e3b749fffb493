package main

import (
	"encoding/binary"
	"fmt"
	"io"

	"sotto/link"
	"sotto/link/rfid"
)

// virtualRFID is a reader with the card in its field, behind the pass-through
// commands of PC/SC. The tag gets a new number each time, which a real one cannot.
func virtualRFID(g *globals, id string, h link.Handler) (link.Chip, error) {
	var serial [8]byte
	if _, err := io.ReadFull(g.Rand, serial[:]); err != nil {
		return nil, fmt.Errorf("draw the tag's number: %w", err)
	}
	field := rfid.NewField(rfid.FieldConfig{})
	field.Put(rfid.NewCard(rfid.CardConfig{
		ID: id, UID: rfid.NewUID(binary.BigEndian.Uint64(serial[:])), Handler: h, Random: g.Rand, Now: g.Now,
	}), 0)
	return rfid.VirtualReader(field), nil
}

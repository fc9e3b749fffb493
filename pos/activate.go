package pos

import (
	"context"
	"fmt"
)

// activate waits until a chip is there (EMV Contactless Book B, 3.2). It is the
// reader who polls, sorts out collisions and resets.
//
// Reading: with an amount that no application takes over the air, Book B does
// not switch the field on at all. Our reader may have a slot beside the field,
// and only it knows where the chip will come; so the chip is waited for, and
// sent to the slot if it comes to the field.
func (t *Terminal) activate(ctx context.Context) (*chip, error) {
	t.trace.step("Waiting for a chip.")
	connection, err := t.o.Reader.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("wait for a chip: %w", err)
	}
	t.trace.step("A chip is there: " + connection.Interface().String() + ".")
	return newChip(connection, t.trace), nil
}

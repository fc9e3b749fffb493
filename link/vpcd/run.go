package vpcd

import (
	"context"
	"fmt"

	"sotto/link"
)

// Run puts the chip into the virtual reader at address, that is, dials the port
// of pcscd's vpcd driver (DefaultAddress) and answers what the driver asks. When
// the driver is not there or goes away, it tries again, until ctx is done; the
// error is then nil. Only what another try cannot mend is an error, such as a
// host that has no address.
//
// The driver looks for a new chip every 0.4 s. A reader that already has a chip
// leaves a second one waiting.
func Run(ctx context.Context, address string, chip link.Chip, o Options) error {
	o, err := o.complete()
	if err != nil {
		return err
	}
	if _, err := network(address); err != nil {
		return err
	}
	log := o.Log.With("address", address)
	waiting := false
	for pace := newPace(); ; {
		inserted, err := insert(ctx, address, &card{chip: chip, as: o})
		switch {
		case ctx.Err() != nil:
			return nil
		case hopeless(err):
			return fmt.Errorf("vpcd: %w", err)
		case inserted:
			log.Info("the reader has let the chip go", "why", err)
			pace, waiting = newPace(), false
		case !waiting:
			log.Info("waiting for pcscd with its vpcd driver", "why", err)
			waiting = true
		}
		if !pace.wait(ctx) {
			return nil
		}
	}
}

// insert is one presence of the chip. inserted reports that the reader spoke.
func insert(ctx context.Context, address string, c *card) (inserted bool, err error) {
	w, err := dial(ctx, address)
	if err != nil {
		return false, err
	}
	defer w.conn.Close()
	defer context.AfterFunc(ctx, func() { w.conn.Close() })()
	for {
		// No limit: while another chip is in the reader, the driver keeps silent.
		if err := c.exchange(w, 0); err != nil {
			return inserted, err
		}
		if !inserted {
			c.as.Log.Info("the chip is in the reader", "address", address, "interface", c.as.Interface)
			inserted = true
		}
	}
}

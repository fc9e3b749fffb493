package vpcd

import (
	"context"
	"fmt"
	"time"

	"sotto/link"
)

// absence is how long a chip is out of the reader before it is in it. pcscd looks
// every 0.4 s. If it does not see the reader empty after a chip was torn out in
// the middle of a command, it takes the next chip for that one, believes that it
// has power, and after the first disappointment calls the reader empty for ever.
const absence = 600 * time.Millisecond

// Run puts the chip into the virtual reader at address, that is, dials the port
// of pcscd's vpcd driver (DefaultAddress) and answers what the driver asks. When
// the driver is not there or goes away, it tries again, until ctx is done; the
// error is then nil. Only what another try cannot mend is an error, such as a
// host that has no address.
//
// The chip is there after 0.6 to 1 s: a reader has to be seen empty first. A
// reader that already has a chip leaves a second one waiting.
func Run(ctx context.Context, address string, chip link.Chip, o Options) error {
	return run(ctx, address, chip, o, absence)
}

func run(ctx context.Context, address string, chip link.Chip, o Options, absence time.Duration) error {
	o, err := o.complete()
	if err != nil {
		return err
	}
	if _, err := network(address); err != nil {
		return err
	}
	o.Log = o.Log.With("address", address)
	for waiting := false; sleep(ctx, absence); {
		inserted, err := insert(ctx, address, &card{chip: chip, as: o})
		switch {
		case ctx.Err() != nil: // and the loop ends
		case hopeless(err):
			return fmt.Errorf("vpcd: %w", err)
		case inserted:
			o.Log.Info("the reader has lost the chip", "why", err)
			waiting = false
		case !waiting:
			o.Log.Info("waiting for pcscd with its vpcd driver", "why", err)
			waiting = true
		}
	}
	return nil
}

// insert is one presence of the chip. inserted reports that the reader spoke.
func insert(ctx context.Context, address string, c *card) (inserted bool, err error) {
	w, err := dial(ctx, address)
	if err != nil {
		return false, err
	}
	defer w.conn.Close()
	stop := context.AfterFunc(ctx, func() { w.conn.Close() })
	defer stop()
	for {
		// No limit: while another chip is in the reader, the driver keeps silent.
		if err := c.exchange(w, 0); err != nil {
			return inserted, err
		}
		if !inserted {
			c.as.Log.Info("the chip is in the reader", "interface", c.as.Interface)
			inserted = true
		}
	}
}

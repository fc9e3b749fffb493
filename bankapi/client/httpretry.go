package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"
)

// retryAfter reads the Retry-After header (RFC 9110, 10.2.3), of which the bank
// writes the form in seconds. Longer than retryMax is not worth waiting.
func retryAfter(header string) time.Duration {
	seconds, err := strconv.ParseUint(header, 10, 31)
	switch {
	case err != nil:
		return 0
	case seconds > uint64(retryMax/time.Second):
		return never
	}
	return time.Duration(seconds) * time.Second
}

var errDeadline = errors.New("the deadline comes before the next try")

// wait waits at least d and up to a quarter more, so that many clients do not
// come back in one moment. It does not begin what the deadline would cut off.
func wait(ctx context.Context, d time.Duration) error {
	d += rand.N(d/4 + time.Millisecond) //nolint:gosec // it spreads load and hides nothing
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return errDeadline
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

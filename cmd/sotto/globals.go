package main

import (
	"context"
	"io"
	"log/slog"
	"time"
)

// globals is the outside world as every command gets it: nothing else here
// reads a clock, draws randomness or writes to a terminal.
type globals struct {
	Ctx  context.Context // done when the process is asked to end
	In   io.Reader
	Out  io.Writer // what was asked for
	Err  io.Writer // words to a person
	Log  *slog.Logger
	Now  func() time.Time
	Rand io.Reader
}

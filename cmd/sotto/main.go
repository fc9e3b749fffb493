// Command sotto runs the parts of sotto: bank, phone and card each on their own,
// or all of them in one process as a lab.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// commands is the command line. Each field's type is in a file of its name.
type commands struct {
	Lab     labCmd     `cmd:"" help:"Everything in one process and one web page: start here."`
	Bank    bankCmd    `cmd:"" help:"The issuer's server: accounts, cards, phones, payments."`
	Phone   phoneCmd   `cmd:"" help:"The mobile payment terminal: passes codes on and shows nothing."`
	Sim     simCmd     `cmd:"" help:"The near-field payment device: a SIM with several card applications."`
	Card    cardCmd    `cmd:"" help:"The payment card with a display: shows the code."`
	Pos     posCmd     `cmd:"" help:"The terminal at the till: takes payments from chips."`
	Bench   benchCmd   `cmd:"" help:"Measure durable payments and draw the figures."`
	Version versionCmd `cmd:"" help:"Print the version."`

	LogLevel  slog.Level `default:"info" help:"How much is logged: debug, info, warn or error."`
	LogFormat string     `enum:"text,json" default:"text" help:"Form of the log on standard error: ${enum}."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit code, 2 for a wrong
// command line and 1 for a failure.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) (code int) {
	var c commands
	exited := errors.New("kong has printed help")
	parser, err := kong.New(&c,
		kong.Name("sotto"),
		kong.Description("The code that only the card shows, and the tap that finds a card that can pay."),
		kong.Writers(out, errOut),
		kong.Exit(func(status int) { panic(exit{exited, status}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.UsageOnError(),
		kong.Vars{"state": stateDir()},
	)
	if err != nil {
		return complain(errOut, err, 2)
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = e.status
		}
	}()
	chosen, err := parser.Parse(args)
	if err != nil {
		return complain(errOut, fmt.Errorf("%w; see sotto --help", err), 2)
	}
	g := &globals{Ctx: ctx, In: in, Out: out, Err: errOut, Now: time.Now, Rand: rand.Reader}
	g.Log = slog.New(c.handler(errOut))
	if err := chosen.Run(g); err != nil {
		return complain(errOut, err, 1)
	}
	return 0
}

// exit carries kong's wish to end, after --help, out of the parser.
type exit struct {
	error
	status int
}

func complain(w io.Writer, err error, code int) int {
	_, _ = fmt.Fprintln(w, "sotto:", err)
	return code
}

func (c *commands) handler(w io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

// stateDir is where state is kept unless a flag says otherwise.
func stateDir() string {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return dir + "/sotto"
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "sotto-state"
	}
	return home + "/.local/state/sotto"
}

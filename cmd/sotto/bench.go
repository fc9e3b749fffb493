package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"sotto/bankapi"
	"sotto/bench"
)

type benchCmd struct {
	Payments benchPaymentsCmd `cmd:"" help:"Durable payments through HTTP, bus, phones and cards."`
	Taps     benchTapsCmd     `cmd:"" help:"Offline debits uploaded, verified and posted durably."`
	Choice   benchChoiceCmd   `cmd:"" help:"Taps that succeed because the SIM chooses, in each class of readers."`
	Air      benchAirCmd      `cmd:"" help:"Time that a tap takes in the field, and what the SIM's choice adds."`
	Links    benchLinksCmd    `cmd:"" help:"Delivery times and bytes on the air over BLE, NFC and RFID."`
	Idle     benchIdleCmd     `cmd:"" help:"Memory of a bank (and a lab) with nothing to do."`
}

type benchPaymentsCmd struct {
	Connections int           `default:"128" placeholder:"N" help:"Merchants' connections, each with one payment at a time (default ${default})."`
	Sweep       []int         `placeholder:"N,…" help:"Measure with each of these numbers of connections, one after the other."`
	Rate        int           `placeholder:"N" help:"Begin N payments a second, whether or not those before have ended; with --sweep, after it."`
	Duration    time.Duration `default:"10s" help:"How long each measurement takes (default ${default})."`
	Warmup      time.Duration `default:"2s" help:"How long the load runs before (default ${default})."`
	Cards       int           `default:"2000" placeholder:"N" help:"Cards, one customer each (default ${default})."`
	Phones      int           `default:"32" placeholder:"N" help:"Phones that the cards are shared out among (default ${default})."`
	Merchants   int           `default:"16" placeholder:"N" help:"Merchants that the connections are shared out among (default ${default})."`
	OneMerchant bool          `help:"Every payment is credited to one account."`
	Hasty       bool          `help:"Payers type the code at once, and do not wait until the bank has the card's receipt."`
	SVG         string        `type:"path" placeholder:"FILE" help:"Draw throughput and latency into FILE."`
	measuring
}

// measuring is what commands that measure a bank have in common.
type measuring struct {
	Data       string `type:"path" placeholder:"DIR" help:"An empty folder on the disk to measure (default: a temporary one, removed afterwards)."`
	AccessLog  bool   `help:"Let the bank log each request, into DIR/bank.log; otherwise it logs warnings, to standard error."`
	JSON       bool   `help:"Print the result as JSON."`
	CPUProfile string `name:"cpuprofile" type:"path" placeholder:"FILE" help:"Write a CPU profile of the measurement."`
	Profiles   string `type:"path" placeholder:"DIR" help:"Write profiles of allocations, locks and waiting into DIR."`
}

// Help shows examples.
func (benchPaymentsCmd) Help() string {
	return `Opens a bank in DIR and pays, from create to confirm, with simulated phones and
cards that seal and open for real. Everything is durable and authenticated. When the
load ends, the database is opened anew and its books are checked; exits 1 if a
payment or a cent is missing.

    sotto bench payments
    sotto bench payments --one-merchant --duration 30s
    sotto bench payments --rate 500
    sotto bench payments --sweep 1,8,32,128,512 --rate 500 --svg payments.svg --json`
}

// Run measures.
func (c *benchPaymentsCmd) Run(g *globals) (err error) {
	makeRoom()
	dir, remove, err := c.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	log, closeLog, err := c.log(g, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()

	o := bench.Options{
		Connections: c.Sweep, Rate: c.Rate, RateConns: c.Connections, Duration: c.Duration, WarmUp: c.Warmup,
		Cards: c.Cards, Phones: c.Phones, Merchants: c.Merchants, Hasty: c.Hasty,
		Data: dir, Log: log, Progress: g.Err, Profile: c.profile,
	}
	if len(c.Sweep) == 0 && c.Rate == 0 {
		o.Connections = []int{c.Connections}
	}
	if c.OneMerchant {
		o.Merchants = 1
	}
	result, failed := bench.Payments(g.Ctx, o)
	if failed != nil && len(result.Loops) == 0 {
		return failed
	}
	return errors.Join(failed, c.print(g, result))
}

func (c *benchPaymentsCmd) print(g *globals, r bench.Result) error {
	if c.SVG != "" {
		if err := os.WriteFile(c.SVG, bench.SVG(r), 0o644); err != nil { //nolint:gosec // a picture for everybody
			return fmt.Errorf("write the drawing: %w", err)
		}
	}
	return c.show(g, r)
}

// show prints a result as JSON or for a person.
func (c *measuring) show(g *globals, r interface{ Text() string }) error {
	if c.JSON {
		out := json.NewEncoder(g.Out)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		return out.Encode(r)
	}
	_, err := fmt.Fprint(g.Out, r.Text())
	return err
}

// folder is where the bank lives, and what to do with it afterwards.
func (c *measuring) folder() (string, func() error, error) {
	if c.Data == "" {
		dir, err := os.MkdirTemp("", "sotto-bench-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return "", nil, fmt.Errorf("make the folder of the bank: %w", err)
	}
	if _, err := os.Stat(filepath.Join(c.Data, "bank.db")); err == nil {
		return "", nil, fmt.Errorf("there is a bank in %s already; give --data another folder", c.Data)
	}
	return c.Data, func() error { return nil }, nil
}

func (c *measuring) log(g *globals, dir string) (*slog.Logger, func() error, error) {
	if !c.AccessLog {
		return slog.New(slog.NewTextHandler(g.Err, &slog.HandlerOptions{Level: slog.LevelWarn})), func() error { return nil }, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, "bank.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the bank's log: %w", err)
	}
	return slog.New(slog.NewTextHandler(f, nil)), f.Close, nil
}

// profile starts what was asked for; what it returns writes the files.
func (c *measuring) profile() (func() error, error) {
	stop := func() error { return nil }
	if c.CPUProfile != "" {
		f, err := os.Create(c.CPUProfile)
		if err != nil {
			return nil, fmt.Errorf("write the CPU profile: %w", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		stop = func() error {
			pprof.StopCPUProfile()
			return f.Close()
		}
	}
	if c.Profiles == "" {
		return stop, nil
	}
	if err := os.MkdirAll(c.Profiles, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the profiles: %w", err)
	}
	runtime.SetMutexProfileFraction(10)
	runtime.SetBlockProfileRate(int(100 * time.Microsecond))
	return func() error {
		err := stop()
		for _, name := range []string{"allocs", "mutex", "block"} {
			err = errors.Join(err, writeProfile(filepath.Join(c.Profiles, name+".prof"), name))
		}
		return err
	}, nil
}

func writeProfile(path, name string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	return errors.Join(pprof.Lookup(name).WriteTo(f, 0), f.Close())
}

type benchTapsCmd struct {
	Taps        int `default:"200000" placeholder:"N" help:"Offline debits in all (default ${default})."`
	Each        int `default:"500" placeholder:"N" help:"Debits of one upload, at most 500 (default ${default})."`
	Connections int `default:"8" placeholder:"N" help:"Terminals that upload at once (default ${default})."`
	Purses      int `default:"5000" placeholder:"N" help:"Purses that the debits are of (default ${default})."`
	measuring
}

// Help shows examples.
func (benchTapsCmd) Help() string {
	return `Opens a bank in DIR, issues and loads purses, makes their cryptograms, and then
uploads them: each is verified, posted once, and durable when the upload is answered.
Afterwards every batch is settled, and the books are checked; exits 1 if a tap or a
cent is missing.

    sotto bench taps
    sotto bench taps --taps 1000000 --connections 16 --json`
}

// Run measures.
func (c *benchTapsCmd) Run(g *globals) (err error) {
	if c.Taps < 1 || c.Each < 1 || c.Each > bankapi.TapsMax || c.Connections < 1 || c.Purses < 1 {
		return errors.New("there is nothing to measure: give taps, connections and purses above 0, and at most 500 taps each")
	}
	makeRoom()
	dir, remove, err := c.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	log, closeLog, err := c.log(g, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	result, failed := bench.Taps(g.Ctx, bench.TapOptions{
		Taps: c.Taps, Each: c.Each, Connections: c.Connections, Purses: c.Purses, Data: dir, Log: log, Progress: g.Err, Profile: c.profile,
	})
	if result.Seconds == 0 {
		return failed
	}
	return errors.Join(failed, c.show(g, result))
}

type benchIdleCmd struct {
	Settle time.Duration `default:"5s" help:"How long to wait before looking (default ${default})."`
	Roles  []string      `default:"bank,lab" enum:"bank,lab" help:"What to start: bank, lab or both."`
	JSON   bool          `help:"Print the result as JSON."`
}

// Help shows an example.
func (benchIdleCmd) Help() string {
	return `Starts each role as a process of its own, waits, and prints its resident memory as
the system sees it (VmRSS). Linux only.

    sotto bench idle`
}

// Run measures.
func (c *benchIdleCmd) Run(g *globals) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	var all []bench.Idle
	for _, role := range c.Roles {
		one, err := bench.MeasureIdle(g.Ctx, program, role, c.Settle)
		if err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
		all = append(all, one)
	}
	if c.JSON {
		return json.NewEncoder(g.Out).Encode(all)
	}
	var b strings.Builder
	for _, one := range all {
		_, _ = fmt.Fprintf(&b, "%-5s %6.1f MB resident, of which %.1f MB the program's own; %d threads\n",
			one.Role, float64(one.Resident)/1e6, float64(one.Anonymous)/1e6, one.Threads)
	}
	_, err = fmt.Fprint(g.Out, b.String())
	return err
}

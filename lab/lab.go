package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"sotto/bankapi"
	"sotto/bankapi/client"
)

// Mem is the Data of a lab that keeps nothing.
const Mem = "mem"

// Config says where a lab is reached and where it keeps its things.
type Config struct {
	Listen   string // host:port; port 0 takes a free one
	Anywhere bool   // allow Listen to be reached by other machines
	Data     string // folder, or Mem

	Link     string // by which the phone calls the card: best, nfc, rfid or ble; empty: best
	Distance string // of the phone from the card, as ParseDistance reads it; empty: 3m
	Seed     uint64 // of the radio's delays and losses; 0 draws one
	// Wait makes the time of radio and walks last; nil is as long as it is.
	Wait func(ctx context.Context, d time.Duration) error

	Now    func() time.Time
	Random io.Reader // safe for concurrent use
	Log    *slog.Logger
}

// Lab is a running lab. Its methods may be called from many goroutines.
type Lab struct {
	c       Config
	home    home
	kept    record
	bank    *branch
	card    *cardbox
	phone   *handset
	air     *air
	wallet  *wallet
	field   *field
	counter *counter
	issuer  *client.Client
	shop    *client.Client
	server  *http.Server
	url     string

	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	running   sync.WaitGroup
	ready     atomic.Bool // all devices are there
	switching sync.Mutex  // one switch at a time
	placing   sync.Mutex  // one place at a time for the phone
	touching  sync.Mutex  // one thing at a time with SIM and till
	failed    chan error  // what ended the server
	news      news

	looking sync.Mutex // one look at a time, so that they can be counted
	looks   int64

	mu    sync.Mutex // guards what follows; never held while a role is called
	world world
}

// world is what the lab itself knows: the rest is asked of the roles.
type world struct {
	language string
	basket   map[string]int
	payment  *bankapi.Payment
	problem  *Problem
	funds    Funds
	moves    []Move
	where    Where
	tap      tapWorld
	standing standing
	flight   flight
	begun    time.Time // of the timeline
	timeline []Crossing
	seen     map[string]bool // dispatches and reports on the timeline
	sealed   []byte          // the last dispatch that carried a code
	alarm    *time.Timer     // looks at the payment when its code has run out

	near, here, stolen, offline, off bool
}

const startMax = time.Minute

// Open starts a lab, makes its demo data if there are none, and returns when
// its page is ready.
func Open(ctx context.Context, c Config) (_ *Lab, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.Log = slog.New(quiet{c.Log.Handler()})
	listener, err := listen(ctx, c.Listen)
	if err != nil {
		return nil, err
	}
	l := &Lab{c: c, url: urlOf(listener.Addr()), failed: make(chan error, 1)}
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	l.world = world{
		language: "en", basket: map[string]int{goods[0].ID: 1},
		near: true, here: true, begun: c.Now(), seen: map[string]bool{},
		standing: standing{link: LinkBest, distance: distanceBind},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startMax)
	defer cancel()
	if l.home, err = openHome(c.Data); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if l.kept, err = l.home.read(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if l.bank, err = openBranch(ctx, c, l.home, l.url); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	l.serve(listener)
	return l, l.open(ctx)
}

func (c Config) check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("%q is no address to listen on: give --listen HOST:PORT, as in 127.0.0.1:8420", c.Listen)
	}
	if !c.Anywhere && !loopback(host) {
		return errors.New("the lab listens on this machine alone, for whoever reaches it can play with it: give --listen 127.0.0.1:8420, or add --listen-anywhere to let others in")
	}
	if err := checkLink(cmp.Or(c.Link, LinkBest)); err != nil {
		return err
	}
	_, err = ParseDistance(cmp.Or(c.Distance, "0m"))
	return err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use, perhaps by another lab: open http://%s in a browser, or choose another port with --listen 127.0.0.1:8430", address, address)
	case err != nil:
		return nil, fmt.Errorf("listen on %s (choose another with --listen): %w", address, err)
	}
	return listener, nil
}

// urlOf is how this machine reaches a listener.
func urlOf(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// open brings up the devices, behind a bank that answers.
func (l *Lab) open(ctx context.Context) error {
	if err := l.clients(ctx); err != nil {
		return err
	}
	if !l.kept.Complete {
		if err := l.seed(ctx); err != nil {
			return fmt.Errorf("make the demo data: %w", err)
		}
	}
	if err := l.devices(ctx); err != nil {
		return err
	}
	if !l.kept.Complete {
		if err := l.introduce(ctx); err != nil {
			return err
		}
	}
	if err := l.lay(); err != nil {
		return err
	}
	l.ready.Store(true)
	return l.lookAtMoney(ctx)
}

// lay puts the phone where it was asked to be.
func (l *Lab) lay() error {
	metres := float64(distanceStart)
	if l.c.Distance != "" {
		var err error
		if metres, err = ParseDistance(l.c.Distance); err != nil {
			return err
		}
	}
	l.change(func(w *world) { w.standing.link, w.standing.distance = cmp.Or(l.c.Link, LinkBest), metres })
	l.place()
	return nil
}

// last makes the time of the radio last, and shows what has crossed until then.
func (l *Lab) last(ctx context.Context, d time.Duration) error {
	l.news.tell()
	if l.c.Wait != nil {
		return l.c.Wait(ctx, d)
	}
	return wait(ctx, d)
}

// introduce makes known to each other what has to be, and then the demo data are
// complete.
func (l *Lab) introduce(ctx context.Context) error {
	if err := l.bind(ctx); err != nil {
		return fmt.Errorf("bind phone and card: %w", err)
	}
	if err := l.fill(ctx); err != nil {
		return fmt.Errorf("fill the SIM: %w", err)
	}
	l.kept.Complete = true
	return l.home.write(l.kept)
}

// URL is the address of the page.
func (l *Lab) URL() string { return l.url }

// Wait returns when ctx has ended or the server has failed.
func (l *Lab) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-l.failed:
		return fmt.Errorf("the lab's page is no longer served: %w", err)
	}
}

// closeMax bounds the farewell.
const closeMax = 10 * time.Second

// Close ends every role, those first that need others.
func (l *Lab) Close() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), closeMax)
	defer cancel()
	l.cancel()
	l.mu.Lock()
	if l.world.alarm != nil {
		l.world.alarm.Stop()
	}
	l.mu.Unlock()
	var errs []error
	if l.phone != nil {
		errs = append(errs, l.phone.close())
	}
	if l.server != nil {
		errs = append(errs, l.server.Shutdown(ctx))
	}
	l.running.Wait()
	if l.card != nil {
		errs = append(errs, l.card.close())
	}
	if l.counter != nil {
		errs = append(errs, l.counter.close())
	}
	if l.wallet != nil {
		errs = append(errs, l.wallet.close())
	}
	if l.bank != nil {
		errs = append(errs, l.bank.close(ctx))
	}
	return errors.Join(append(errs, l.home.close())...)
}

// serve answers HTTP from now on: the seed goes through this door as well.
func (l *Lab) serve(listener net.Listener) {
	l.server = &http.Server{
		Handler:           l.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(l.c.Log.Handler(), slog.LevelDebug),
	}
	l.running.Go(func() {
		if err := l.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			l.failed <- err
		}
	})
}

// change edits the lab's own world and tells everybody who looks.
func (l *Lab) change(edit func(*world)) {
	l.mu.Lock()
	edit(&l.world)
	l.mu.Unlock()
	l.news.tell()
}

// news wakes those who wait for a change.
type news struct {
	mu   sync.Mutex
	next chan struct{}
}

// after is closed at the next change.
func (n *news) after() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = make(chan struct{})
	}
	return n.next
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next != nil {
		close(n.next)
		n.next = nil
	}
}

// Until waits for a state that is as wanted, and returns it.
func (l *Lab) Until(ctx context.Context, wanted func(State) bool) (State, error) {
	for {
		changed := l.news.after()
		if s := l.State(); wanted(s) {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return l.State(), ctx.Err()
		case <-l.ctx.Done():
			return l.State(), errors.New("the lab is closed")
		}
	}
}

// remove takes a folder away with all that is in it.
func remove(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clear the lab's folder: %w", err)
	}
	return nil
}

// quiet keeps the bank's log of every request from a newcomer's terminal: it
// passes warnings on, and everything if the log is asked for debug.
type quiet struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, level) && (level >= slog.LevelWarn || q.Handler.Enabled(ctx, slog.LevelDebug))
}

// WithAttrs implements slog.Handler.
func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }

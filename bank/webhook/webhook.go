// Package webhook sends events to the endpoints that merchants have registered,
// signed as Standard Webhooks 1.0.0 wants it.
//
// It follows the audit chain, which is the event log: each endpoint has a
// cursor, its events are delivered in the order of the log, and one that fails
// is tried again with growing pauses for as long as the endpoint exists.
// Delivery is at least once: the message id is the event's id, and a receiver
// drops what it has seen. Of each endpoint a crash repeats a hundred events at
// most, and a restart the one that was under way. Events carry ids and states,
// no code and no PAN.
//
// An event is delivered when the endpoint answers 2xx in time, whatever its
// body. Redirects are not followed, 4 KB of an answer are read, and Retry-After
// is heeded up to the longest pause. 410 is an answer like any other: only the
// merchant ends an endpoint. No endpoint waits for another one.
//
// Merchants choose the URLs, and the bank's server stands where they do not: a
// connection to an address that is not public is refused when it is made, after
// the name was looked up, unless Config.Private allows it. Proxies of the
// environment are not used, since behind one there is no address to look at.
//
// One process delivers for a bank, the one that commits: Committed tells it
// which links of the chain are worth reading, so that no endpoint reads what is
// another merchant's, but for a look back when it starts.
package webhook

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"sotto/bank"
	"sotto/bankapi"
)

// Config is what a Courier is made of. Bank, Log and Now must be there.
type Config struct {
	Bank *bank.Bank
	Log  *slog.Logger
	Now  func() time.Time
	// After waits between tries; nil is time.After.
	After func(time.Duration) <-chan time.Time
	// Timeout is how long an endpoint may take to answer; 0 is ten seconds.
	Timeout time.Duration
	// Private allows endpoints at addresses that are not public: loopback, the
	// networks of RFC 1918, link-local and all others of IANA's special ones.
	Private bool
	// TLS is for endpoints whose certificates hang from roots of their own; nil
	// uses the system's.
	TLS *tls.Config
}

// Courier delivers events.
type Courier struct {
	c       Config
	client  *http.Client
	news    chan struct{} // an endpoint came or went
	reading chan struct{} // holds whoever reads the log, so that its readers stay free for others

	mu         sync.Mutex
	runs       map[string]*run // by webhook
	ofMerchant map[string][]*run
	head       int64 // the newest link with events that Committed has told of
	lookUp     int64 // the link at which idle runs look how far they have come
}

// New makes a courier; Run starts it.
func New(c Config) *Courier {
	if c.After == nil {
		c.After = time.After
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	return &Courier{
		c: c, client: newClient(c), news: make(chan struct{}, 1), reading: make(chan struct{}, 1),
		runs: map[string]*run{}, ofMerchant: map[string][]*run{},
	}
}

// Committed tells the courier what one batch has done. It never blocks. It must
// hear of every batch with events, in order.
func (c *Courier) Committed(events []bankapi.Event) {
	if len(events) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.head = linkOf(events[0].ID)
	for i := range events {
		if strings.HasPrefix(events[i].Type, "webhook.") {
			poke(c.news)
		}
		for _, r := range c.ofMerchant[events[i].Merchant] {
			r.announce(c.head)
		}
	}
	if c.head < c.lookUp {
		return
	}
	c.lookUp = c.head + lookEvery
	for _, r := range c.runs {
		poke(r.wake)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends. When it returns nothing of it is left running,
// and cursors are where deliveries are.
func (c *Courier) Run(ctx context.Context) {
	defer c.client.CloseIdleConnections()
	var running sync.WaitGroup
	defer running.Wait()
	for {
		var again <-chan time.Time
		if err := c.refresh(ctx, &running); err != nil && ctx.Err() == nil {
			c.c.Log.Warn("cannot read the webhooks", "err", err)
			again = c.c.After(pauseFirst)
		}
		select {
		case <-ctx.Done():
			return
		case <-c.news:
		case <-again:
		}
	}
}

// refresh starts a run for each endpoint that has none and ends those whose
// endpoint is gone.
func (c *Courier) refresh(ctx context.Context, running *sync.WaitGroup) error {
	hooks, err := c.hooks(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.ofMerchant)
	there := map[string]bool{}
	for _, w := range hooks {
		there[w.ID] = true
		r := c.runs[w.ID]
		if r == nil {
			own, cancel := context.WithCancel(ctx)
			r = newRun(w, cancel)
			c.runs[w.ID] = r
			running.Go(func() { c.serve(own, r) })
		}
		c.ofMerchant[w.Merchant] = append(c.ofMerchant[w.Merchant], r)
	}
	for id, r := range c.runs {
		if !there[id] {
			r.cancel()
			delete(c.runs, id)
		}
	}
	return nil
}

// hooks reads all endpoints there are.
func (c *Courier) hooks(ctx context.Context) ([]bank.Webhook, error) {
	var out []bank.Webhook
	page := bank.Page{Limit: 100}
	for {
		part, err := c.c.Bank.Store().Webhooks(ctx, "", page)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
		if len(part) < page.Limit {
			return out, nil
		}
		page.Before = part[len(part)-1].ID
	}
}

// linkOf is the link that an event id or a cursor stands in; 0 if it is neither.
func linkOf(id string) int64 {
	head, _, _ := strings.Cut(id, ".")
	n, err := strconv.ParseInt(head, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// endOf is the cursor behind all events of a link.
func endOf(link int64) string { return fmt.Sprintf("%012d.9999", link) }

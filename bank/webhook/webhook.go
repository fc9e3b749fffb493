// Package webhook sends events to the endpoints that merchants have registered,
// signed as Standard Webhooks 1.0.0 wants it.
//
// It follows the audit chain, which is the event log: each endpoint has a
// cursor, an event is delivered in the order of the log, and one that fails is
// tried again with growing pauses for as long as the endpoint exists. Delivery
// is at least once: the message id is the event's id, and a receiver drops what
// it has seen. Events carry ids and states, no code and no PAN.
//
// It follows no redirects, reads at most 4 KB of an answer, and gives an
// endpoint ten seconds.
package webhook

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"sotto/bank"
	"sotto/bankapi"
)

// Limits.
const (
	timeout    = 10 * time.Second
	answerMax  = 4 << 10
	pauseFirst = time.Second
	pauseMax   = 5 * time.Minute
	linksMax   = 200
)

// Config is what a Courier is made of.
type Config struct {
	Bank   *bank.Bank
	Log    *slog.Logger
	Now    func() time.Time
	Client *http.Client // nil is one with the limits above
	// PauseFirst is the pause after a first failure; 0 is one second.
	PauseFirst time.Duration
}

// Courier delivers events.
type Courier struct {
	c    Config
	mu   sync.Mutex
	runs map[string]*run
	news chan struct{} // an endpoint came or went
}

// run is one endpoint being served.
type run struct {
	merchant string
	cancel   context.CancelFunc
	wake     chan struct{}
}

// New makes a courier; Run starts it.
func New(c Config) *Courier {
	if c.Client == nil {
		c.Client = &http.Client{Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}
	}
	if c.PauseFirst == 0 {
		c.PauseFirst = pauseFirst
	}
	return &Courier{c: c, runs: map[string]*run{}, news: make(chan struct{}, 1)}
}

// Committed tells the courier what has happened. It never blocks.
func (c *Courier) Committed(events []bankapi.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range events {
		if strings.HasPrefix(e.Type, "webhook.") {
			poke(c.news)
		}
		for _, r := range c.runs {
			if r.merchant == e.Merchant {
				poke(r.wake)
			}
		}
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends.
func (c *Courier) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		c.refresh(ctx, &running)
		select {
		case <-ctx.Done():
			return
		case <-c.news:
		}
	}
}

// refresh starts a run for each endpoint that has none and ends those whose
// endpoint is gone.
func (c *Courier) refresh(ctx context.Context, running *sync.WaitGroup) {
	hooks, err := c.all(ctx)
	if err != nil {
		if ctx.Err() == nil {
			c.c.Log.Warn("cannot read the webhooks", "err", err)
			time.AfterFunc(pauseFirst, func() { poke(c.news) })
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	there := map[string]bool{}
	for _, w := range hooks {
		there[w.ID] = true
		if c.runs[w.ID] != nil {
			continue
		}
		own, cancel := context.WithCancel(ctx)
		r := &run{merchant: w.Merchant, cancel: cancel, wake: make(chan struct{}, 1)}
		c.runs[w.ID] = r
		running.Go(func() { c.serve(own, w, r.wake) })
	}
	for id, r := range c.runs {
		if !there[id] {
			r.cancel()
			delete(c.runs, id)
		}
	}
}

func (c *Courier) all(ctx context.Context) ([]bank.Webhook, error) {
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

// serve delivers to one endpoint until its context ends. After a failure it
// waits out the pause: new events do not shorten it.
func (c *Courier) serve(ctx context.Context, w bank.Webhook, wake <-chan struct{}) {
	pause := c.c.PauseFirst
	for {
		err := c.catchUp(ctx, &w)
		if err == nil {
			pause = c.c.PauseFirst
			select {
			case <-ctx.Done():
				return
			case <-wake:
				continue
			}
		}
		if ctx.Err() != nil {
			return
		}
		c.c.Log.Warn("a webhook failed", "webhook", w.ID, "merchant", w.Merchant, "retry_in", pause, "err", err)
		c.advance(ctx, &w, w.Cursor, true)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			pause = min(2*pause, pauseMax)
		}
	}
}

// catchUp delivers everything after the cursor.
func (c *Courier) catchUp(ctx context.Context, w *bank.Webhook) error {
	for {
		links, err := c.c.Bank.Store().Links(ctx, seq(w.Cursor)-1, linksMax)
		if err != nil {
			return fmt.Errorf("read the events: %w", err)
		}
		for _, l := range links {
			if err := c.deliverLink(ctx, w, l); err != nil {
				return err
			}
		}
		if len(links) < linksMax {
			return nil
		}
	}
}

func (c *Courier) deliverLink(ctx context.Context, w *bank.Webhook, l bank.Link) error {
	events, err := l.Events()
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.ID <= w.Cursor || e.Merchant != w.Merchant {
			continue
		}
		if err := c.deliver(ctx, w, e); err != nil {
			return err
		}
		c.advance(ctx, w, e.ID, false)
	}
	// Links without this merchant's events are passed over in memory alone.
	if last := fmt.Sprintf("%012d.9999", l.Seq); last > w.Cursor {
		w.Cursor = last
	}
	return nil
}

// seq is the link an event id or cursor stands in.
func seq(cursor string) int64 {
	head, _, _ := strings.Cut(cursor, ".")
	n, err := strconv.ParseInt(head, 10, 64)
	if err != nil {
		return 1
	}
	return n
}

// message is the body of a delivery.
type message struct {
	Type      string        `json:"type"`
	Timestamp bankapi.Time  `json:"timestamp"`
	Data      bankapi.Event `json:"data"`
}

func (c *Courier) deliver(ctx context.Context, w *bank.Webhook, e bankapi.Event) error {
	body, err := json.Marshal(message{Type: e.Type, Timestamp: e.At, Data: e})
	if err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	r, err := c.signed(ctx, w, e.ID, body)
	if err != nil {
		return err
	}
	answer, err := c.c.Client.Do(r)
	if err != nil {
		return fmt.Errorf("post to the endpoint: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.CopyN(io.Discard, answer.Body, answerMax); err != nil && err != io.EOF {
		return fmt.Errorf("read the endpoint's answer: %w", err)
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("the endpoint answered %d", answer.StatusCode)
	}
	return nil
}

func (c *Courier) signed(ctx context.Context, w *bank.Webhook, id string, body []byte) (*http.Request, error) {
	key, ok := c.c.Bank.Keys().OpenWebhook(*w)
	if !ok {
		return nil, fmt.Errorf("the webhook's secret does not open: delete it and register the endpoint again")
	}
	signer, err := standardwebhooks.NewWebhook(base64.StdEncoding.EncodeToString(key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("use the webhook's secret: %w", err)
	}
	at := c.c.Now()
	signature, err := signer.Sign(id, at, body)
	if err != nil {
		return nil, fmt.Errorf("sign an event: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", signature)
	return r, nil
}

// advance writes how far deliveries have come. When it fails the event is
// delivered twice, which receivers expect.
func (c *Courier) advance(ctx context.Context, w *bank.Webhook, cursor string, failing bool) {
	op := bank.AdvanceWebhook{Webhook: w.ID, Cursor: cursor, Failing: failing}
	if answer, err := c.c.Bank.Do(ctx, bank.Call{Op: op, Actor: bank.Self}); err != nil || !answer.OK() {
		if ctx.Err() == nil {
			c.c.Log.Warn("a webhook's cursor was not kept", "webhook", w.ID, "reason", string(answer.Reason), "err", err)
		}
	}
	w.Cursor = cursor
}

package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"sotto/bank"
	"sotto/bankapi"
)

// What is taken of an endpoint's answer.
const (
	answerMax = 4 << 10     // bytes of its body
	drainMax  = time.Second // for these
)

// message is the body of a delivery.
type message struct {
	Type      string        `json:"type"`
	Timestamp bankapi.Time  `json:"timestamp"`
	Data      bankapi.Event `json:"data"`
}

// answered is a refusal by the endpoint.
type answered struct {
	status int
	wait   time.Duration // Retry-After; 0 is none
}

func (a *answered) Error() string { return "the endpoint answered " + strconv.Itoa(a.status) }

// asked is how long the endpoint wants to be left alone.
func asked(err error) time.Duration {
	if a := (*answered)(nil); errors.As(err, &a) {
		return a.wait
	}
	return 0
}

// post delivers one event. nil is 2xx.
func (c *Courier) post(ctx context.Context, w *bank.Webhook, e bankapi.Event) error {
	ctx, cancel := context.WithTimeout(ctx, c.c.Timeout)
	defer cancel()
	r, err := c.signed(ctx, w, e)
	if err != nil {
		return err
	}
	answer, err := c.client.Do(r)
	if err != nil {
		return fmt.Errorf("post to the endpoint: %w", withoutURL(err))
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode/100 != 2 {
		return &answered{answer.StatusCode, retryAfter(answer.Header)}
	}
	// It has said yes. The body is read for the connection's sake: one that is
	// read to its end can be used again.
	slow := time.AfterFunc(drainMax, cancel)
	defer slow.Stop()
	_, _ = io.CopyN(io.Discard, answer.Body, answerMax)
	return nil
}

// withoutURL keeps URLs out of logs: merchants put tokens into them.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

// retryAfter reads the form in seconds (RFC 9110, 10.2.3).
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// signed is the request for one event (Standard Webhooks, "Webhook headers").
func (c *Courier) signed(ctx context.Context, w *bank.Webhook, e bankapi.Event) (*http.Request, error) {
	body, err := json.Marshal(message{Type: e.Type, Timestamp: e.At, Data: e})
	if err != nil {
		return nil, fmt.Errorf("write an event: %w", err)
	}
	key, ok := c.c.Bank.Keys().OpenWebhook(*w)
	if !ok {
		return nil, errors.New("the webhook's secret does not open: delete it and register the endpoint again")
	}
	defer key.Wipe()
	signer, err := standardwebhooks.NewWebhookRaw(key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("use the webhook's secret: %w", err)
	}
	at := c.c.Now()
	signature, err := signer.Sign(e.ID, at, body)
	if err != nil {
		return nil, fmt.Errorf("sign an event: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", withoutURL(err))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "sotto")
	r.Header.Set(standardwebhooks.HeaderWebhookID, e.ID)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return r, nil
}

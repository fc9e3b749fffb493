package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sotto/bankapi"
	"sotto/secret"
)

// Limits of the HTTP client.
const (
	answerMax  = 4 << 20 // bytes of one answer
	requestMax = 30 * time.Second
	triesMax   = 5
	retryMax   = 30 * time.Second       // longest Retry-After that is waited for
	retryMin   = 100 * time.Millisecond // the first pause, if the bank names none
	connsMax   = 512                    // idle connections kept
)

// Client speaks to the bank's HTTP API, a method an endpoint. It is safe for
// concurrent use and keeps its connections.
//
// The bank's no is a *bankapi.Problem. Requests that may safely be made twice,
// a GET or one with an idempotency key, are made again when the bank is busy
// (429, 503, as Retry-After says) or the connection breaks. It follows no
// redirect, reads no endless answer, and sends a key over http only to this
// machine, unless told that the network is safe.
type Client struct {
	base   *url.URL
	key    secret.Secret
	http   *http.Client
	unsafe bool
	tries  int
	wait   func(ctx context.Context, d time.Duration) error
}

// Option changes a Client.
type Option func(*Client)

// Transport sends requests through t, as through a proxy: by itself a client
// uses none.
func Transport(t http.RoundTripper) Option { return func(c *Client) { c.http.Transport = t } }

// Timeout bounds one try; it is 30 s by itself.
func Timeout(d time.Duration) Option { return func(c *Client) { c.http.Timeout = d } }

// Tries bounds how often a request is made; 1 is never again.
func Tries(n int) Option { return func(c *Client) { c.tries = max(n, 1) } }

// SafeNetwork allows http to other machines, where the network itself encrypts.
func SafeNetwork() Option { return func(c *Client) { c.unsafe = true } }

// New makes a client of the API at baseURL. The key may be empty for what needs
// none.
func New(baseURL string, key secret.Secret, options ...Option) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" ||
		(base.Scheme != "http" && base.Scheme != "https") {
		return nil, errors.New("the bank's address must look like https://bank.example")
	}
	c := &Client{
		base: base, key: key, tries: triesMax, wait: wait,
		http: &http.Client{Timeout: requestMax, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	for _, o := range options {
		o(c)
	}
	if base.Scheme == "http" && !c.unsafe && !loopback(base.Hostname()) {
		return nil, errors.New("the bank's address must begin with https, for keys would cross the network in clear")
	}
	if c.http.Transport == nil {
		c.http.Transport = &http.Transport{
			MaxIdleConns: connsMax, MaxIdleConnsPerHost: connsMax, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true,
		}
	}
	return c, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// CallOption changes one call.
type CallOption func(*call)

// IdempotencyKey names a request: made again under the same key it happens
// once, and gets the same answer. Draw a new one for each intent.
func IdempotencyKey(key string) CallOption { return func(c *call) { c.idempotency = key } }

// call is one request and where its answer goes.
type call struct {
	method, path string
	query        url.Values
	body         any // nil is none
	answer       any // pointer; nil ignores the body
	idempotency  string
	harmless     bool // to make twice
}

func (c *call) repeatable() bool {
	return c.method == http.MethodGet || c.idempotency != "" || c.harmless
}

// do makes the call, again if that is safe and may help.
func (c *Client) do(ctx context.Context, one call, options []CallOption) error {
	for _, o := range options {
		o(&one)
	}
	var body []byte
	if one.body != nil {
		var err error
		if body, err = json.Marshal(one.body); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
	}
	for try := 1; ; try++ {
		retry, err := c.try(ctx, one, body)
		if err == nil || retry < 0 || !one.repeatable() || try >= c.tries {
			return err
		}
		if c.wait(ctx, max(retry, retryMin<<(try-1))) != nil {
			return err // the deadline leaves no time for another try
		}
	}
}

// never says that another try cannot help.
const never = time.Duration(-1)

// try makes the call once. On an error, retry is when another try may help.
func (c *Client) try(ctx context.Context, one call, body []byte) (retry time.Duration, err error) {
	request, err := c.request(ctx, one, body)
	if err != nil {
		return never, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return never, fmt.Errorf("ask the bank: %w", ctx.Err())
		}
		return 0, fmt.Errorf("the bank does not answer: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerMax+1))
	switch {
	case err != nil:
		return 0, fmt.Errorf("the bank's answer broke off: %w", err)
	case len(answer) > answerMax:
		return never, errors.New("the bank's answer is above 4 MiB: ask for fewer with limit")
	case response.StatusCode >= 200 && response.StatusCode < 300:
		return never, one.read(answer)
	}
	return retryOf(response), problemOf(response, answer)
}

func (c *Client) request(ctx context.Context, one call, body []byte) (*http.Request, error) {
	to := c.base.JoinPath(one.path)
	to.RawQuery = one.query.Encode()
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, one.method, to.String(), reader)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	r.Header.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if !c.key.Empty() {
		r.Header.Set("Authorization", "Bearer "+string(c.key.Reveal()))
	}
	if one.idempotency != "" {
		r.Header.Set("Idempotency-Key", one.idempotency)
	}
	return r, nil
}

func (c *call) read(answer []byte) error {
	if c.answer == nil {
		return nil
	}
	if err := json.Unmarshal(answer, c.answer); err != nil {
		return errors.New("the bank's answer cannot be read: is this the address of its API?")
	}
	return nil
}

// problemOf is the error of an answer that is not a success.
func problemOf(r *http.Response, body []byte) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	p := new(bankapi.Problem)
	if kind == "application/problem+json" && json.Unmarshal(body, p) == nil &&
		strings.HasPrefix(p.Type, bankapi.ProblemType) {
		p.Status = r.StatusCode
		return p
	}
	if r.StatusCode >= 300 && r.StatusCode < 400 {
		return errors.New("the bank's address leads elsewhere: use the address it leads to")
	}
	return fmt.Errorf("something other than the bank answered, with status %d: check the address", r.StatusCode)
}

// retryOf says whether and when another try may help.
func retryOf(r *http.Response) time.Duration {
	if r.StatusCode != http.StatusTooManyRequests && r.StatusCode != http.StatusServiceUnavailable {
		return never
	}
	return retryAfter(r.Header.Get("Retry-After"))
}

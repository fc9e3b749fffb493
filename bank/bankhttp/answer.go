package bankhttp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"sotto/bank"
	"sotto/bankapi"
)

// reply is what a request is answered with.
type reply struct {
	status     int
	kind       string // media type
	body       []byte
	retryAfter int // seconds
	replayed   bool
	location   string
	headers    headers
	sent       bool // a stream: it has been written already
}

// Media types.
const (
	kindJSON    = "application/json"
	kindProblem = "application/problem+json"
	kindHTML    = "text/html; charset=utf-8"
)

// headers are security headers, ready made because every answer has them.
type headers struct{ csp, referrer, cache []string }

var (
	noStore   = []string{"no-store"}
	nosniff   = []string{"nosniff"}
	hsts      = []string{"max-age=31536000"}
	replayed  = []string{"true"}
	challenge = []string{`Bearer realm="sotto"`}

	apiHeaders = headers{
		csp:      []string{"default-src 'none'; frame-ancestors 'none'"},
		referrer: []string{"no-referrer"},
		cache:    noStore,
	}
)

// write sends a reply.
func (c *call) write(p reply) {
	if p.sent {
		return
	}
	h := c.w.Header()
	c.secure(p.headers)
	if p.kind != "" {
		h["Content-Type"] = []string{p.kind}
	}
	if p.location != "" {
		h["Location"] = []string{p.location}
	}
	if p.retryAfter > 0 {
		h["Retry-After"] = []string{strconv.Itoa(p.retryAfter)}
	}
	if p.replayed {
		h["Idempotent-Replayed"] = replayed
	}
	if p.status == http.StatusUnauthorized {
		h["Www-Authenticate"] = challenge
	}
	h["Content-Length"] = []string{strconv.Itoa(len(p.body))}
	c.w.WriteHeader(p.status)
	_, _ = c.w.Write(p.body) // the client may be gone
}

// secure sets the headers that every answer has. Keys are in canonical form
// already.
func (c *call) secure(s headers) {
	if s.csp == nil {
		s = apiHeaders
	}
	h := c.w.Header()
	h["Content-Security-Policy"], h["Referrer-Policy"] = s.csp, s.referrer
	h["Cache-Control"], h["X-Content-Type-Options"] = s.cache, nosniff
	h["X-Request-Id"] = []string{c.id}
	if c.r.TLS != nil {
		h["Strict-Transport-Security"] = hsts
	}
}

// replyOf is an op's answer as it is sent: byte for byte.
func replyOf(a bank.Answer, success int) reply {
	p := reply{status: success, kind: kindJSON, body: a.Body, retryAfter: a.RetryAfter, replayed: a.Replayed}
	if !a.OK() {
		p.status, p.kind = a.Reason.Status(), kindProblem
	}
	return p
}

// shown answers with v.
func shown(v any) bank.Answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic("bankhttp: an answer cannot be marshalled: " + err.Error())
	}
	return bank.Answer{Body: body}
}

func refuse(r bankapi.Reason, detail string) bank.Answer {
	return problem(bankapi.NewProblem(r, detail))
}

func invalid(field, detail string) bank.Answer {
	p := bankapi.NewProblem(bankapi.Invalid, detail)
	p.Field = field
	return problem(p)
}

func problem(p *bankapi.Problem) bank.Answer {
	a := shown(p)
	a.Reason, a.RetryAfter = p.Reason(), p.RetryAfter
	return a
}

// readFailed answers for a store that could not be read.
func (c *call) readFailed(err error) bank.Answer {
	if errors.Is(err, bank.ErrNoRow) {
		return refuse(bankapi.NotFound, "")
	}
	if c.r.Context().Err() == nil {
		c.h.c.Log.Error("cannot read the store", "request", c.id, "err", err)
	}
	return refuse(bankapi.Unavailable, "try again in a moment")
}

package bankhttp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/secret"
)

// Limits of one request.
const (
	bodyMax   = 64 << 10         // bytes, where the route does not say otherwise
	keyMax    = 255              // of an Idempotency-Key
	answerMax = 20 * time.Second // for an op; then its outcome is unknown
)

// call is one request on its way.
type call struct {
	h     *Handler
	w     http.ResponseWriter
	r     *http.Request
	route *route
	id    string // of the request, in logs
	actor bank.Actor

	key    string // Idempotency-Key
	digest [sha256.Size]byte
}

func (ids *requestIDs) begin(h *Handler) {
	var b [5]byte
	h.draw(b[:])
	ids.prefix = "req_" + hex.EncodeToString(b[:]) + "_"
}

func (ids *requestIDs) next() string {
	return ids.prefix + strconv.FormatUint(ids.last.Add(1), 36)
}

// enter finds out who asks, and whether it is one of those that are allowed in.
func (c *call) enter(allow access) (bank.Answer, bool) {
	if allow == public {
		return bank.Answer{}, true
	}
	key, ok := bearer(c.r.Header)
	if !ok {
		return refuse(bankapi.Unauthenticated, "send your API key as Authorization: Bearer sk_…"), false
	}
	actor, ok, err := c.h.c.Gate.Enter(c.r.Context(), key)
	switch {
	case err != nil:
		return c.readFailed(err), false
	case !ok:
		return refuse(bankapi.Unauthenticated, "this API key is unknown or revoked"), false
	}
	c.actor = actor
	if !allow.admits(actor.Role) {
		return refuse(bankapi.Forbidden, "use a key of the role "+allow.String()), false
	}
	return bank.Answer{}, true
}

func bearer(h http.Header) (secret.Secret, bool) {
	values := h["Authorization"]
	if len(values) != 1 {
		return secret.Secret{}, false
	}
	scheme, key, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || key == "" {
		return secret.Secret{}, false
	}
	return secret.New([]byte(key)), true
}

// read takes the body of a POST and its idempotency key. The caller wipes what
// it returns.
func (c *call) read() ([]byte, bank.Answer, bool) {
	body, a, ok := c.readBody()
	if !ok {
		return body, a, false
	}
	if a, ok := c.readKey(); !ok {
		return body, a, false
	}
	if c.key != "" {
		d := sha256.New()
		d.Write([]byte(c.r.Method + " " + c.r.URL.Path + "\n"))
		d.Write(body)
		d.Sum(c.digest[:0])
	}
	return body, bank.Answer{}, true
}

// readKey accepts 1 to 255 visible ASCII characters.
func (c *call) readKey() (bank.Answer, bool) {
	values := c.r.Header["Idempotency-Key"]
	if len(values) == 0 {
		return bank.Answer{}, true
	}
	key := values[0]
	good := len(values) == 1 && key != "" && len(key) <= keyMax
	for i := range len(key) {
		good = good && key[i] > ' ' && key[i] < 0x7F
	}
	if !good {
		return invalid("Idempotency-Key", "send it once, with 1 to 255 visible ASCII characters"), false
	}
	c.key = key
	return bank.Answer{}, true
}

func (c *call) readBody() ([]byte, bank.Answer, bool) {
	if c.r.ContentLength == 0 {
		return nil, bank.Answer{}, true
	}
	tooLarge := func() bank.Answer {
		return refuse(bankapi.TooLarge, "send at most "+strconv.Itoa(c.route.bodyMax)+" bytes")
	}
	if c.r.ContentLength > int64(c.route.bodyMax) {
		c.w.Header().Set("Connection", "close") // rather than read it all
		return nil, tooLarge(), false
	}
	body, err := readAll(http.MaxBytesReader(c.w, c.r.Body, int64(c.route.bodyMax)), c.r.ContentLength)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return body, tooLarge(), false
	case err != nil:
		return body, refuse(bankapi.Malformed, "the body did not arrive whole"), false
	case len(body) > 0 && !c.isJSON():
		return body, refuse(bankapi.UnsupportedMedia, "send Content-Type: application/json, not compressed"), false
	}
	return body, bank.Answer{}, true
}

// readAll is io.ReadAll for a length that may be known, -1 if not. It wipes what
// it grows out of, as there may be a PAN in it.
func readAll(r io.Reader, length int64) ([]byte, error) {
	b := make([]byte, 0, max(length, 511)+1) // one more, to see the end
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		case len(b) == cap(b):
			grown := append(make([]byte, 0, 2*cap(b)), b...)
			clear(b)
			b = grown
		}
	}
}

func (c *call) isJSON() bool {
	kind := c.r.Header.Get("Content-Type")
	if encoding := c.r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return false
	}
	if kind == "application/json" {
		return true
	}
	kind, params, err := mime.ParseMediaType(kind)
	charset, given := params["charset"]
	return err == nil && kind == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}

// do hands an op to the bank, for whoever asks.
func (c *call) do(op bank.Op) bank.Answer { return c.doAs(c.actor, op) }

func (c *call) doAs(actor bank.Actor, op bank.Op) bank.Answer {
	ctx, cancel := context.WithTimeout(c.r.Context(), answerMax)
	defer cancel()
	a, err := c.h.c.Bank.Do(ctx, bank.Call{Op: op, Actor: actor, IdempotencyKey: c.key, Request: c.digest})
	if err != nil {
		return refuse(bankapi.OutcomeUnknown, "ask again with the same idempotency key")
	}
	return a
}

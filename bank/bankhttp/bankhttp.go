package bankhttp

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"sotto/bank"
	"sotto/bankapi"
)

// Config is what a Handler is made of. All must be there, unless it says what
// its absence means.
type Config struct {
	Bank *bank.Bank
	Gate *bank.Gate
	Hub  *Hub // the one whose Committed the bank calls
	Log  *slog.Logger
	Now  func() time.Time
	// Random must not be read by anyone else at the same time, or be safe for
	// that as crypto/rand.Reader is.
	Random io.Reader

	Name string // of the bank, on its pages; empty is "sotto"

	// EncryptTo encrypts personalisation data to a station's age recipient,
	// ASCII-armored.
	EncryptTo func(recipient string, plain []byte) (string, error)
	BusURL    func() string // where phones connect
	BusCA     func() []byte // PEM of the root of the bus's certificate
	BusPin    func() string // its SHA-256 in hex, for tickets; nil is no pin

	// AppletData is what goes into a fresh applet, keys in clear; the handler
	// encrypts and wipes it. It may take long, as it makes an RSA key. nil issues
	// no applets' data.
	AppletData func(bank.Applet) ([]byte, error)
	CAKeys     []bankapi.CAKey // with which terminals check applets

	Phones func() int                  // connected to the bus now; nil is none
	Ready  func(context.Context) error // whether this process can serve; nil is yes
	Kick   func(phoneID string)        // drops a revoked phone from the bus; nil does nothing
}

// Handler serves the bank over HTTP.
type Handler struct {
	c       Config
	mux     *http.ServeMux
	misfit  http.HandlerFunc
	metrics *metrics
	openapi []byte
	docs    []byte
	ids     requestIDs
	drawing sync.Mutex
}

// New makes a handler. It panics when c is incomplete.
func New(c Config) *Handler {
	h := &Handler{c: c.withDefaults(), mux: http.NewServeMux()}
	h.ids.begin(h)
	h.metrics = newMetrics(h.c)
	h.openapi, h.docs = describe(h.c)
	h.routes()
	return h
}

func (c Config) withDefaults() Config {
	if c.Bank == nil || c.Gate == nil || c.Hub == nil || c.Log == nil || c.Now == nil || c.Random == nil ||
		c.EncryptTo == nil || c.BusURL == nil || c.BusCA == nil {
		panic("bankhttp: Config is incomplete")
	}
	if c.Name == "" {
		c.Name = "sotto"
	}
	if c.BusPin == nil {
		c.BusPin = func() string { return "" }
	}
	if c.Phones == nil {
		c.Phones = func() int { return 0 }
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) error { return nil }
	}
	if c.Kick == nil {
		c.Kick = func(string) {}
	}
	return c
}

// draw fills b with randomness, for one caller at a time. A source that fails
// is no bank to work in.
func (h *Handler) draw(b []byte) {
	h.drawing.Lock()
	defer h.drawing.Unlock()
	if _, err := io.ReadFull(h.c.Random, b); err != nil {
		panic("bankhttp: the random source failed")
	}
}

// random is the handler's randomness for those who want a reader.
type random struct{ h *Handler }

func (r random) Read(b []byte) (int, error) {
	r.h.draw(b)
	return len(b), nil
}

// requestIDs names requests in logs: some random digits of this process, and a
// number.
type requestIDs struct {
	prefix string
	last   atomic.Uint64
}

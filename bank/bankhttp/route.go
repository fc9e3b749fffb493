package bankhttp

import (
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

// access says whose requests a route takes.
type access uint8

const (
	public access = iota // no API key
	anyKey
	issuerOnly
	merchantOnly
)

func (a access) admits(r bankapi.Role) bool {
	switch a {
	case issuerOnly:
		return r == bankapi.RoleIssuer
	case merchantOnly:
		return r == bankapi.RoleMerchant
	case public, anyKey:
		return true
	}
	return false
}

// String is for documents and refusals.
func (a access) String() string {
	return [...]string{"anyone", "issuer or merchant", "issuer", "merchant"}[a]
}

// route is one operation: what it is, and what the mux, the documents and the
// metrics need to know of it.
type route struct {
	method, path string
	id           string // OpenAPI's operationId
	tag          string
	summary      string
	about        string
	allow        access
	status       int        // of success; 0 is 200
	of           ident.Kind // of the {id} in path
	reasons      []bankapi.Reason
	query        []param
	asking       string // the query of its example, if it cannot do without
	bodyMax      int    // bytes; 0 is the bodyMax of all
	endpoint

	pattern  string
	observed observers
}

// endpoint is what a route does, with the types of its request and answer.
type endpoint struct {
	in, out  reflect.Type // in is nil when there is no body
	optional bool         // an empty body is an object without members
	run      func(c *call, body []byte) bank.Answer
}

// gives is an endpoint without a body.
func gives[Out any](run func(*call) bank.Answer) endpoint {
	return endpoint{out: reflect.TypeFor[Out](), run: func(c *call, body []byte) bank.Answer {
		if len(body) > 0 {
			if _, a, ok := decode[struct{}](body, &shape{}); !ok {
				return a
			}
		}
		return run(c)
	}}
}

// takes is an endpoint with a body.
func takes[Out, In any](run func(*call, In) bank.Answer) endpoint {
	s := shapeOf(reflect.TypeFor[In]())
	return endpoint{in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](), run: func(c *call, body []byte) bank.Answer {
		in, a, ok := decode[In](body, s)
		if !ok {
			return a
		}
		return run(c, in)
	}}
}

// takesFast is takes, with a reader that is quicker for what it understands. The
// strict reader takes the rest, and has the last word on what is refused.
func takesFast[Out, In any](read func([]byte) (In, bool), run func(*call, In) bank.Answer) endpoint {
	e := takes[Out](run)
	strict := e.run
	e.run = func(c *call, body []byte) bank.Answer {
		if in, ok := read(body); ok {
			return run(c, in)
		}
		return strict(c, body)
	}
	return e
}

// mayTake is takes, with a body that may be left out.
func mayTake[Out, In any](run func(*call, In) bank.Answer) endpoint {
	e := takes[Out](run)
	read := e.run
	e.optional, e.run = true, func(c *call, body []byte) bank.Answer {
		if len(body) == 0 {
			body = []byte("{}")
		}
		return read(c, body)
	}
	return e
}

// answer goes the way of every API request: who asks, for what, and then the
// endpoint itself.
func (c *call) answer() reply {
	if a, ok := c.enter(c.route.allow); !ok {
		return replyOf(a, 0)
	}
	if id := c.r.PathValue("id"); c.route.of != "" {
		if !c.route.names(id) {
			return replyOf(refuse(bankapi.NotFound, "there is no such id"), 0)
		}
	}
	var body []byte
	if c.r.Method == http.MethodPost {
		var a bank.Answer
		var ok bool
		body, a, ok = c.read()
		defer clear(body) // there may be a code or a PAN in it
		if !ok {
			return replyOf(a, 0)
		}
	}
	return replyOf(c.route.run(c, body), c.route.status)
}

// ofTap marks a route whose {id} is a tap's, which is made of an applet's.
const ofTap ident.Kind = "tap"

// names reports whether text can be the {id} in the path.
func (rt *route) names(text string) bool {
	if rt.of == ofTap {
		return isTap(text)
	}
	_, err := ident.Parse(rt.of, text)
	return err == nil
}

// idPattern is what the {id} in the path looks like.
func (rt *route) idPattern() string {
	kind, more := string(rt.of), ""
	if rt.of == ofTap {
		kind, more = string(ident.Applet), `\.[0-9A-F]{4}(\.[0-9a-f]{8})?`
	}
	return "^" + kind + "_[0-7][0-9A-HJKMNP-TV-Z]{25}" + more + "$"
}

// routes puts everything on the mux.
func (h *Handler) routes() {
	add := func(rt *route, serve func(*call) reply) {
		if rt.status == 0 {
			rt.status = http.StatusOK
		}
		if rt.bodyMax == 0 {
			rt.bodyMax = bodyMax
		}
		rt.pattern = rt.method + " " + rt.path
		rt.observed = h.metrics.of(rt.pattern)
		h.mux.HandleFunc(rt.pattern, h.serve(rt, serve))
	}
	for _, rt := range table() {
		add(rt, (*call).answer)
	}
	for _, rt := range pages() {
		add(&rt.route, rt.serve)
	}
	misfit := &route{pattern: everything, observed: h.metrics.of("(none)")}
	h.misfit = h.serve(misfit, (*call).misfit)
	h.mux.HandleFunc(everything, h.misfit)
}

const everything = "/"

// misfit answers what fits no route: another method would, or nothing would.
func (c *call) misfit() reply {
	var allow []string
	other := *c.r
	for _, other.Method = range []string{del, get, http.MethodHead, post} {
		if _, pattern := c.h.mux.Handler(&other); pattern != everything {
			allow = append(allow, other.Method)
		}
	}
	if allow == nil {
		return replyOf(refuse(bankapi.NotFound, "there is nothing at this path; see /docs"), 0)
	}
	methods := strings.Join(allow, ", ")
	c.w.Header()["Allow"] = []string{methods}
	return replyOf(refuse(bankapi.MethodNotAllowed, "use "+methods), 0)
}

// ServeHTTP answers one request. A path that is not in its clean form is
// nothing: net/http would redirect it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path.Clean(r.URL.Path) != r.URL.Path {
		r.URL.Path = "/(unclean)"
		h.misfit(w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// serve is what surrounds every request: its id, its log line, its measurement,
// and the net under it.
func (h *Handler) serve(rt *route, answer func(*call) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		c := &call{h: h, w: w, r: r, route: rt, id: h.ids.next()}
		p := c.caught(answer)
		c.write(p)
		took := time.Since(started)
		rt.observed.observe(p.status, took)
		c.log(p, took)
	}
}

// caught answers for a handler that panics. What it panicked with may hold
// anything, so only a runtime error's own words are logged.
func (c *call) caught(answer func(*call) reply) (p reply) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		reason := fmt.Sprintf("%T", r)
		if e, ok := r.(runtime.Error); ok {
			reason = e.Error()
		}
		c.h.c.Log.Error("a request failed", "request", c.id, "route", c.route.pattern, "panic", reason, "stack", string(debug.Stack()))
		p = replyOf(refuse(bankapi.Internal, ""), 0)
	}()
	return answer(c)
}

// log writes the access log: no path, no query, no header, no body.
func (c *call) log(p reply, took time.Duration) {
	level := slog.LevelInfo
	if p.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	if !c.h.c.Log.Enabled(c.r.Context(), level) {
		return
	}
	c.h.c.Log.LogAttrs(c.r.Context(), level, "request",
		slog.String("request", c.id), slog.String("route", c.route.pattern), slog.Int("status", p.status),
		slog.Duration("took", took), slog.String("role", string(c.actor.Role)), slog.String("merchant", c.actor.Merchant))
}

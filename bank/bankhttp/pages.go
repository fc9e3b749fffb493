package bankhttp

import (
	"net"
	"net/http"
	"net/netip"

	"sotto/bank"
	"sotto/bankapi"
	"sotto/ident"
)

// page is a route outside the API.
type pageRoute struct {
	route
	serve func(*call) reply
}

// pages are the routes that are no operations of the API.
func pages() []*pageRoute {
	return []*pageRoute{
		{route{method: get, path: "/openapi.json"}, func(c *call) reply { return fixed(kindJSON, c.h.openapi, apiHeaders) }},
		{route{method: get, path: "/docs"}, func(c *call) reply { return fixed(kindHTML, c.h.docs, docsHeaders) }},
		{route{method: get, path: "/assets/{file}"}, (*call).asset},
		{route{method: get, path: "/healthz"}, func(*call) reply { return fixed(kindJSON, []byte(`{"status":"ok"}`), apiHeaders) }},
		{route{method: get, path: "/readyz"}, (*call).ready},
		{route{method: get, path: "/metrics"}, (*call).scrape},
		{route{method: get, path: "/pay/{id}", of: ident.Payment}, (*call).payPage},
		{route{method: post, path: "/pay/{id}", of: ident.Payment}, (*call).payConfirm},
		{route{method: post, path: "/pay/{id}/resend", of: ident.Payment}, (*call).payResend},
		{route{method: post, path: "/pay/{id}/cancel", of: ident.Payment}, (*call).payCancel},
		{route{method: get, path: "/pay/{id}/events", of: ident.Payment}, (*call).payEvents},
	}
}

func fixed(kind string, body []byte, h headers) reply {
	return reply{status: http.StatusOK, kind: kind, body: body, headers: h}
}

// ready answers whether this process can serve: its own opinion, and whether
// its committer's queue still takes ops.
func (c *call) ready() reply {
	if err := c.h.c.Ready(c.r.Context()); err != nil {
		c.h.c.Log.Warn("the bank is not ready", "err", err)
		return replyOf(refuse(bankapi.Unavailable, "the log says why"), 0)
	}
	return replyOf(bank.Answer{Body: []byte(`{"status":"ready"}`)}, http.StatusOK)
}

// scrape lets Prometheus read the metrics: how many payments there are is not for
// everybody who can reach the code page.
func (c *call) scrape() reply {
	if !fromThisMachine(c.r) {
		if a, ok := c.enter(issuerOnly); !ok {
			return replyOf(a, 0)
		}
	}
	c.secure(apiHeaders)
	c.h.metrics.serve.ServeHTTP(c.w, c.r)
	return reply{status: http.StatusOK, sent: true}
}

// passedOn are headers by which a proxy says that it asks for somebody else.
var passedOn = []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"}

// fromThisMachine reports whether the request comes from a process here, and is
// not passed on.
func fromThisMachine(r *http.Request) bool {
	for _, name := range passedOn {
		if len(r.Header[name]) > 0 {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	from, err := netip.ParseAddr(host)
	return err == nil && from.Unmap().IsLoopback()
}

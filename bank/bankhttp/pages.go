package bankhttp

import (
	"net/http"

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

// scrape lets Prometheus read the metrics.
func (c *call) scrape() reply {
	c.secure(apiHeaders)
	c.h.metrics.serve.ServeHTTP(c.w, c.r)
	return reply{status: http.StatusOK, sent: true}
}

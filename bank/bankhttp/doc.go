// Package bankhttp is the bank's HTTP door: its API under /v1, the payer's code
// page under /pay, and what operators watch.
//
// Start with New, which makes a Handler, and Serve, which puts it on listeners
// with limits. One table (table.go) lists every operation; the mux, the OpenAPI
// document and the page at /docs all come from it, so that none can drift from
// the others.
//
// The package holds no rules. It finds out who asks (bank.Gate), reads one JSON
// object strictly, hands an op to bank.Bank and writes the answer's bytes as
// they are; the ops check every value themselves. Errors are problems (RFC 9457)
// with the types of package bankapi.
//
// It refuses bodies above 64 KB (384 KB where taps are uploaded), media types
// other than application/json, names it does not know, names that occur twice,
// text that is not UTF-8, and forms posted from other sites. It promises that no
// log line, metric, error or answer has a code, a whole PAN, a key or a ticket in
// it, but for the four answers that exist to hand one over, once: an API key, a
// webhook's secret, a phone's ticket, and personalisation data in encrypted form.
package bankhttp

package webhook

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// Limits of connections.
const (
	headerMax = 16 << 10 // bytes of an answer's headers
	idleMax   = 100      // connections kept for the next event
	idleTime  = time.Minute
)

// newClient makes the client that deliveries go through.
func newClient(c Config) *http.Client {
	dialer := &net.Dialer{Timeout: c.Timeout}
	if !c.Private {
		dialer.ControlContext = onlyPublic
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: c.TLS, TLSHandshakeTimeout: c.Timeout,
			ForceAttemptHTTP2: true, DisableCompression: true,
			MaxResponseHeaderBytes: headerMax, MaxIdleConns: idleMax, IdleConnTimeout: idleTime,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// onlyPublic looks at the address itself, at the last moment: what a name stood
// for a moment ago does not count.
func onlyPublic(_ context.Context, _, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !public(to.Addr()) {
		return fmt.Errorf("%s is no public address, and the bank is not configured to post to others", address)
	}
	return nil
}

// public reports whether an address can be anybody's on the Internet.
func public(a netip.Addr) bool {
	a = a.Unmap()
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	if a.Is6() && !globalUnicast.Contains(a) {
		return false
	}
	return a.IsValid() && !slices.ContainsFunc(special, in)
}

// globalUnicast is all that is given out of IPv6. What leads into IPv4 by
// another name (64:ff9b::/96, ::/96) lies outside.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// special are the blocks of IANA's special-purpose address registries, with
// multicast and what is reserved.
var special = func() (out []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}()

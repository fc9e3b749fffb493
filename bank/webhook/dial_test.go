package webhook_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"sotto/bank/webhook"
)

func TestPublicAddresses(t *testing.T) {
	for want, texts := range map[bool]string{
		true: `1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255
			172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 223.255.255.255 ::ffff:8.8.8.8
			2001:200:: 2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450::1`,
		false: `0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1
			172.31.255.255 192.0.0.8 192.0.2.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.9
			224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
			:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b:1::1
			100::1 2001::1 2001:10::1 2001:db8::1 2002:7f00:1::1 3fff::1 fc00::1 fd12:3456::1 fe80::1 fe80::1%eth0
			fec0::1 ff02::1 4000::1`,
	} {
		for _, text := range strings.Fields(texts) {
			if got := webhook.Public(netip.MustParseAddr(text)); got != want {
				t.Errorf("%s: public is %v, want %v", text, got, want)
			}
		}
	}
	if webhook.Public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

// A bank that is not told otherwise posts to no address of its own house, under
// whichever name, and says so.
func TestPrivateAddressesAreRefused(t *testing.T) {
	for name, url := range map[string]func(string) string{
		"address": func(url string) string { return url },
		"name":    func(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) },
		"https":   func(url string) string { return strings.Replace(url, "http://127.0.0.1", "https://127.0.0.1", 1) },
		"mapped": func(url string) string {
			return strings.Replace(url, "http://127.0.0.1", "https://[::ffff:127.0.0.1]", 1)
		},
		"number": func(url string) string { return strings.Replace(url, "http://127.0.0.1", "https://127.1", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(s *site) { s.private = false })
			e := s.serveEndpoint(s.merchant("Tea House"))
			s.register(e, url(e.URL))
			s.until("three tries", func() bool { return len(s.paused()) >= 3 })
			if len(e.heard()) > 0 {
				t.Error("it was called")
			}
			if !s.log.has("is no public address") && name != "number" || !s.row(e).Failing {
				t.Error("the log does not say why, or the merchant cannot see it")
			}
		})
	}
}

// The environment's proxies would be asked instead of the endpoint.
func TestNoProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a proxy was asked") }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	s := newSite(t, func(s *site) { s.private = false })
	e := s.serveEndpoint(s.merchant("Tea House"))
	s.register(e, "https://pay.shop.invalid/hook")
	s.until("a pause", func() bool { return len(s.paused()) > 0 })
	if !s.log.has("pay.shop.invalid") {
		t.Error("it failed for another reason")
	}
}

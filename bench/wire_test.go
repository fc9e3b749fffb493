package bench

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"sotto/secret"
)

func TestWireReads(t *testing.T) {
	for name, c := range map[string]struct {
		in     string
		status int
		body   string
		ok     bool
	}{
		"an answer":     {"HTTP/1.1 201 Created\r\nX: y\r\nContent-Length: 2\r\n\r\n{}", 201, "{}", true},
		"nothing in it": {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 204, "", true},
		"chunks":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 0, "", false},
		"half":          {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", 0, "", false},
		"no HTTP":       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, "", false},
		"a huge body":   {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 0, "", false},
		"a bad length":  {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, "", false},
	} {
		w := &wire{in: bufio.NewReader(strings.NewReader(c.in))}
		a, err := w.read()
		if (err == nil) != c.ok || c.ok && (a.status != c.status || string(a.body) != c.body) {
			t.Errorf("%s: got %d %q %v", name, a.status, a.body, err)
		}
	}
}

// The standard library's server understands what the wire writes, request after
// request on one connection.
func TestWireWrites(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Idempotency-Key")+" "+string(body))
		_, _ = w.Write([]byte("ok"))
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	w, err := dialWire(t.Context(), l.Addr().String(), secret.New([]byte("sk_1")))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"pay_1", "pay_2"} {
		a, err := w.post(paymentPath, []byte(id), confirmPath, []byte("key"), []byte(`{"code":"1"}`))
		if err != nil || a.status != http.StatusOK || string(a.body) != "ok" {
			t.Errorf("got %d %q %v", a.status, a.body, err)
		}
	}
	w.close()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	want := `POST /v1/payments/pay_1/confirm Bearer sk_1 key {"code":"1"}`
	if len(got) != 2 || got[0] != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestMember(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"pay_1","status":"x"}`: "pay_1", `{"status":"x"}`: "", ``: "", `{"id":"`: "",
	} {
		if got := string(member([]byte(body), idMember)); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestPANsHaveTheirCheckDigit(t *testing.T) {
	seen := map[string]bool{}
	for i := range 500 {
		pan := panOf(i)
		sum := 0
		for at := range len(pan) {
			d := int(pan[len(pan)-1-at] - '0')
			if at%2 == 1 {
				if d *= 2; d > 9 {
					d -= 9
				}
			}
			sum += d
		}
		if len(pan) != 16 || sum%10 != 0 || seen[pan] {
			t.Errorf("%d: %s", i, pan)
		}
		seen[pan] = true
	}
}

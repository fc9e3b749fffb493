package bankhttp_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sotto/bank/bankhttp"
)

// raw sends bytes as they are and reads what comes back until the end.
func (w *world) raw(t *testing.T, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, text)
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

func TestAHeaderThatIsTooLarge(t *testing.T) {
	w := newWorld(t)
	got := w.raw(t, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("got %.100q", got)
	}
}

func TestASlowPeerIsLeft(t *testing.T) {
	short := 300 * time.Millisecond
	w := newWorld(t, withLimits(bankhttp.Limits{HeaderTimeout: short, ReadTimeout: short, IdleTimeout: short}))
	for name, text := range map[string]string{
		"half a header": "POST /v1/payments HTTP/1.1\r\nHost: x\r\nX-",
		"half a body":   "POST /v1/payments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.shop + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		"nothing":       "",
	} {
		started := time.Now()
		got := w.raw(t, text)
		if took := time.Since(started); took > 5*time.Second {
			t.Errorf("%s: held for %s", name, took)
		}
		if name == "half a body" && !strings.Contains(got, "urn:sotto:problem:malformed") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	w := newWorld(t, withLimits(bankhttp.Limits{Connections: 2, IdleTimeout: 200 * time.Millisecond}))
	var held []net.Conn
	for range 8 {
		conn, err := net.Dial("tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		held = append(held, conn)
	}
	for _, conn := range held {
		conn.Close()
	}
	if r := w.get("", "/healthz", nil); r.StatusCode != 200 {
		t.Errorf("afterwards: %d", r.StatusCode)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	w := newWorld(t)
	one := func(path string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.shop + "\r\n\r\n"
	}
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, one("/healthz")+one("/v1/payments")+one("/v1/nothing")+one("/v1/cards")); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(conn)
	for i, want := range []int{200, 200, 404, 403} {
		r, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if err != nil || r.StatusCode != want {
			t.Errorf("answer %d: got %d, want %d (%v)", i, r.StatusCode, want, err)
		}
	}
}

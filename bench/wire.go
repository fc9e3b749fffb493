package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"sotto/secret"
)

// wire is one keep-alive connection of one merchant to the HTTP door.
//
// The client of net/http would take more of the two cores than the bank's own
// door: goroutines for reading and writing, a header map, a pool. This one has
// the request's head ready, sends it with the body in one write, and looks only
// at the answer's status, length and body. It speaks no more of HTTP/1.1
// (RFC 9112) than the bank's answers need, and refuses what it does not know.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	head []byte // from Host to the idempotency key's name
	out  []byte
	body []byte
}

// answer is of use until the next request on the same wire.
type answer struct {
	status int
	body   []byte
}

func dialWire(ctx context.Context, address string, key secret.Secret) (*wire, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to the bank: %w", err)
	}
	head := " HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/json\r\nAuthorization: Bearer " +
		string(key.Reveal()) + "\r\nIdempotency-Key: "
	return &wire{conn: conn, in: bufio.NewReaderSize(conn, 4096), head: []byte(head)}, nil
}

func (w *wire) close() { _ = w.conn.Close() }

// post sends one request and waits for its answer. The path is in pieces so
// that nobody has to join them.
func (w *wire) post(path, id, rest, key, body []byte) (answer, error) {
	w.out = append(w.out[:0], "POST "...)
	w.out = append(append(append(w.out, path...), id...), rest...)
	w.out = append(append(w.out, w.head...), key...)
	w.out = append(w.out, "\r\nContent-Length: "...)
	w.out = strconv.AppendInt(w.out, int64(len(body)), 10)
	w.out = append(append(w.out, "\r\n\r\n"...), body...)
	if _, err := w.conn.Write(w.out); err != nil {
		return answer{}, err
	}
	return w.read()
}

var (
	errHTTP      = errors.New("the bank's answer is no HTTP that the load generator reads")
	lengthHeader = []byte("Content-Length: ")
)

func (w *wire) read() (a answer, err error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return a, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return a, errHTTP
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, errHTTP
	}
	length := -1
	for {
		if line, err = w.in.ReadSlice('\n'); err != nil {
			return a, err
		}
		if len(line) <= 2 {
			break
		}
		if text, ok := bytes.CutPrefix(line, lengthHeader); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(text))); err != nil {
				return a, errHTTP
			}
		}
	}
	if length < 0 || length > 1<<20 {
		return a, errHTTP
	}
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	a.body = w.body[:length]
	_, err = io.ReadFull(w.in, a.body)
	return a, err
}

// member is the text value of a JSON member that has no escapes in it.
func member(body, name []byte) []byte {
	_, rest, ok := bytes.Cut(body, name)
	if !ok {
		return nil
	}
	value, _, _ := bytes.Cut(rest, []byte{'"'})
	return value
}

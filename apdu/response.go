package apdu

import "errors"

// ErrResponse says that bytes are no response APDU: no status, a status that
// ISO/IEC 7816-4 rules out, or more than NeMax bytes of data.
var ErrResponse = errors.New("apdu: malformed response")

// Response is a response APDU.
type Response struct {
	Data   []byte // up to NeMax bytes; ParseResponse lets it alias its input
	Status Status
}

// ParseResponse reads a response APDU.
func ParseResponse(b []byte) (Response, error) {
	n := len(b) - 2
	if n < 0 || n > NeMax {
		return Response{}, ErrResponse
	}
	r := Response{Status: Status(b[n])<<8 | Status(b[n+1])}
	if !r.Status.Valid() {
		return Response{}, ErrResponse
	}
	if n > 0 {
		r.Data = b[:n:n]
	}
	return r, nil
}

// Bytes is the response as it stands on the wire.
func (r Response) Bytes() []byte {
	return r.Append(make([]byte, 0, len(r.Data)+2))
}

// Append writes the response behind dst. It panics when Data is longer than
// NeMax or the status is not Valid: both are errors of the program.
func (r Response) Append(dst []byte) []byte {
	if len(r.Data) > NeMax || !r.Status.Valid() {
		panic("apdu: cannot be written: data too long or no valid status")
	}
	dst = append(dst, r.Data...)
	return append(dst, byte(r.Status>>8), byte(r.Status))
}

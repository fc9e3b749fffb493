package apdu

import (
	"bytes"
	"errors"
)

// ErrEndless says that a card keeps announcing response data without end, or
// announces some and sends none.
var ErrEndless = errors.New("apdu: card announces data without end")

// Pending is what is left of a response that was longer than its reader asked
// for. The zero Pending is nothing.
type Pending struct {
	data   []byte
	status Status
}

// Empty reports that GET RESPONSE has nothing to fetch.
func (p Pending) Empty() bool { return len(p.data) == 0 }

// Respond cuts a response to the ne bytes that the command asked for. The first
// part is to be sent now, with 61xx if more waits; the rest is for GetResponse.
// Any other command than GET RESPONSE makes the rest void: the caller drops it.
func Respond(r Response, ne int) (first Response, rest Pending) {
	if len(r.Data) <= ne {
		return r, Pending{}
	}
	rest = Pending{data: r.Data[ne:], status: r.Status}
	first = Response{Status: Remaining(len(rest.data))}
	if ne > 0 {
		first.Data = r.Data[:ne:ne]
	}
	return first, rest
}

// IsGetResponse reports whether c is a GET RESPONSE: instruction C0 in an
// interindustry class.
func IsGetResponse(c Command) bool {
	return c.INS == insGetResponse && c.CLA.Interindustry()
}

// GetResponse answers a GET RESPONSE. The last part has the status of the whole
// response. A Ne above what is left gets what is left.
func (p Pending) GetResponse(c Command) (Response, Pending) {
	switch {
	case c.P1 != 0 || c.P2 != 0:
		return Response{Status: StatusWrongP1P2}, p
	case len(c.Data) != 0 || c.Ne == 0:
		return Response{Status: StatusWrongLength}, p
	case p.Empty():
		return Response{Status: StatusConditions}, p
	}
	return Respond(Response{Data: p.data, Status: p.status}, c.Ne)
}

// Transmit sends a command and fetches all of its response: it repeats a command
// once with the right Le after 6Cxx, and sends GET RESPONSE as long as the card
// answers 61xx. The response has the data of all parts and the last
// status. It stops with ErrEndless at NeMax bytes or a part without data.
func Transmit(send func(Command) (Response, error), c Command) (Response, error) {
	r, err := sendExact(send, c)
	if err != nil {
		return Response{}, err
	}
	n, more := r.Status.BytesLeft()
	if !more {
		return r, nil
	}
	whole := bytes.Clone(r.Data)
	for more {
		r, err = sendExact(send, Command{CLA: getResponseClass(c.CLA), INS: insGetResponse, Ne: n})
		if err != nil {
			return Response{}, err
		}
		whole = append(whole, r.Data...)
		n, more = r.Status.BytesLeft()
		if len(whole) > NeMax || more && len(r.Data) == 0 {
			return Response{}, ErrEndless
		}
	}
	return Response{Data: whole, Status: r.Status}, nil
}

// sendExact sends c, and once more with the right Le if the card asks for it.
func sendExact(send func(Command) (Response, error), c Command) (Response, error) {
	r, err := send(c)
	if err != nil {
		return Response{}, err
	}
	if ne, ok := r.Status.WrongLe(); ok {
		c.Ne = ne
		return send(c)
	}
	return r, nil
}

// getResponseClass is the class for the GET RESPONSE to a command of class c:
// the same channel, neither chained nor protected. A proprietary class goes
// over to 00: GET RESPONSE is an interindustry command.
func getResponseClass(c Class) Class {
	if channel := c.Channel(); channel > 3 {
		return 0x40 | Class(channel-4)
	}
	return Class(c.Channel())
}

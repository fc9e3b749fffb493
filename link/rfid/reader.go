package rfid

import (
	"context"
	"errors"
)

// repeatsMax is how often a request is sent that nobody answers, or whose answer
// is damaged.
const repeatsMax = 12

// tagsMax is how many tags an inventory finds at most, and masksMax how many masks
// it tries: noise looks like tags without end.
const (
	tagsMax  = 16
	masksMax = 64 * tagsMax
)

// reader sends requests by a Radio.
type reader struct{ radio Radio }

// ask sends a request and returns the data of its response. A request may be
// carried out more than once: none here minds.
func (r reader) ask(ctx context.Context, q request) (data []byte, err error) {
	for range repeatsMax {
		var response []byte
		response, err = r.radio.Exchange(ctx, q.bytes())
		if err == nil {
			return parseResponse(response)
		}
		if !faded(err) {
			return nil, err
		}
	}
	return nil, err
}

// faded reports whether it was the air, and another try may do better.
func faded(err error) bool { return errors.Is(err, ErrNoAnswer) || errors.Is(err, ErrGarbled) }

// inventory finds the tags in the field. Where several answer at once, it asks
// for those whose UID goes on with 0, and those whose goes on with 1.
func (r reader) inventory(ctx context.Context) (found []UID, err error) {
	open := []mask{{}}
	for tries := 0; len(open) > 0 && len(found) < tagsMax && tries < masksMax; tries++ {
		m := open[len(open)-1]
		open = open[:len(open)-1]
		q := request{flags: flagHighRate | flagInventory | flagOneSlot, command: cmdInventory, params: m.params()}
		u, answered, err := r.one(ctx, q)
		switch {
		case err != nil:
			return found, err
		case answered == nobody:
		case answered == somebody && m.covers(u):
			found = append(found, u)
		case m.bits < 8*UIDSize:
			zero, one := m.halves()
			open = append(open, one, zero)
		}
	}
	return found, nil
}

type crowd byte

const (
	nobody crowd = iota
	somebody
	several // or one whose answer was damaged: the masks sort that out
)

// one asks who is there. A request that was damaged looks as if nobody were, so
// nobody is believed the second time only.
func (r reader) one(ctx context.Context, q request) (u UID, answered crowd, err error) {
	for range 2 {
		response, err := r.radio.Exchange(ctx, q.bytes())
		switch {
		case errors.Is(err, ErrNoAnswer):
			continue
		case errors.Is(err, ErrGarbled):
			return u, several, nil
		case err != nil:
			return u, nobody, err
		}
		data, err := parseResponse(response)
		if err != nil || len(data) != 1+UIDSize {
			return u, several, nil //nolint:nilerr // whatever it is, it is no UID
		}
		return UID(data[1:]), somebody, nil
	}
	return u, nobody, nil
}

// mailbox is that of one tag.
type mailbox struct {
	reader

	uid UID
}

func (m mailbox) request(command byte, params ...byte) request {
	return request{flags: flagHighRate | flagAddress, command: command, uid: m.uid, params: params}
}

// status reads how the mailbox stands.
func (m mailbox) status(ctx context.Context) (byte, error) {
	data, err := m.ask(ctx, m.request(cmdReadRegister, regMailbox))
	if err != nil {
		return 0, err
	}
	if len(data) != 1 {
		return 0, errResponse
	}
	return data[0], nil
}

// open switches the mailbox on and empties it of what an earlier reader left.
func (m mailbox) open(ctx context.Context) error {
	s, err := m.status(ctx)
	if err == nil && s&mailboxOn == 0 {
		_, err = m.ask(ctx, m.request(cmdWriteRegister, regMailbox, mailboxOn))
	}
	if err == nil && s&hostPut != 0 {
		_, err = m.read(ctx)
	}
	return err
}

func (m mailbox) write(ctx context.Context, b []byte) error {
	_, err := m.ask(ctx, m.request(cmdWriteMessage, append([]byte{byte(len(b) - 1)}, b...)...))
	return err
}

// read fetches the card's message, in parts if the reader cannot take it whole. If
// a response is lost and the card has put another message meanwhile, what comes is
// of that one: whole, or to be told by the CRC of its frame.
func (m mailbox) read(ctx context.Context) ([]byte, error) {
	data, err := m.ask(ctx, m.request(cmdMessageLength))
	if err != nil {
		return nil, err
	}
	if len(data) != 1 {
		return nil, errResponse
	}
	length := int(data[0]) + 1
	_, most := m.radio.Limits()
	most-- // the flags
	if length <= most {
		return m.ask(ctx, m.request(cmdReadMessage, 0, 0)) // all
	}
	var b []byte
	for len(b) < length {
		n := min(length-len(b), most)
		part, err := m.ask(ctx, m.request(cmdReadMessage, byte(len(b)), byte(n-1)))
		if err != nil {
			return nil, err
		}
		if len(part) != n {
			return nil, errResponse
		}
		b = append(b, part...)
	}
	return b, nil
}

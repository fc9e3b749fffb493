package apdu

import (
	"bytes"
	"errors"
)

// ErrUnchainable says that a command cannot be split: its class has no chaining
// bit to set, or has it set already.
var ErrUnchainable = errors.New("apdu: class cannot be chained")

// Split cuts a command into a chain of links with at most n bytes of data each,
// n from 1 to DataMax. All links have the header of c; all but the last have
// the chaining bit set and expect no response data. A command with no more than
// n bytes comes back alone. The data aliases that of c.
func Split(c Command, n int) ([]Command, error) {
	if n < 1 || n > DataMax {
		panic("apdu: cannot split by this length")
	}
	if len(c.Data) <= n {
		return []Command{c}, nil
	}
	if !c.CLA.Interindustry() || c.CLA.Chained() {
		return nil, ErrUnchainable
	}
	links := make([]Command, 0, (len(c.Data)+n-1)/n)
	for data := c.Data; len(data) > 0; {
		link, size := c, min(n, len(data))
		link.Data, data = data[:size:size], data[size:]
		if len(data) > 0 {
			link.CLA, link.Ne = c.CLA.WithChaining(true), 0
		}
		links = append(links, link)
	}
	return links, nil
}

// Chain puts the links of chains together on the side of the card. The zero
// Chain takes no chains at all; NewChain says how much data it may hold.
type Chain struct {
	dataMax int
	open    bool
	head    Command // header of the chain, chaining bit cleared
	data    []byte
}

// NewChain is an empty chain that holds at most dataMax bytes.
func NewChain(dataMax int) Chain { return Chain{dataMax: dataMax} }

// Open reports whether the last link has yet to come.
func (c Chain) Open() bool { return c.open }

// Add takes the next command. Done means that whole is now to be carried out: a
// command that was never chained as it came, a chain with its data joined. If
// not done and status is 9000, that is the answer to the link. Any other status
// is the answer to a command that breaks the rules; the chain is then given up,
// and so is the command.
//
// Reading: what happens to an open chain when another command comes between is
// left open by the standard; here the intruder is answered 6883, and the next
// command starts afresh, so that no two halves of different chains ever meet.
func (c Chain) Add(link Command) (next Chain, whole Command, done bool, status Status) {
	empty := NewChain(c.dataMax)
	if !c.open && !link.CLA.Chained() {
		return empty, link, true, StatusOK
	}
	head := Command{CLA: link.CLA.WithChaining(false), INS: link.INS, P1: link.P1, P2: link.P2}
	switch {
	case c.dataMax == 0:
		return empty, Command{}, false, StatusNoChaining
	case c.open && !sameHeader(head, c.head):
		return empty, Command{}, false, StatusLastExpected
	case len(c.data)+len(link.Data) > c.dataMax:
		return empty, Command{}, false, StatusWrongLength
	}
	data := append(bytes.Clone(c.data), link.Data...)
	if link.CLA.Chained() {
		return Chain{dataMax: c.dataMax, open: true, head: head, data: data}, Command{}, false, StatusOK
	}
	head.Data, head.Ne = data, link.Ne
	return empty, head, true, StatusOK
}

func sameHeader(a, b Command) bool {
	return a.CLA == b.CLA && a.INS == b.INS && a.P1 == b.P1 && a.P2 == b.P2
}

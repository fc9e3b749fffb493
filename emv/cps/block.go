package cps

import (
	"slices"

	"sotto/secret"
)

// Bits of P1 of STORE DATA (EMV CPS 1.1, 4.3.4; GlobalPlatform Card
// Specification 2.3.1, 11.11.2.1).
const (
	blockLast   = 0x80
	blockHidden = 0x60 // all groups of the block are encrypted
	blockGroups = 0x08 // the data is groups, not BER-TLV
)

// BlocksMax is how many blocks P2 can count.
const BlocksMax = 256

// BlockMax is the largest block: the data of a short command without a channel.
const BlockMax = 255

// Block is one STORE DATA command: its parameters and its data.
type Block struct {
	P1, P2 byte
	Data   []byte
}

// Blocks cuts groups into blocks of at most dataMax bytes, 1 to BlockMax. The
// last has b8 of P1; P2 counts from 0. Groups may cross from block to block, but
// hidden ones and others share none, since one bit speaks for the whole block.
// What takes more than BlocksMax blocks is ErrLimit.
func Blocks(groups []Group, dataMax int) ([]Block, error) {
	if dataMax < 1 || dataMax > BlockMax {
		panic("cps: no block has this size")
	}
	if _, err := check(groups); err != nil {
		return nil, err
	}
	var blocks []Block
	for len(groups) > 0 {
		run := runOf(groups)
		var wire []byte
		for _, g := range groups[:run] {
			wire = g.append(wire)
		}
		p1 := byte(blockGroups)
		if groups[0].Hidden {
			p1 |= blockHidden
		}
		for data := range slices.Chunk(wire, dataMax) {
			blocks = append(blocks, Block{p1, byte(len(blocks)), data})
		}
		groups = groups[run:]
	}
	if len(blocks) > BlocksMax {
		return nil, ErrLimit
	}
	blocks[len(blocks)-1].P1 |= blockLast
	return blocks, nil
}

// runOf is how many groups from the first on are hidden as it is, or are not.
func runOf(groups []Group) int {
	n := slices.IndexFunc(groups, func(g Group) bool { return g.Hidden != groups[0].Hidden })
	if n < 0 {
		return len(groups)
	}
	return n
}

// Assembly puts blocks together on the side of the card. The zero Assembly is
// ready for the first one. It is a value: Add leaves the old one as it was.
type Assembly struct {
	groups  []Group
	pending secret.Secret // the beginning of a group
	hidden  bool          // of the pending group
	blocks  int
	size    int
	done    bool
}

// Add takes the next block. After an error there is nothing to go on with; begin
// anew.
//
// Reading: the case of the command, b1, and a structure that is not stated, b5
// and b4 both 0, make no difference to what the data is; both forms of b4 are
// taken, and b1 to b3 must be 0.
func (a Assembly) Add(b Block) (Assembly, error) {
	hidden := b.P1&blockHidden == blockHidden
	switch {
	case a.done || b.P1&^(blockLast|blockHidden|blockGroups) != 0,
		!hidden && b.P1&blockHidden != 0,
		a.blocks == BlocksMax || int(b.P2) != a.blocks,
		len(b.Data) == 0 || len(b.Data) > BlockMax,
		!a.pending.Empty() && hidden != a.hidden:
		return Assembly{}, ErrBlock
	case a.size+len(b.Data) > SizeMax:
		return Assembly{}, ErrLimit
	}
	groups, rest, err := appendRead(slices.Clip(a.groups), slices.Concat(a.pending.Reveal(), b.Data), hidden)
	if err != nil {
		return Assembly{}, err
	}
	next := Assembly{groups, secret.New(rest), hidden, a.blocks + 1, a.size + len(b.Data), b.P1&blockLast != 0}
	if next.done && len(rest) > 0 {
		return Assembly{}, ErrForm
	}
	return next, nil
}

// Done reports whether the last block has come.
func (a Assembly) Done() bool { return a.done }

// Groups are the groups that have come whole, in their order.
func (a Assembly) Groups() []Group { return slices.Clone(a.groups) }

package pos

import (
	"bytes"
	"context"
	"slices"
	"strconv"
)

// candidate is a combination that terminal and chip both have.
type candidate struct {
	combination

	aid      []byte // as the chip has it, whole
	label    string
	priority byte
}

// Two high bits of a kernel identifier (EMV Contactless Book B, table 3-6).
const (
	kernelForm     = 0xC0
	kernelDomestic = 0x80 // and above: three bytes and more
)

// requestedKernel is the kernel that a directory entry asks for (EMV Contactless
// Book B, 3.3.2, 5C): 0 is any that the terminal has for this application.
//
// Reading: an entry that does not say asks for the default kernel of its RID.
// Of those in Book B's table, this terminal has two.
func requestedKernel(e directoryEntry) (kernel byte, ok bool) {
	switch {
	case len(e.kernel) == 0:
		return defaultKernels[ridOf(e.aid)], true
	case e.kernel[0]&kernelForm >= kernelDomestic:
		return 0, false // domestic: this terminal has none
	}
	return e.kernel[0], true
}

var defaultKernels = map[[5]byte]byte{
	{0xA0, 0x00, 0x00, 0x00, 0x03}: 3,
	{0xA0, 0x00, 0x00, 0x00, 0x04}: 2,
	{0xA0, 0x00, 0x00, 0x00, 0x25}: 4,
	{0xA0, 0x00, 0x00, 0x00, 0x65}: 5,
	{0xA0, 0x00, 0x00, 0x01, 0x52}: 6,
	{0xA0, 0x00, 0x00, 0x03, 0x33}: 7,
}

// candidates is step 2 (EMV Contactless Book B, 3.3.2, 5): for each combination
// that pre-processing has left, each entry of the chip that begins with its AID
// and does not ask for another kernel.
func candidates(combinations []combination, d directory) []candidate {
	var list []candidate
	for _, e := range d.entries {
		kernel, ok := requestedKernel(e)
		for _, c := range combinations {
			if ok && c.allowed && bytes.HasPrefix(e.aid, c.AID) && (kernel == 0 || kernel == c.Kernel) {
				list = append(list, candidate{combination: c, aid: e.aid, label: e.label, priority: e.priority & 0x0F})
			}
		}
	}
	slices.SortStableFunc(list, byPriority)
	return list
}

// byPriority puts 1 first and 0, which is none, last; those of one priority stay
// in the order of the chip (3.3.3, 2).
func byPriority(a, b candidate) int { return int(a.priority-1) - int(b.priority-1) }

// findCandidates are steps 1 to 2 together.
func (x *transaction) findCandidates(ctx context.Context, combinations []combination) ([]candidate, error) {
	d, err := x.selectPPSE(ctx)
	if err != nil {
		return nil, err
	}
	if d, err = x.sendPOIInformation(ctx, d); err != nil {
		return nil, err
	}
	list := candidates(combinations, d)
	if len(list) == 0 { // 3.3.2, 6
		if len(d.entries) == 0 {
			return nil, end(d.reason)
		}
		return nil, end(NoApplication)
	}
	for i, c := range list {
		x.trace.step("Candidate " + strconv.Itoa(i+1) + ": " + hexOf(c.aid) + ", kernel " + strconv.Itoa(int(c.Kernel)) + ".")
	}
	return list, nil
}

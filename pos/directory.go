package pos

import (
	"bytes"
	"context"
	"slices"

	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// contactCandidates builds the candidate list over contacts (EMV 4.4 Book 1,
// 12.3): from the directory if there is one, else, or if it has nothing in
// common with the terminal, by selecting each application of the terminal.
func (x *transaction) contactCandidates(ctx context.Context) ([]candidate, error) {
	list, err := x.readDirectory(ctx)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		x.trace.step("No application in a directory; each one of the terminal's is looked for.")
		if list, err = x.lookForAll(ctx); err != nil {
			return nil, err
		}
	}
	// An application that wants the holder to confirm it cannot be taken where
	// nobody is asked (12.4).
	list = slices.DeleteFunc(list, func(c candidate) bool { return c.priority&0x80 != 0 })
	if len(list) == 0 {
		return nil, end(NoApplication)
	}
	slices.SortStableFunc(list, byPriority)
	return list, nil
}

// readDirectory reads the payment system environment (12.3.2). Nothing in it is
// no error.
func (x *transaction) readDirectory(ctx context.Context) ([]candidate, error) {
	r, err := x.chip.exchange(ctx, selectCommand([]byte(namePSE), 0), about{why: "Asks the chip for its directory of applications."})
	switch {
	case err != nil:
		return nil, err
	case r.Status == apdu.StatusNotSupported: // 6A81: the card is blocked
		return nil, endStatus(r.Status)
	case !r.Status.OK():
		return nil, nil
	}
	f, err := parseFCI(r.Data)
	if err != nil {
		return nil, err
	}
	file := f.proprietary[emv.TagSFI]
	if len(file) != 1 || file[0] < 1 || file[0] > 10 {
		return nil, end(Malformed)
	}
	var d directory
	for n := byte(1); ; n++ {
		if n > recordsMax {
			return nil, end(Endless)
		}
		r, err := x.chip.exchange(ctx, readRecordCommand(file[0], n), about{why: "Reads the directory."})
		if err != nil {
			return nil, err
		}
		if !r.Status.OK() {
			return x.matching(d), nil
		}
		if err := d.addRecord(r.Data); err != nil {
			return nil, err
		}
	}
}

// addRecord takes the entries of a directory record (12.2.3). Directories inside
// are passed over.
func (d *directory) addRecord(b []byte) error {
	rest, err := tlv.Only(b, emv.TagRecord)
	if err != nil {
		return end(Malformed)
	}
	for {
		o, after, more, err := tlv.Next(rest)
		switch {
		case err != nil:
			return end(Malformed)
		case !more:
			return nil
		case o.Tag == emv.TagApplicationTemplate:
			if err := d.add(o.Value); err != nil {
				return err
			}
		}
		rest = after
	}
}

// matching are the entries that begin with an AID of the terminal.
func (x *transaction) matching(d directory) (list []candidate) {
	for _, e := range d.entries {
		for _, a := range x.settings.Applications {
			if bytes.HasPrefix(e.aid, a.AID) {
				list = append(list, candidate{combination: combination{Application: a}, aid: e.aid, label: e.label, priority: e.priority & 0x8F})
				break
			}
		}
	}
	return list
}

// lookForAll selects each application of the terminal, and as long as there is
// another whose name begins so, that one too (12.3.3).
func (x *transaction) lookForAll(ctx context.Context) (list []candidate, err error) {
	for _, a := range x.settings.Applications {
		p2 := byte(0)
		for n := 0; ; n++ {
			if n > recordsMax {
				return nil, end(Endless)
			}
			r, err := x.chip.exchange(ctx, selectCommand(a.AID, p2), about{why: "Looks for an application by the beginning of its name."})
			switch {
			case err != nil:
				return nil, err
			case r.Status == apdu.StatusNotSupported && p2 == 0:
				return nil, endStatus(r.Status)
			}
			if !r.Status.OK() && !r.Status.Warning() {
				break
			}
			c, err := found(a, r)
			if err != nil {
				return nil, err
			}
			if r.Status.OK() {
				list = append(list, c)
			}
			if len(c.aid) == len(a.AID) { // it is the application itself
				break
			}
			p2 = selectNextP2
		}
	}
	return list, nil
}

// found is the candidate that SELECT has found.
func found(a Application, r apdu.Response) (candidate, error) {
	f, err := parseFCI(r.Data)
	switch {
	case err != nil:
		return candidate{}, err
	case !bytes.HasPrefix(f.name, a.AID):
		return candidate{}, end(Malformed)
	}
	c := candidate{combination: combination{Application: a}, aid: f.name, label: f.label()}
	if p := f.proprietary[emv.TagPriority]; len(p) == 1 {
		c.priority = p[0] & 0x8F
	}
	return c, nil
}

package sim

import (
	"bytes"
	"encoding/hex"

	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// Observer is told what happens on the device. It is called before the answer
// is given, keeps no slice, and must not call the device.
//
// Nothing secret comes to it: no keys, no balances that the wire does not carry,
// and of what it does carry PANs and names are blanked with FF, and the data of
// management commands with zeros.
type Observer interface {
	Exchange(command, response []byte)
	Fact(Fact)
}

// Fact is something that a command has made of the device.
type Fact struct {
	What   What
	AID    []byte // of the applet; nil if there is none
	Reason Reason // of a choice
}

// What is what a fact is about.
type What byte

// The facts.
const (
	FactChoice    What = iota + 1 // an applet was chosen for an amount, or none for Reason
	FactOffered                   // a debit was made, to be taken back if the tap ends here
	FactCommitted                 // the debit is final
	FactRestored                  // a debit that was torn was taken back
	FactDeclined                  // the applet cannot pay what it was asked
	FactOnline                    // the bank is asked
	FactLoaded                    // the bank has set the balance, or the last known amount
	FactBlocked                   // by the bank, with a script
	FactUnblocked
	FactInstalled
	FactPersonalized
	FactDeleted
	FactLocked // by the issuer, through the card manager
	FactUnlocked
	facts
)

var factNames = [facts]string{
	FactChoice: "choice", FactOffered: "offered", FactCommitted: "committed", FactRestored: "restored",
	FactDeclined: "declined", FactOnline: "online", FactLoaded: "loaded", FactBlocked: "blocked",
	FactUnblocked: "unblocked", FactInstalled: "installed", FactPersonalized: "personalized",
	FactDeleted: "deleted", FactLocked: "locked", FactUnlocked: "unlocked",
}

// String is the name of the fact in one word.
func (w What) String() string {
	if w >= facts || factNames[w] == "" {
		return "unknown"
	}
	return factNames[w]
}

// String is as in "choice: F0736F74746F010001" or "choice: balance too small".
func (f Fact) String() string {
	text := f.What.String() + ":"
	if f.AID != nil {
		text += " " + string(bytes.ToUpper(hex.AppendEncode(nil, f.AID)))
	}
	if f.Reason != ReasonNone {
		text += " " + f.Reason.String()
	}
	return text
}

func (t *turn) note(f Fact) {
	if t.device.options.Observer != nil {
		f.AID = bytes.Clone(f.AID)
		t.facts = append(t.facts, f)
	}
}

func (d *Device) observe(c apdu.Command, command, response []byte, facts []Fact) {
	o := d.options.Observer
	if o == nil {
		return
	}
	o.Exchange(blankCommand(c, command), blankResponse(response))
	for _, f := range facts {
		o.Fact(f)
	}
}

// blankCommand is the command without what management commands carry.
func blankCommand(c apdu.Command, raw []byte) []byte {
	shown := bytes.Clone(raw)
	if c.INS == insStoreData && len(c.Data) > 0 && len(shown) > 5 {
		clear(shown[5:])
	}
	return shown
}

// blankResponse is the response with FF for every value that no trace may show.
func blankResponse(raw []byte) []byte {
	shown := bytes.Clone(raw)
	if len(shown) > 2 {
		blank(shown[:len(shown)-2])
	}
	return shown
}

func blank(b []byte) {
	for {
		o, rest, ok, err := tlv.Next(b)
		if err != nil || !ok {
			return
		}
		switch {
		case emv.Sensitive(o.Tag):
			for i := range o.Value {
				o.Value[i] = 0xFF
			}
		case o.Tag.Constructed():
			blank(o.Value)
		}
		b = rest
	}
}

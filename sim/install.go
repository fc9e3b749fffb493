package sim

import (
	"bytes"

	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// P1 of INSTALL (GlobalPlatform Card Specification 2.3.1, table 11-41).
const (
	forInstall     = 0x0C // for install and make selectable
	forPersonalize = 0x20
)

// packageAID is the load file that both kinds of applets come from, and with the
// kind behind it their modules. Nothing is ever loaded: the code is the device.
const packageAID = "\xF0sotto"

const tagParameters tlv.Tag = 0xC9 // application specific parameters

// install answers INSTALL. It registers an applet (B6): the device makes a
// credential for it, and keeps credential and AID in one commit.
func (t *turn) install(c apdu.Command) apdu.Response {
	fields, ok := readFields(c.Data, 6)
	switch {
	case c.P2 != 0:
		return status(apdu.StatusWrongP1P2)
	case !ok:
		return status(apdu.StatusWrongData)
	case c.P1 == forPersonalize:
		return t.personalize(fields[2])
	case c.P1 != forInstall:
		return status(apdu.StatusWrongP1P2)
	}
	e, ok := newEntry(fields)
	if !ok {
		return status(apdu.StatusWrongData)
	}
	if word := t.roomFor(e.aid); !word.OK() {
		return status(word)
	}
	e.assign(t.device.wrap, t.random)
	t.saveEntry(e)
	t.note(Fact{What: FactInstalled, AID: e.aid})
	return answer([]byte{0}) // no confirmation (11.1.6)
}

// readFields reads n fields with one byte of length each.
func readFields(b []byte, n int) (fields [][]byte, ok bool) {
	for len(b) > 0 && len(b) > int(b[0]) {
		fields = append(fields, b[1:1+int(b[0])])
		b = b[1+int(b[0]):]
	}
	return fields, len(fields) == n && len(b) == 0
}

// newEntry reads the fields: load file, module, AID, privileges, parameters,
// token.
func newEntry(fields [][]byte) (entry, bool) {
	module, aid, privileges, parameters := fields[1], fields[2], fields[3], fields[4]
	kind, ours := bytes.CutPrefix(module, []byte(packageAID))
	inner, err := tlv.Only(parameters, tagParameters)
	if !ours || len(kind) != 1 || !Kind(kind[0]).Valid() || err != nil {
		return entry{}, false
	}
	e := entry{aid: aid, kind: Kind(kind[0]), life: lifeSelectable}
	label, _ := tlv.Find(inner, emv.TagLabel)
	e.label = string(label)
	if priority, _ := tlv.Find(inner, emv.TagPriority); len(priority) == 1 {
		e.priority = priority[0]
	}
	fits := len(aid) >= aidMin && len(aid) <= aidMax && len(label) >= 1 && len(label) <= labelMax &&
		printable(label) && e.priority <= priorityMax &&
		len(privileges) > 0 && len(bytes.Trim(privileges, "\x00")) == 0
	return e, fits && tlv.Check(inner) == nil
}

// printable reports whether b is of the format ans, as far as ASCII goes: a
// label may come to a terminal's screen.
func printable(b []byte) bool {
	for _, x := range b {
		if x < ' ' || x > '~' {
			return false
		}
	}
	return true
}

// roomFor reports whether an applet with this AID can be installed.
func (t *turn) roomFor(aid []byte) apdu.Status {
	switch name := string(aid); name {
	case namePPSE, namePSE, nameIssuer:
		return apdu.StatusNameExists
	}
	if _, exists := t.entry(aid); exists {
		return apdu.StatusNameExists
	}
	n := 0
	t.eachEntry(func(entry) { n++ })
	if n >= AppletsMax {
		return apdu.StatusNoSpace
	}
	return apdu.StatusOK
}

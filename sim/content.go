package sim

import (
	"bytes"
	"slices"

	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// delete answers DELETE of an applet (GlobalPlatform Card Specification 2.3.1,
// 11.2). With the credential goes the only thing that opens what was kept under
// it. Whether there was money in it is the issuer's affair.
func (t *turn) delete(c apdu.Command) apdu.Response {
	aid, err := tlv.Only(c.Data, emv.TagADFName)
	switch {
	case c.P1 != 0 || c.P2&^0x80 != 0:
		return status(apdu.StatusWrongP1P2)
	case err != nil:
		return status(apdu.StatusWrongData)
	}
	if _, ok := t.entry(aid); !ok {
		return status(apdu.StatusNoData)
	}
	t.draft.remove(entryKey(aid))
	if err := t.draft.removeAll(appletKey(aid, nil)); err != nil {
		t.fail(err)
	}
	if s := t.settings(); s.preferred == string(aid) {
		s.preferred = ""
		t.saveSettings(s)
	}
	t.note(Fact{What: FactDeleted, AID: aid})
	return answer([]byte{0})
}

// What GET STATUS and SET STATUS are about (tables 11-32 and 11-86).
const (
	ofIssuer       = 0x80
	ofApplications = 0x40
	ofLoadFiles    = 0x20
	ofModules      = 0x10 // load files with their modules
)

// P2 of GET STATUS (table 11-33): objects in TLV, the first or the next.
const (
	statusFirst = 0x02
	statusNext  = 0x03
)

// statusMax is how much of the registry stands in one response, so that it fits
// a short one with encryption and R-MAC.
const statusMax = 223

const (
	tagStatus     tlv.Tag = 0xE3
	tagLife       tlv.Tag = 0x9F70
	tagPrivileges tlv.Tag = 0xC5
	tagTagList    tlv.Tag = 0x5C
)

// lifeSecured is the life cycle state of the device itself (table 11-6).
const lifeSecured life = 0x0F

// getStatus answers GET STATUS (11.4): what is installed, and in which state.
// What does not fit is 6310 and comes with the next occurrence.
func (t *turn) getStatus(c apdu.Command) apdu.Response {
	prefix, asked, ok := statusAsked(c.Data)
	behind := ""
	switch {
	case !slices.Contains([]byte{ofIssuer, ofApplications, ofLoadFiles, ofModules}, c.P1), c.P2 != statusFirst && c.P2 != statusNext:
		return status(apdu.StatusWrongP1P2)
	case !ok:
		return status(apdu.StatusWrongData)
	case c.P1 == ofLoadFiles || c.P1 == ofModules:
		return status(apdu.StatusNoData) // nothing is loaded: applets are built in
	case c.P2 == statusNext:
		if behind = t.session.listed; behind == "" {
			return status(apdu.StatusConditions)
		}
	}
	t.session.listed = ""
	if c.P1 == ofIssuer {
		if c.P2 == statusNext || !bytes.HasPrefix([]byte(nameIssuer), prefix) {
			return status(apdu.StatusNoData)
		}
		return answer(asked.append(nil, []byte(nameIssuer), lifeSecured))
	}
	return t.listApplets(prefix, behind, asked)
}

// statusAsked reads the search qualifier: how the AIDs begin, and maybe a list of
// the tags that are wanted.
func statusAsked(b []byte) (prefix []byte, asked tagList, ok bool) {
	o, rest, found, err := tlv.Next(b)
	if err != nil || !found || o.Tag != emv.TagADFName || len(o.Value) > aidMax {
		return nil, nil, false
	}
	if len(rest) == 0 {
		return o.Value, nil, true
	}
	list, err := tlv.Only(rest, tagTagList)
	return o.Value, list, err == nil
}

// tagList is the value of a tag list (5C); an empty one wants everything.
type tagList []byte

// wants looks for a tag: one byte, or two where the first ends in 1F.
func (l tagList) wants(tag tlv.Tag) bool {
	for rest := l; len(rest) > 0; {
		listed, size := tlv.Tag(rest[0]), 1
		if rest[0]&0x1F == 0x1F && len(rest) > 1 {
			listed, size = listed<<8|tlv.Tag(rest[1]), 2
		}
		if listed == tag {
			return true
		}
		rest = rest[size:]
	}
	return len(l) == 0
}

func (t *turn) listApplets(prefix []byte, behind string, asked tagList) apdu.Response {
	r := answer(nil)
	t.eachEntry(func(e entry) {
		if string(e.aid) <= behind && behind != "" || !bytes.HasPrefix(e.aid, prefix) || !r.Status.OK() {
			return
		}
		longer := asked.append(r.Data, e.aid, e.life)
		if len(longer) > statusMax {
			r.Status = statusMore
			return
		}
		r.Data = longer
		t.session.listed = string(e.aid)
	})
	if len(r.Data) == 0 {
		return status(apdu.StatusNoData)
	}
	if r.Status.OK() {
		t.session.listed = ""
	}
	return r
}

// statusMore says that GET STATUS has more to tell.
const statusMore apdu.Status = 0x6310

// append adds what is wanted of one application.
func (l tagList) append(dst, aid []byte, state life) []byte {
	var inner []byte
	for _, o := range []tlv.Object{
		{Tag: emv.TagADFName, Value: aid}, {Tag: tagLife, Value: []byte{byte(state)}}, {Tag: tagPrivileges, Value: []byte{0}},
	} {
		if l.wants(o.Tag) {
			inner = tlv.Append(inner, o.Tag, o.Value)
		}
	}
	return tlv.Append(dst, tagStatus, inner)
}

// setStatus answers SET STATUS of an applet (11.10): the issuer locks it, or
// gives it free again. What the holder has locked stays locked.
func (t *turn) setStatus(c apdu.Command) apdu.Response {
	if c.P1 != ofApplications {
		return status(apdu.StatusWrongP1P2)
	}
	e, ok := t.entry(c.Data)
	if !ok {
		return status(apdu.StatusNoData)
	}
	e.life &^= lifeLocked
	what := FactUnlocked
	if life(c.P2)&lifeLocked != 0 {
		e.life |= lifeLocked
		what = FactLocked
	}
	t.saveEntry(e)
	t.note(Fact{What: what, AID: e.aid})
	return answer(nil)
}

package sim

import (
	"bytes"

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
)

// lifeSecured is the life cycle state of the device itself (table 11-6).
const lifeSecured life = 0x0F

// getStatus answers GET STATUS (11.4): what is installed, and in which state.
// What does not fit is 6310 and comes with the next occurrence.
func (t *turn) getStatus(c apdu.Command) apdu.Response {
	prefix, err := tlv.Only(c.Data, emv.TagADFName)
	behind := ""
	switch {
	case c.P1 != ofIssuer && c.P1 != ofApplications, c.P2 != statusFirst && c.P2 != statusNext:
		return status(apdu.StatusWrongP1P2)
	case err != nil || len(prefix) > aidMax:
		return status(apdu.StatusWrongData)
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
		return answer(appendStatus(nil, []byte(nameIssuer), lifeSecured))
	}
	return t.listApplets(prefix, behind)
}

func (t *turn) listApplets(prefix []byte, behind string) apdu.Response {
	r := answer(nil)
	t.eachEntry(func(e entry) {
		if string(e.aid) <= behind && behind != "" || !bytes.HasPrefix(e.aid, prefix) || !r.Status.OK() {
			return
		}
		longer := appendStatus(r.Data, e.aid, e.life)
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

func appendStatus(dst, aid []byte, state life) []byte {
	inner := tlv.Append(nil, emv.TagADFName, aid)
	inner = tlv.Append(inner, tagLife, []byte{byte(state)})
	inner = tlv.Append(inner, tagPrivileges, []byte{0})
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

package sim

import (
	"bytes"

	"sotto/apdu"
	"sotto/emv"
	"sotto/link"
	"sotto/tlv"
)

// P1 and P2 of SELECT (EMV 4.4 Book 1, 11.3.2).
const (
	selectByName = 0x04
	selectFirst  = 0x00
	selectNext   = 0x02
)

// selectName answers SELECT (EMV 4.4 Book 1, 11.3). A name may be given whole or
// by its beginning; the next occurrence is that of the same beginning, in the
// order of the AIDs. No name at all is the issuer security domain, which is how
// management tools begin.
//
// Reading: a name that matches nothing leaves selected what was, as ISO/IEC
// 7816-4, 8.2.2, has it.
func (t *turn) selectName(c apdu.Command) apdu.Response {
	switch {
	case c.P1 != selectByName || c.P2 != selectFirst && c.P2 != selectNext:
		return status(apdu.StatusWrongP1P2)
	case len(c.Data) == 0 && c.P2 == selectFirst:
		return t.selectIssuer()
	case len(c.Data) < aidMin || len(c.Data) > aidMax:
		return status(apdu.StatusWrongLength)
	case c.P2 == selectNext:
		return t.selectApplet(c.Data, t.session.selected.aid)
	case string(c.Data) == namePPSE:
		return t.selectPPSE()
	case string(c.Data) == namePSE:
		return t.selectPSE()
	case string(c.Data) == nameIssuer:
		return t.selectIssuer()
	}
	return t.selectApplet(c.Data, "")
}

// selectApplet selects the first applet behind one that begins so.
func (t *turn) selectApplet(beginning []byte, behind string) apdu.Response {
	if behind != "" && !bytes.HasPrefix([]byte(behind), beginning) {
		return status(apdu.StatusNotFound)
	}
	var found *entry
	t.eachEntry(func(e entry) {
		if found == nil && e.usable() && bytes.HasPrefix(e.aid, beginning) && string(e.aid) > behind {
			found = &e
		}
	})
	if found == nil {
		return status(apdu.StatusNotFound)
	}
	a := t.open(*found)
	t.session.selectFile(selected{fileApplet, string(found.aid)})
	r := answer(a.fci())
	if a.account.blocked {
		r.Status = apdu.StatusFileInvalidated
	}
	return r
}

// fci is the answer to SELECT of an applet (EMV 4.4 Book 1, table 45). Over
// contacts a purse says where its logs are (Book 3, Annex D), for readers that
// list what was paid; in the field each byte costs time, and GET DATA tells it.
func (a *applet) fci() []byte {
	inner := appendText(nil, emv.TagLabel, a.entry.label)
	if a.entry.priority != 0 {
		inner = tlv.Append(inner, emv.TagPriority, []byte{a.entry.priority})
	}
	inner = tlv.Append(inner, emv.TagPDOL, a.asks().Append(nil))
	if a.session.face == link.Contact && a.entry.kind == Purse {
		logs := tlv.Append(nil, emv.TagLogEntry, logEntry)
		logs = tlv.Append(logs, emv.TagLoadLogEntry, loadLogEntry)
		inner = tlv.Append(inner, emv.TagFCIDiscretionary, logs)
	}
	return fci(a.entry.aid, inner)
}

// asks is what the applet wants to be told with GET PROCESSING OPTIONS.
func (a *applet) asks() emv.DOL {
	if a.session.face == link.Contact {
		return contactPDOL
	}
	return pdol
}

// fci is a file control information template (EMV 4.4 Book 1, tables 43 to 45).
func fci(name, proprietary []byte) []byte {
	inner := tlv.Append(nil, emv.TagDFName, name)
	inner = tlv.Append(inner, emv.TagFCIProprietary, proprietary)
	return tlv.Append(nil, emv.TagFCI, inner)
}

func appendText(dst []byte, tag tlv.Tag, text string) []byte {
	if text == "" {
		return dst
	}
	return tlv.Append(dst, tag, []byte(text))
}

// tagDataMax is the maximum length of data field in command message, which the
// FCI of a security domain must have.
const tagDataMax tlv.Tag = 0x9F65

// selectIssuer selects the issuer security domain. Its FCI says what it must, and
// nothing that may differ (GlobalPlatform Card Specification 2.3.1, 11.9.3.1).
func (t *turn) selectIssuer() apdu.Response {
	t.session.selectFile(selected{file: fileIssuer})
	return answer(fci([]byte(nameIssuer), tlv.Append(nil, tagDataMax, []byte{0xFF})))
}

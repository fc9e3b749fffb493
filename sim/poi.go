package sim

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/tlv"
)

// poiInformation answers SEND POI INFORMATION (EMV Contactless Book B, 3.3.2
// and Annex A): B1 to B5 in one command. The reader has told the amount; the
// device opens every applet's account with its credential, and names the applet
// that is to pay, or says why none can. Nothing is changed by it.
//
// Reading: the answer's FCI takes the place of the first one. An empty list in
// it ends Entry Point as an empty list always does, and the reason beside it,
// which Book B does not know, is passed over by who does not know it.
func (t *turn) poiInformation(c apdu.Command) apdu.Response {
	if c.P1 != 0 || c.P2 != 0 {
		return status(apdu.StatusNotSupported)
	}
	r, ok := t.request(c.Data)
	if !ok {
		return status(apdu.StatusWrongData)
	}
	chosen, why := t.choose(r)
	if why != ReasonNone {
		t.note(Fact{What: FactChoice, Reason: why})
		return answer(ppse(nil, tlv.Append(nil, emv.TagReason, []byte{byte(why)})))
	}
	t.note(Fact{What: FactChoice, AID: chosen[0].aid})
	return answer(ppse(chosen, nil))
}

// request reads the command template: the values of the SDOL, and behind them
// what the reader may say of itself, in objects of two bytes id and one of
// length, which we have not asked for.
func (t *turn) request(data []byte) (request, bool) {
	list := t.sdol()
	template, err := tlv.Only(data, emv.TagCommandTemplate)
	if err != nil || len(template) < list.Len() || !poiObjects(template[list.Len():]) {
		return request{}, false
	}
	values, err := list.Read(template[:list.Len()])
	if err != nil {
		return request{}, false
	}
	x := readTerminal(values)
	_, err = x.currency.Number()
	return t.requested(x), err == nil && !x.badDigits
}

// requested is what a reader asks to be paid. A device without a clock has the
// day from the reader, for what it is worth: the reader looks at the expiry date
// as well, but when it is too late for another applet.
func (t *turn) requested(x terminal) request {
	r := request{amount: x.minor, currency: x.currency, day: t.today}
	if r.day == (emv.Date{}) {
		r.day = x.date
	}
	return r
}

// poiObjects reports whether b is a sequence of whole objects.
func poiObjects(b []byte) bool {
	for len(b) >= 3 && len(b) >= 3+int(b[2]) {
		b = b[3+int(b[2]):]
	}
	return len(b) == 0
}

// choose asks every applet (B2, B3) and picks one (B4).
func (t *turn) choose(r request) ([]candidate, Reason) {
	var x choice
	policy := t.settings().policy
	for _, c := range t.candidates() {
		x.consider(c, r, policy)
	}
	return x.chosen(), x.reason()
}

// candidates are all personalized applets, each opened with its own credential.
func (t *turn) candidates() (list []candidate) {
	preferred := t.settings().preferred
	t.eachEntry(func(e entry) {
		if e.life&lifePersonalized != lifePersonalized {
			return
		}
		list = append(list, t.open(e).candidate(preferred))
	})
	return list
}

// candidate is the applet as the choice sees it.
func (a *applet) candidate(preferred string) candidate {
	x := a.account
	return candidate{
		aid:       a.entry.aid,
		priority:  a.entry.priority & 0x0F, // b8 asks for the holder's confirmation
		preferred: string(a.entry.aid) == preferred,
		locked:    !a.entry.usable() || !x.alive(),
		currency:  x.currency,
		available: x.left(),
		tapMax:    x.tapMax,
		expiry:    x.expiry,
		byBank:    a.entry.kind == Account,
	}
}

// alive reports whether the applet can make transactions at all. One whose
// counter has come to its end never will again (JR/T 0025.5): two transactions
// with one ATC would have one cryptogram key.
func (a account) alive() bool { return !a.blocked && a.atc < atcMax }

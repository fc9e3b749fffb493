package phone

import (
	"bytes"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link"
)

// judge reads a card's answer. The phone cannot check who made a receipt: the
// bank does. It only looks for answers to another message and for noise, which
// count as no answer, and keeps its pairings in step with the card's.
func (p *Phone) judge(j *job, answer []byte) outcome {
	id, _ := ident.Parse(ident.Dispatch, j.d.ID)
	if len(answer) > link.MessageMax {
		return outcome{state: "waiting", reason: "noise"}
	}
	if r, err := dyncode.ParseReceipt(answer); err == nil && r.Message == id {
		if err := p.onReceipt(j, r.Result); err != nil {
			return outcome{state: "waiting", reason: "storage"}
		}
		return outcome{answer: bytes.Clone(answer), state: resultName(r.Result)}
	}
	r, err := dyncode.ParseRefusal(answer)
	switch {
	case err == nil && r.Message == ident.Raw{}:
		if j.garbled++; j.garbled < garbledMax {
			return outcome{state: "waiting", reason: "garbled"}
		}
	case err != nil || r.Message != id:
		return outcome{state: "waiting", reason: "noise"}
	case p.otherPairing(j, r.Reason):
		return outcome{soon: true, state: "waiting", reason: "other-pairing"}
	}
	if err := p.onRefusal(j, r.Reason); err != nil {
		return outcome{state: "waiting", reason: "storage"}
	}
	return outcome{answer: bytes.Clone(answer), state: "refused", reason: r.Reason.String()}
}

func resultName(r dyncode.Result) string {
	switch r {
	case dyncode.Bound:
		return "bound"
	case dyncode.Released:
		return "released"
	default:
		return "shown"
	}
}

// onReceipt draws the consequences before the bank is told: what is lost
// between the two comes again with the dispatch.
func (p *Phone) onReceipt(j *job, r dyncode.Result) error {
	// Reading: a card that cannot decrypt only knows that it shows lines.
	plain := dyncode.Profile(j.d.Profile) == dyncode.Plain
	switch {
	case j.d.Kind == bankapi.DispatchPair && (r == dyncode.Bound || plain):
		return p.ring.bound(j.d.Card)
	case j.d.Kind == bankapi.DispatchRelease && (r == dyncode.Released || plain):
		return p.ring.forget(j.d.Card, forever)
	case j.d.Kind == bankapi.DispatchCode && j.use == pending:
		return p.ring.bound(j.d.Card) // the card opened a seal of the new pairing
	}
	return nil
}

func (p *Phone) onRefusal(j *job, reason dyncode.Reason) error {
	switch {
	case j.d.Kind == bankapi.DispatchPair:
		return p.ring.refused(j.d.Card, j.d.ID)
	case j.d.Kind == bankapi.DispatchRelease && reason == dyncode.RefusedUnbound:
		return p.ring.forget(j.d.Card, forever)
	}
	return nil
}

// otherPairing turns to the pending pairing when the card does not know the one
// in use: it may have taken the new one and its answer was lost for good.
func (p *Phone) otherPairing(j *job, r dyncode.Reason) bool {
	if j.d.Kind != bankapi.DispatchCode || j.use == pending ||
		(r != dyncode.RefusedUnbound && r != dyncode.RefusedSeal) ||
		p.ring.pairing(j.d.Card, pending).None() {
		return false
	}
	j.use, j.message = pending, nil
	return true
}

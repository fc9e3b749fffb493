package bankapi

import (
	"encoding/binary"
	"errors"
	"slices"

	"sotto/ident"
	"sotto/tlv"
)

// DispatchKind is what a dispatch asks a phone to do.
type DispatchKind uint8

// The kinds of dispatch.
const (
	DispatchCode    DispatchKind = 1 // pass a code on to the card
	DispatchPair    DispatchKind = 2 // keep a pairing secret and pass the binding message on
	DispatchRelease DispatchKind = 3 // pass the release on and forget the pairing
)

// Dispatch is one message from the bank to a phone. Its id is also the message
// id that the card sees: new for each code, 80 bits of it random, and no way to
// the payment.
type Dispatch struct {
	ID        string // "dsp_…"
	Kind      DispatchKind
	Profile   uint8 // dyncode.Profile of the card
	Card      string
	ExpiresAt int64 // Unix milliseconds
	// Body is a bank part sealed for the card (CardSealed payments and
	// releases), or a dyncode.Box for this phone with: a bank part in clear
	// (PhoneSealed), padded content (Plain), or a Pairing (DispatchPair).
	Body []byte
}

// Report is a phone's answer to a dispatch: the card's own answer, byte for
// byte (a receipt or a refusal).
type Report struct {
	Dispatch string
	Answer   []byte
}

// Pairing is what a phone is told when it is bound to a card. BankPart goes to
// the card as it is; Content instead of it to a Plain card.
type Pairing struct {
	Secret   []byte
	BankPart []byte
}

// ErrMessage says that bytes are no message of the bus.
var ErrMessage = errors.New("bankapi: not a well-formed bus message")

// MessageMax bounds one message of the bus, in bytes.
const MessageMax = 4096

const (
	tagDispatch tlv.Tag = 0xE8
	tagReport   tlv.Tag = 0xE9
	tagPairing  tlv.Tag = 0xEA
)

// overheadMax is more than all headers and fixed fields of one message.
const overheadMax = 128

// Append writes a dispatch as BER-TLV (docs/protocol/bus.md). What ParseDispatch
// would refuse is ErrMessage.
func (d Dispatch) Append(dst []byte) ([]byte, error) {
	id, err := ident.Parse(ident.Dispatch, d.ID)
	if err != nil {
		return dst, err
	}
	card, err := ident.Parse(ident.Card, d.Card)
	if err != nil {
		return dst, err
	}
	if !d.valid() {
		return dst, ErrMessage
	}
	v := make([]byte, 0, len(d.Body)+overheadMax)
	v = tlv.Append(v, 0x80, id[:])
	v = tlv.Append(v, 0x81, []byte{byte(d.Kind)})
	v = tlv.Append(v, 0x82, []byte{d.Profile})
	v = tlv.Append(v, 0x83, card[:])
	v = tlv.Append(v, 0x84, binary.BigEndian.AppendUint64(nil, uint64(d.ExpiresAt)))
	v = tlv.Append(v, 0x85, d.Body)
	return tlv.Append(dst, tagDispatch, v), nil
}

// ParseDispatch reads what Append wrote. Body aliases b.
func ParseDispatch(b []byte) (Dispatch, error) {
	v, err := parts(b, tagDispatch, 6)
	if err != nil || len(v[0]) != 16 || len(v[1]) != 1 || len(v[2]) != 1 || len(v[3]) != 16 || len(v[4]) != 8 {
		return Dispatch{}, ErrMessage
	}
	d := Dispatch{
		ID:        ident.Text(ident.Dispatch, ident.Raw(v[0])),
		Kind:      DispatchKind(v[1][0]),
		Profile:   v[2][0],
		Card:      ident.Text(ident.Card, ident.Raw(v[3])),
		ExpiresAt: int64(binary.BigEndian.Uint64(v[4])),
		Body:      v[5],
	}
	if !d.valid() {
		return Dispatch{}, ErrMessage
	}
	return d, nil
}

func (d Dispatch) valid() bool {
	return d.Kind >= DispatchCode && d.Kind <= DispatchRelease && d.Profile >= 1 && d.Profile <= 3 &&
		d.ExpiresAt >= 0 && len(d.Body) <= MessageMax-overheadMax
}

// Append writes a report.
func (r Report) Append(dst []byte) ([]byte, error) {
	id, err := ident.Parse(ident.Dispatch, r.Dispatch)
	if err != nil {
		return dst, err
	}
	if len(r.Answer) > MessageMax-overheadMax {
		return dst, ErrMessage
	}
	return tlv.Append(dst, tagReport, tlv.Append(tlv.Append(nil, 0x80, id[:]), 0x81, r.Answer)), nil
}

// ParseReport reads what Append wrote. Answer aliases b.
func ParseReport(b []byte) (Report, error) {
	v, err := parts(b, tagReport, 2)
	if err != nil || len(v[0]) != 16 || len(v[1]) > MessageMax-overheadMax {
		return Report{}, ErrMessage
	}
	return Report{Dispatch: ident.Text(ident.Dispatch, ident.Raw(v[0])), Answer: v[1]}, nil
}

// Append writes a pairing; it goes into a dyncode.Box. The result holds the
// secret in clear: wipe it after use. No other copy is left behind.
func (p Pairing) Append(dst []byte) []byte {
	v := make([]byte, 0, len(p.Secret)+len(p.BankPart)+overheadMax)
	v = tlv.Append(tlv.Append(v, 0x80, p.Secret), 0x81, p.BankPart)
	defer clear(v)
	return tlv.Append(slices.Grow(dst, len(v)+overheadMax), tagPairing, v)
}

// ParsePairing reads what Append wrote. Its slices alias b.
func ParsePairing(b []byte) (Pairing, error) {
	v, err := parts(b, tagPairing, 2)
	if err != nil || len(v[0]) != 32 {
		return Pairing{}, ErrMessage
	}
	return Pairing{Secret: v[0], BankPart: v[1]}, nil
}

// parts reads a template that holds exactly the objects 80, 81, … in order.
func parts(b []byte, tag tlv.Tag, n int) ([][]byte, error) {
	if len(b) > MessageMax {
		return nil, ErrMessage
	}
	rest, err := tlv.Only(b, tag)
	if err != nil {
		return nil, ErrMessage
	}
	out := make([][]byte, n)
	for i := range out {
		var o tlv.Object
		var ok bool
		if o, rest, ok, err = tlv.Next(rest); err != nil || !ok || o.Tag != tlv.Tag(0x80+i) {
			return nil, ErrMessage
		}
		out[i] = o.Value
	}
	if len(rest) != 0 {
		return nil, ErrMessage
	}
	return out, nil
}

package sim_test

import (
	"bytes"
	"errors"
	"fmt"

	"sotto/apdu"
	"sotto/emv"
	"sotto/emv/oda"
	"sotto/link"
	"sotto/tlv"
)

// till is the terminal of the tests, as far as a device can tell: it selects,
// asks, verifies and remembers what it has left open.
type till struct {
	bank          *issuer
	qualifiers    emv.TTQ
	speaksSPI     bool
	kind          byte // 9C
	currency      emv.Numeric
	day           emv.Date
	place         byte // 9F35
	unpredictable uint32

	open *sale   // begun, and not known how it ended
	sold []*sale // approved
}

// sale is all that a till has to know to finish a tap later.
type sale struct {
	aid    []byte
	minor  int64
	un     [4]byte
	atc    uint16
	cid    emv.CID
	ac     [8]byte
	iad    []byte
	aip    emv.AIP
	track2 emv.Track2
	psn    byte
	sdad   []byte
	ctq    emv.CTQ
	icc    oda.ICC
}

// How a visit at the till ends.
var (
	errNobody  = errors.New("no applet can pay")
	errLost    = errors.New("the device was pulled away")
	errForgery = errors.New("the signature is not right")
	errOnline  = errors.New("the bank is to decide")
)

func newTill(b *issuer) *till {
	return &till{bank: b, qualifiers: emv.TTQQPBOC | emv.TTQOfflineOnly | emv.TTQSignature | emv.TTQFDDA01, speaksSPI: true, currency: cny, day: theDay, place: 0x22}
}

// pay takes one payment: first what was left open, then, unless that was this
// payment, a new one.
func (x *till) pay(c *cable, minor int64) error {
	if x.open != nil {
		if done, err := x.recover(c); done || err != nil {
			return err
		}
	}
	names, err := x.choose(c, minor)
	if err != nil {
		return err
	}
	for _, aid := range names {
		s, err := x.begin(c, aid, minor)
		if errors.Is(err, apdu.StatusConditions) {
			continue
		}
		if err != nil {
			return err
		}
		if s.cid == emv.ARQC {
			return errOnline
		}
		return x.finish(c, s)
	}
	return errNobody
}

// choose is Entry Point as far as the candidate list.
func (x *till) choose(c *cable, minor int64) ([][]byte, error) {
	said, err := x.say(c, selectCommand([]byte("2PAY.SYS.DDF01")))
	if err != nil {
		return nil, err
	}
	if x.speaksSPI {
		list, err := emv.ParseDOL(inside(said, 0x6F, 0xA5, 0xBF0C, 0x9F3F))
		if err != nil {
			return nil, err
		}
		data := tlv.Append(nil, 0x83, list.Fill(nil, func(tag tlv.Tag) []byte { return x.object(&sale{minor: minor}, x.kind, tag) }))
		if said, err = x.say(c, apdu.Command{CLA: 0x80, INS: 0x1A, Data: data, Ne: 256}); err != nil {
			return nil, err
		}
	}
	var names [][]byte
	for _, entry := range all(inside(said, 0x6F, 0xA5, 0xBF0C), 0x61) {
		if aid, ok := tlv.Find(entry, 0x4F); ok {
			names = append(names, aid)
		}
	}
	if len(names) == 0 {
		return nil, errNobody
	}
	return names, nil
}

// begin selects an applet and asks it to pay.
func (x *till) begin(c *cable, aid []byte, minor int64) (*sale, error) {
	said, err := x.say(c, selectCommand(aid))
	if err != nil {
		return nil, err
	}
	list, err := emv.ParseDOL(inside(said, 0x6F, 0xA5, 0x9F38))
	if err != nil {
		return nil, err
	}
	x.unpredictable++
	s := &sale{aid: bytes.Clone(aid), minor: minor, un: [4]byte{0xA1, 0, byte(x.unpredictable >> 8), byte(x.unpredictable)}}
	data := tlv.Append(nil, 0x83, list.Fill(nil, func(tag tlv.Tag) []byte { return x.object(s, x.kind, tag) }))
	if said, err = x.say(c, apdu.Command{CLA: 0x80, INS: 0xA8, Data: data, Ne: 256}); err != nil {
		return nil, err
	}
	return s, s.read(said)
}

func (x *till) object(s *sale, kind byte, tag tlv.Tag) []byte {
	a := amount(s.minor)
	switch tag {
	case emv.TagTTQ:
		return x.qualifiers.Append(nil)
	case emv.TagAmount:
		return a[:]
	case emv.TagCountry:
		return cny[:]
	case emv.TagCurrency:
		return x.currency[:]
	case emv.TagDate:
		return x.day[:]
	case emv.TagType:
		return []byte{kind}
	case emv.TagTerminalType:
		return []byte{x.place}
	case emv.TagUnpredictable:
		return s.un[:]
	}
	return nil
}

func (s *sale) read(said []byte) (err error) {
	b := inside(said, 0x77)
	get := func(tag tlv.Tag) []byte { v, _ := tlv.Find(b, tag); return bytes.Clone(v) }
	if s.atc, err = emv.ParseATC(get(emv.TagATC)); err != nil {
		return err
	}
	if s.aip, err = emv.ParseAIP(get(emv.TagAIP)); err != nil {
		return err
	}
	copy(s.ac[:], get(emv.TagAC))
	s.iad, s.sdad = get(emv.TagIAD), get(emv.TagSDAD)
	iad, err := emv.ParseIAD(s.iad)
	if err != nil {
		return err
	}
	s.cid = iad.CVR.First()
	if psn := get(emv.TagPSN); len(psn) == 1 {
		s.psn = psn[0]
	}
	if s.ctq, err = emv.ParseCTQ(get(emv.TagCTQ)); err != nil {
		return err
	}
	s.track2, err = emv.ParseTrack2(get(emv.TagTrack2))
	return err
}

// finish reads the records of an approval, and remembers it as open before it
// asks for the one that commits.
func (x *till) finish(c *cable, s *sale) error {
	first, err := x.say(c, readCommand(1, 1))
	if err != nil {
		return err
	}
	second, err := x.say(c, readCommand(1, 2))
	if err != nil {
		return err
	}
	if s.icc, err = x.chain(s, first, second); err != nil {
		return err
	}
	x.open = s
	last, err := x.say(c, readCommand(1, 3))
	if err != nil {
		return err
	}
	return x.conclude(s, inside(last, 0x70, emv.TagCardAuth))
}

// conclude verifies the signature with 9F69, from the record or from the log.
func (x *till) conclude(s *sale, cardAuth []byte) error {
	err := s.icc.VerifyFDDA(s.sdad, oda.FDDA{
		UN: s.un, Amount: amount(s.minor), Currency: x.currency, CardData: cardAuth, ATC: s.atc,
	}, oda.FDDA01)
	if err != nil {
		return fmt.Errorf("%w: %w", errForgery, err)
	}
	x.open = nil
	x.sold = append(x.sold, s)
	return nil
}

func (x *till) chain(s *sale, records ...[]byte) (oda.ICC, error) {
	var b []byte
	for _, r := range records {
		b = append(b, inside(r, 0x70)...)
	}
	get := func(tag tlv.Tag) []byte { v, _ := tlv.Find(b, tag); return v }
	ca := oda.CA{RID: [5]byte(s.aid), Index: caIndex, Key: x.bank.authority.Public()}
	return oda.Authorities{CAs: []oda.CA{ca}}.Verify(oda.Presented{
		RID: ca.RID, Index: get(emv.TagCAIndex)[0], PAN: s.track2.PAN,
		Issuer: oda.Certificate{Signature: get(0x90), Remainder: get(0x92), Exponent: get(0x9F32)},
		ICC:    oda.Certificate{Signature: get(0x9F46), Remainder: get(0x9F48), Exponent: get(0x9F47)},
	}, theDay)
}

// recover is the re-tap: it looks in the log of the card that was being debited.
// Done says that the payment of the open sale is made. The log is read back as
// far as the open sale: the card may have been elsewhere since.
func (x *till) recover(c *cable) (done bool, err error) {
	s := x.open
	if _, err := x.say(c, selectCommand(s.aid)); err != nil {
		return false, ignore(err)
	}
	minor := amount(s.minor)
	for number := byte(1); number <= 10; number++ {
		said, err := x.say(c, readCommand(11, number))
		if errors.Is(err, apdu.StatusNoRecord) {
			break
		}
		if err != nil {
			return false, ignore(err)
		}
		atc := uint16(said[0])<<8 | uint16(said[1])
		if atc < s.atc {
			break
		}
		if atc == s.atc && bytes.Equal(said[2:8], minor[:]) && bytes.Equal(said[14:18], s.un[:]) {
			return true, x.conclude(s, said[26:34])
		}
	}
	x.open = nil // the same card, and it never committed
	return false, nil
}

// ignore is for a card that is another one: the open sale stays open.
func ignore(err error) error {
	var word apdu.Status
	if errors.As(err, &word) {
		return nil
	}
	return err
}

func (x *till) say(c *cable, command apdu.Command) ([]byte, error) {
	r, err := c.send(command)
	switch {
	case errors.Is(err, link.ErrGone):
		return nil, errLost
	case err != nil:
		return nil, err
	case !r.Status.OK():
		return r.Data, r.Status
	}
	return r.Data, nil
}

// inside goes down through templates.
func inside(b []byte, path ...tlv.Tag) []byte {
	for _, tag := range path {
		b, _ = tlv.Find(b, tag)
	}
	return b
}

// all are the values of all objects with this tag.
func all(b []byte, tag tlv.Tag) (values [][]byte) {
	for {
		o, rest, ok, err := tlv.Next(b)
		if err != nil || !ok {
			return values
		}
		if o.Tag == tag {
			values = append(values, o.Value)
		}
		b = rest
	}
}

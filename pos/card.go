package pos

import (
	"sotto/emv"
	"sotto/emv/oda"
)

// card is what is known of an application besides its cryptogram.
type card struct {
	pan    emv.PAN
	psn    byte
	expiry emv.Date // zero: it did not say
	key    oda.PublicKey
}

// readCard finds the card number and what belongs to it, in 5A or in track 2.
func (x *transaction) readCard() (*card, error) {
	c := &card{}
	if b := x.told[emv.TagPSN]; b != nil {
		if len(b) != 1 {
			return nil, end(Malformed)
		}
		c.psn = b[0]
	}
	if err := c.fromTrack(x.told[emv.TagTrack2]); err != nil {
		return nil, err
	}
	if b := x.told[emv.TagPAN]; b != nil {
		pan, err := emv.ParsePAN(b)
		if err != nil || !c.pan.Empty() && !c.pan.Equal(pan) {
			return nil, end(Malformed)
		}
		c.pan = pan
	}
	if b := x.told[emv.TagExpiry]; b != nil {
		date, err := emv.ParseDate(b)
		if err != nil {
			return nil, end(Malformed)
		}
		c.expiry = date
	}
	if c.pan.Empty() {
		return nil, end(Missing)
	}
	return c, nil
}

// fromTrack reads track 2 equivalent data (57). The month there ends the
// validity with its last day.
func (c *card) fromTrack(b []byte) error {
	if b == nil {
		return nil
	}
	t, err := emv.ParseTrack2(b)
	if err != nil {
		return end(Malformed)
	}
	c.pan = t.PAN
	for day := byte(0x31); day >= 0x28; day-- {
		if day&0xF > 9 {
			continue
		}
		date := emv.Date{t.Expiry[0], t.Expiry[1], day}
		if _, _, _, err := date.YMD(); err == nil {
			c.expiry = date
			return nil
		}
	}
	return end(Malformed)
}

// expired reports whether the application's validity is over. One that says
// nothing has its certificate for that.
func (c *card) expired(today emv.Date) bool {
	return c.expiry != emv.Date{} && c.expiry.Compare(today) < 0
}

// cryptogram is what an application has answered (EMV 4.4 Book 3, 6.5.5.4).
type cryptogram struct {
	kind emv.CID
	ac   [8]byte
	atc  uint16
	iad  emv.IAD
}

// readCryptogram takes a cryptogram out of what was told. Kernels 3 and 7 need
// not say its kind: the CVR in 9F10 does (JR/T 0025.12; EMV Contactless Book
// C-3, 5.4). The cryptogram covers the CVR and not 9F27: a first one of which
// they say different things is nobody's.
func readCryptogram(told objects, first bool) (cryptogram, error) {
	ac, iad, atc := told[emv.TagAC], told[emv.TagIAD], told[emv.TagATC]
	if ac == nil || iad == nil || atc == nil {
		return cryptogram{}, end(Missing)
	}
	var c cryptogram
	var err1, err2 error
	c.iad, err1 = emv.ParseIAD(iad)
	c.atc, err2 = emv.ParseATC(atc)
	if err1 != nil || err2 != nil || len(ac) != len(c.ac) {
		return cryptogram{}, end(Malformed)
	}
	copy(c.ac[:], ac)
	c.kind = c.iad.CVR.First()
	if b := told[emv.TagCID]; b != nil {
		cid, err := emv.ParseCID(b)
		if err != nil {
			return cryptogram{}, end(Malformed)
		}
		if first && cid.Kind() != c.kind {
			return cryptogram{}, end(Malformed)
		}
		c.kind = cid.Kind()
	}
	if c.kind != emv.AAC && c.kind != emv.TC && c.kind != emv.ARQC {
		return cryptogram{}, end(Malformed)
	}
	return c, nil
}

// left is what a purse says that it still holds, after this payment.
func (c cryptogram) left() (minor int64, ok bool) {
	p, err := emv.ParsePurseIDD(c.iad.IDD)
	if err != nil {
		return 0, false
	}
	minor, err = p.Balance.Minor()
	return minor, err == nil
}

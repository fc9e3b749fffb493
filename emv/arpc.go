package emv

import "encoding/binary"

// A bank answers an ARQC with issuer authentication data (91), which proves
// that the answer comes from it. Which method a card understands is fixed when
// it is made.

// IssuerAuth1 is issuer authentication data by method 1 (Book 2, 8.2.1), with a
// card's AC key: the ARPC of eight bytes, and the response code that it covers.
//
// Reading: the method is written for blocks of eight bytes. With AES the block
// has zeros behind, and the ARPC is the left half of the result.
func (k MasterKey) IssuerAuth1(atc uint16, arqc [8]byte, arc ARC) [10]byte {
	mixed := arqc
	mixed[0] ^= byte(arc >> 8)
	mixed[1] ^= byte(arc)
	session := k.reveal().session(atc)
	var arpc [8]byte
	if session.suite == AES {
		var block [16]byte
		copy(block[:], mixed[:])
		block = session.block16(block)
		arpc = [8]byte(block[:8])
	} else {
		arpc = session.block8(mixed)
	}
	return [10]byte(arc.Append(append(make([]byte, 0, 10), arpc[:]...)))
}

// VerifyIssuerAuth1 reads the value of 91 and reports, in constant time, whether
// it answers this ARQC.
func (k MasterKey) VerifyIssuerAuth1(atc uint16, arqc [8]byte, data []byte) (ARC, bool) {
	if len(data) != 10 {
		return 0, false
	}
	arc := ARC(data[8])<<8 | ARC(data[9])
	want := k.IssuerAuth1(atc, arqc, arc)
	if !equal(want[:], data) {
		return 0, false
	}
	return arc, true
}

// CSU is the card status update (Book 3, Annex C10): what the bank wants of the
// card. Byte 1 is the high byte.
type CSU uint32

// Bits of the CSU. The low nibble of byte 1 is a new PIN try counter.
const (
	CSUProprietary CSU = 0x80_00_00_00 // proprietary authentication data follows
	CSUApproved    CSU = 0x00_80_00_00 // issuer approves online transaction
	CSUCardBlock   CSU = 0x00_40_00_00
	CSUBlock       CSU = 0x00_20_00_00 // application block
	CSUUpdatePIN   CSU = 0x00_10_00_00 // update PIN try counter
	CSUGoOnline    CSU = 0x00_08_00_00 // go online on the next transaction
)

// Append writes four bytes behind dst.
func (c CSU) Append(dst []byte) []byte { return appendFixed(dst, uint64(c), 4) }

// Has reports whether all these bits are set.
func (c CSU) Has(bits CSU) bool { return c&bits == bits }

// proprietaryMax is the longest proprietary authentication data (Book 2, 8.2.2).
const proprietaryMax = 8

// IssuerAuth2 is issuer authentication data by method 2 (Book 2, 8.2.2), with a
// card's AC key: the ARPC of four bytes, the CSU, and at most eight bytes of
// proprietary data, all of which it covers. It panics on more than eight bytes.
func (k MasterKey) IssuerAuth2(atc uint16, arqc [8]byte, csu CSU, proprietary []byte) []byte {
	if len(proprietary) > proprietaryMax {
		panic("emv: proprietary authentication data is too long")
	}
	message := csu.Append(arqc[:])
	message = append(message, proprietary...)
	session := k.reveal().session(atc)
	arpc := left4(session.mac(message))
	return append(arpc[:], message[len(arqc):]...)
}

// VerifyIssuerAuth2 reads the value of 91 and reports, in constant time, whether
// it answers this ARQC. The proprietary data is a slice of data.
func (k MasterKey) VerifyIssuerAuth2(atc uint16, arqc [8]byte, data []byte) (csu CSU, proprietary []byte, ok bool) {
	if len(data) < 8 || len(data) > 8+proprietaryMax {
		return 0, nil, false
	}
	csu = CSU(binary.BigEndian.Uint32(data[4:]))
	if want := k.IssuerAuth2(atc, arqc, csu, data[8:]); !equal(want, data) {
		return 0, nil, false
	}
	return csu, data[8:], true
}

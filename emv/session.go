package emv

import "encoding/binary"

// session is the session key for this ATC, with which cryptograms are made.
func (e *expanded) session(atc uint16) expanded {
	if e.suite == PBOC { // JR/T 0025.7: zeros and the ATC, zeros and its complement
		var left, right [8]byte
		binary.BigEndian.PutUint16(left[6:], atc)
		binary.BigEndian.PutUint16(right[6:], ^atc)
		return expand(PBOC, e.twice(left, right))
	}
	var r [8]byte
	binary.BigEndian.PutUint16(r[:], atc)
	return e.common(r)
}

// messaging is the session key for scripts that answer this ARQC.
func (e *expanded) messaging(atc uint16, arqc [8]byte) expanded {
	if e.suite == PBOC {
		return e.session(atc)
	}
	return e.common(arqc)
}

// common is the common session key of the diversification value R (Book 2,
// A1.3.1), which for AES has zeros behind it.
func (e *expanded) common(r [8]byte) expanded {
	if e.suite == AES {
		var block [16]byte
		copy(block[:], r[:])
		return expand(AES, e.block16(block))
	}
	left, right := r, r
	left[2], right[2] = 0xF0, 0x0F
	return expand(Common, e.twice(left, right))
}

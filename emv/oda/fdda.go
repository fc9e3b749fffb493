package oda

import "sotto/emv"

// FDDAVersion is the version of fast DDA: what the card's signature covers of
// the terminal's data.
type FDDAVersion byte

// The versions.
const (
	// FDDA00 covers the unpredictable number alone: whoever stands between
	// card and terminal can change the amount.
	FDDA00 FDDAVersion = 0x00
	// FDDA01 covers amount, currency and 9F69 as well.
	FDDA01 FDDAVersion = 0x01
)

// Lengths of 9F69: version, the card's own unpredictable number, CTQ, and up to
// nine bytes that are reserved (EMV Contactless Book C-3, Annex A). The purse
// has one of them (JR/T 0025.12).
const (
	cardDataMin = 7
	cardDataMax = 16
)

// FDDA is what a fast DDA signature is about (JR/T 0025.12; EMV Contactless
// Book C-3, Annex C).
type FDDA struct {
	UN       [4]byte     // 9F37
	Amount   emv.Amount  // 9F02
	Currency emv.Numeric // 5F2A
	CardData []byte      // 9F69; none means version 00
	ATC      uint16      // 9F36
}

// Version is the version of which 9F69 speaks: ErrVersion if it is unknown.
//
// Reading: a card of version 00 has no 9F69, or one that begins with 00.
func (f FDDA) Version() (FDDAVersion, error) {
	switch n := len(f.CardData); {
	case n == 0 || f.CardData[0] == byte(FDDA00):
		return FDDA00, nil
	case f.CardData[0] == byte(FDDA01) && n >= cardDataMin && n <= cardDataMax:
		return FDDA01, nil
	}
	return 0, ErrVersion
}

// terminal is the terminal dynamic data of a version.
func (f FDDA) terminal(v FDDAVersion) [][]byte {
	if v == FDDA00 {
		return [][]byte{f.UN[:]}
	}
	return [][]byte{f.UN[:], f.Amount[:], f.Currency[:], f.CardData}
}

// VerifyFDDA verifies 9F4B of a contactless transaction that the card has
// approved offline. A terminal that must not be robbed asks for FDDA01 at
// least: 9F69 crosses the air in clear, and who takes it away has asked for
// version 00.
func (i ICC) VerifyFDDA(sdad []byte, f FDDA, atLeast FDDAVersion) error {
	v, err := f.Version()
	if err != nil || v < atLeast {
		return in(partSDAD, ErrVersion)
	}
	number, err := i.dynamic(sdad, f.terminal(v)...)
	if err == nil && string(number) != string(emv.AppendATC(nil, f.ATC)) {
		err = ErrATC
	}
	return in(partSDAD, err)
}

// SignFDDA makes 9F4B. The card's dynamic number is the ATC.
func (k PrivateKey) SignFDDA(f FDDA, random [RandomSize]byte) ([]byte, error) {
	v, err := f.Version()
	if err != nil {
		return nil, in(partSDAD, err)
	}
	return k.signDynamic(emv.AppendATC([]byte{2}, f.ATC), random, f.terminal(v)...)
}

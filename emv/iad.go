package emv

// IADMax is the length limit of 9F10 (Book 3, Annex A1).
const IADMax = 32

// iddMax is what remains for the issuer discretionary data behind its length.
const iddMax = IADMax - 1 - iadFixed - 1

// iadFixed is the length that byte 1 tells: DKI, CVN, 03, CVR, ALG.
const iadFixed = 7

// CVN is a cryptogram version number: which data a cryptogram covers.
type CVN byte

// Cryptogram versions.
//
// Reading: the number 17 is a decimal one in the international kernels and
// would be 11 on the wire; cards made after JR/T 0025.12 write 17. We write 17.
const (
	CVN01 CVN = 0x01
	CVN17 CVN = 0x17
)

// IAD is the issuer application data (9F10; JR/T 0025.5, Annex A), with which a
// card tells its bank how a cryptogram was made and why:
//
//	07 DKI CVN 03 CVR(3) ALG [length IDD]
type IAD struct {
	DKI       byte // derivation key index: which issuer master key
	CVN       CVN
	CVR       CVR
	Algorithm Algorithm
	IDD       []byte // issuer discretionary data, at most 23 bytes; ParseIAD lets it alias its input
}

// ParseIAD reads the value of 9F10. An absent IDD and an empty one are two
// forms; IDD is nil of the first and empty of the second.
func ParseIAD(b []byte) (IAD, error) {
	if len(b) < 1+iadFixed || len(b) > IADMax || b[0] != iadFixed || b[3] != 3 {
		return IAD{}, ErrIAD
	}
	i := IAD{DKI: b[1], CVN: CVN(b[2]), Algorithm: Algorithm(b[7])}
	i.CVR = CVR(b[4])<<16 | CVR(b[5])<<8 | CVR(b[6])
	switch rest := b[1+iadFixed:]; {
	case len(rest) == 0:
	case int(rest[0]) != len(rest)-1:
		return IAD{}, ErrIAD
	default:
		i.IDD = rest[1:]
	}
	return i, nil
}

// Append writes the value of 9F10 behind dst. It panics when IDD is longer than
// 23 bytes: that is an error of the program.
func (i IAD) Append(dst []byte) []byte {
	if len(i.IDD) > iddMax {
		panic("emv: issuer discretionary data is too long")
	}
	dst = append(dst, iadFixed, i.DKI, byte(i.CVN), 3)
	dst = i.CVR.Append(dst)
	dst = append(dst, byte(i.Algorithm))
	if i.IDD == nil {
		return dst
	}
	dst = append(dst, byte(len(i.IDD)))
	return append(dst, i.IDD...)
}

// String is for traces: key index, version, algorithm and CVR.
func (i IAD) String() string {
	return "key " + hexadecimal([]byte{i.DKI}) + ", version " + hexadecimal([]byte{byte(i.CVN)}) +
		", algorithm " + hexadecimal([]byte{byte(i.Algorithm)}) + ", CVR " + i.CVR.String()
}

// PurseMax is the largest balance that a purse can tell its bank: the ten
// digits of its discretionary data.
const PurseMax = 9_999_999_999

// idPurse marks the discretionary data of a purse (JR/T 0025.13).
const idPurse = 0x01

// PurseIDD is the discretionary data of a purse: 01, the five low bytes of the
// balance, and a MAC over them (MasterKey.BalanceMAC).
type PurseIDD struct {
	Balance Amount // the first byte is 0
	MAC     [4]byte
}

// ParsePurseIDD reads IAD.IDD of a purse.
func ParsePurseIDD(b []byte) (PurseIDD, error) {
	if len(b) != 10 || b[0] != idPurse {
		return PurseIDD{}, ErrIAD
	}
	var p PurseIDD
	copy(p.Balance[1:], b[1:6])
	copy(p.MAC[:], b[6:])
	_, err := p.Balance.Minor()
	return p, err
}

// Append writes the discretionary data behind dst. A balance above PurseMax,
// which no balance limit may allow, is ErrAmount.
func (p PurseIDD) Append(dst []byte) ([]byte, error) {
	if p.Balance[0] != 0 {
		return dst, ErrAmount
	}
	dst = append(dst, idPurse)
	dst = append(dst, p.Balance[1:]...)
	return append(dst, p.MAC[:]...), nil
}

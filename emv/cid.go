package emv

// CID is the cryptogram information data (9F27): which cryptogram it is (Book
// 3, 6.5.5.4).
type CID byte

// The cryptograms, in b8 and b7.
const (
	AAC  CID = 0x00 // declined
	TC   CID = 0x40 // approved offline, or after going online
	ARQC CID = 0x80 // to be decided online

	CIDAdvice CID = 0x08 // an advice is required
)

const cidKind CID = 0xC0

// cidReasons are the meanings of b3 to b1.
var cidReasons = [8]string{1: "service not allowed", 2: "PIN try limit exceeded", 3: "issuer authentication failed"}

// Kind is the cryptogram alone: AAC, TC, ARQC, or C0, which is reserved.
func (c CID) Kind() CID { return c & cidKind }

// ParseCID reads one byte.
func ParseCID(b []byte) (CID, error) { v, err := fixed(b, 1); return CID(v), err }

// Explain names the cryptogram and what comes with it.
func (c CID) Explain() []string {
	var names []string
	switch c.Kind() {
	case AAC:
		names = append(names, "AAC")
	case TC:
		names = append(names, "TC")
	case ARQC:
		names = append(names, "ARQC")
	default:
		names = append(names, "reserved")
	}
	if c&CIDAdvice != 0 {
		names = append(names, "advice required")
	}
	if reason := cidReasons[c&0x07]; reason != "" {
		names = append(names, reason)
	}
	return names
}

// String is the byte and its meaning.
func (c CID) String() string { return show(uint64(c), 1, c.Explain()) }

// RequestCDA is the bit of GENERATE AC's P1 that asks for CDA, beside the
// cryptogram that the terminal asks for (Book 3, 6.5.5.2).
const RequestCDA byte = 0x10

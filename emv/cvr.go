package emv

import "strconv"

// CVR is the card verification results, the three bytes behind their length in
// 9F10 (JR/T 0025.5, Annex A): what the card has found and done. Byte 1 is the
// highest of the three low bytes.
type CVR uint32

// Bits of the CVR. Byte 1 begins with two fields of two bits, the cryptograms
// answered to the second and the first GENERATE AC.
const (
	CVRSecondAAC      CVR = 0x00_00_00
	CVRSecondTC       CVR = 0x40_00_00
	CVRSecondNone     CVR = 0x80_00_00 // no second GENERATE AC was asked for
	CVRFirstAAC       CVR = 0x00_00_00
	CVRFirstTC        CVR = 0x10_00_00
	CVRFirstARQC      CVR = 0x20_00_00
	CVRIssuerAuthBad  CVR = 0x08_00_00 // issuer authentication was performed and failed
	CVRPINVerified    CVR = 0x04_00_00 // offline PIN verification was performed
	CVRPINFailed      CVR = 0x02_00_00
	CVRUnableOnline   CVR = 0x01_00_00
	CVRLastIncomplete CVR = 0x00_80_00 // the last online transaction was not completed
	CVRPINTries       CVR = 0x00_40_00
	CVRLimit          CVR = 0x00_20_00 // a velocity or amount limit was exceeded
	CVRNewCard        CVR = 0x00_10_00
	CVRLastAuthBad    CVR = 0x00_08_00 // issuer authentication failed on the last online transaction
	CVRLastAuthNone   CVR = 0x00_04_00 // issuer authentication was not performed after the last online transaction
	CVRPINBlocked     CVR = 0x00_02_00 // the application is blocked because of PIN tries
	CVRLastSDAFailed  CVR = 0x00_01_00
	CVRScriptFailed   CVR = 0x00_00_08 // issuer script processing failed on the last transaction
	CVRLastDDAFailed  CVR = 0x00_00_04
	CVRDDA            CVR = 0x00_00_02 // DDA was performed
)

const (
	cvrSecond  CVR = 0xC0_00_00
	cvrFirst   CVR = 0x30_00_00
	cvrScripts CVR = 0x00_00_F0
)

var cvrFlags = []flag{
	{uint64(CVRIssuerAuthBad), "issuer authentication failed"},
	{uint64(CVRPINVerified), "offline PIN verification performed"},
	{uint64(CVRPINFailed), "offline PIN verification failed"},
	{uint64(CVRUnableOnline), "unable to go online"},
	{uint64(CVRLastIncomplete), "last online transaction not completed"},
	{uint64(CVRPINTries), "PIN try limit exceeded"},
	{uint64(CVRLimit), "limit exceeded"},
	{uint64(CVRNewCard), "new card"},
	{uint64(CVRLastAuthBad), "issuer authentication failed last time"},
	{uint64(CVRLastAuthNone), "issuer authentication not performed last time"},
	{uint64(CVRPINBlocked), "blocked by PIN tries"},
	{uint64(CVRLastSDAFailed), "SDA failed last time"},
	{uint64(CVRScriptFailed), "issuer script failed"},
	{uint64(CVRLastDDAFailed), "DDA failed last time"},
	{uint64(CVRDDA), "DDA performed"},
}

// ParseCVR reads three bytes.
func ParseCVR(b []byte) (CVR, error) { v, err := fixed(b, 3); return CVR(v), err }

// Append writes three bytes behind dst.
func (c CVR) Append(dst []byte) []byte { return appendFixed(dst, uint64(c), 3) }

// Has reports whether all these bits are set. It is no question for the fields
// of several bits; see First, Second and Scripts.
func (c CVR) Has(bits CVR) bool { return c&bits == bits }

// First is the cryptogram of the first GENERATE AC, or of GET PROCESSING
// OPTIONS: AAC, TC, ARQC, or C0, which is reserved.
func (c CVR) First() CID { return CID(c & cvrFirst >> 14) }

// Second is the cryptogram of the second GENERATE AC, AAC or TC; none if it was
// not asked for.
func (c CVR) Second() (kind CID, asked bool) {
	if c&CVRSecondNone != 0 {
		return 0, false
	}
	return CID(c & cvrSecond >> 16), true
}

// Scripts is how many issuer script commands were executed on the last online
// transaction, 0 to 15.
func (c CVR) Scripts() int { return int(c & cvrScripts >> 4) }

// WithScripts sets that number; 15 stands for more.
func (c CVR) WithScripts(n int) CVR {
	return c&^cvrScripts | CVR(max(0, min(n, 15)))<<4
}

// Explain names the fields and the bits that are set.
func (c CVR) Explain() []string {
	names := []string{"first " + c.First().Explain()[0]}
	if kind, asked := c.Second(); asked {
		names = append(names, "second "+kind.Explain()[0])
	}
	names = append(names, explain(uint64(c), cvrFlags)...)
	if n := c.Scripts(); n > 0 {
		names = append(names, "scripts executed: "+strconv.Itoa(n))
	}
	return names
}

// String is the bytes and the names.
func (c CVR) String() string { return show(uint64(c), 3, c.Explain()) }

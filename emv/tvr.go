package emv

// TVR is the terminal verification results (95), what a terminal has found
// wrong (Book 3, Annex C5), and also each of the action codes that are compared
// with it. Byte 1 is the highest of the five low bytes.
type TVR uint64

// Bits of the TVR.
const (
	TVRNoODA                 TVR = 0x80_00_00_00_00 // offline data authentication was not performed
	TVRSDAFailed             TVR = 0x40_00_00_00_00
	TVRDataMissing           TVR = 0x20_00_00_00_00
	TVRExceptionFile         TVR = 0x10_00_00_00_00
	TVRDDAFailed             TVR = 0x08_00_00_00_00
	TVRCDAFailed             TVR = 0x04_00_00_00_00
	TVRSDASelected           TVR = 0x02_00_00_00_00
	TVRVersions              TVR = 0x00_80_00_00_00
	TVRExpired               TVR = 0x00_40_00_00_00
	TVRNotYetEffective       TVR = 0x00_20_00_00_00
	TVRServiceNotAllowed     TVR = 0x00_10_00_00_00
	TVRNewCard               TVR = 0x00_08_00_00_00
	TVRHolderNotVerified     TVR = 0x00_00_80_00_00
	TVRUnknownCVM            TVR = 0x00_00_40_00_00
	TVRPINTries              TVR = 0x00_00_20_00_00
	TVRPINPadMissing         TVR = 0x00_00_10_00_00
	TVRPINNotEntered         TVR = 0x00_00_08_00_00
	TVROnlinePIN             TVR = 0x00_00_04_00_00
	TVRFloorLimit            TVR = 0x00_00_00_80_00
	TVRLowerOfflineLimit     TVR = 0x00_00_00_40_00
	TVRUpperOfflineLimit     TVR = 0x00_00_00_20_00
	TVRRandomOnline          TVR = 0x00_00_00_10_00
	TVRMerchantOnline        TVR = 0x00_00_00_08_00
	TVRDefaultTDOL           TVR = 0x00_00_00_00_80
	TVRIssuerAuthFailed      TVR = 0x00_00_00_00_40
	TVRScriptFailedBeforeGAC TVR = 0x00_00_00_00_20 // before the final GENERATE AC
	TVRScriptFailedAfterGAC  TVR = 0x00_00_00_00_10
)

var tvrFlags = []flag{
	{uint64(TVRNoODA), "offline data authentication not performed"},
	{uint64(TVRSDAFailed), "SDA failed"},
	{uint64(TVRDataMissing), "ICC data missing"},
	{uint64(TVRExceptionFile), "card on terminal exception file"},
	{uint64(TVRDDAFailed), "DDA failed"},
	{uint64(TVRCDAFailed), "CDA failed"},
	{uint64(TVRSDASelected), "SDA selected"},
	{uint64(TVRVersions), "different application versions"},
	{uint64(TVRExpired), "expired application"},
	{uint64(TVRNotYetEffective), "application not yet effective"},
	{uint64(TVRServiceNotAllowed), "service not allowed for card product"},
	{uint64(TVRNewCard), "new card"},
	{uint64(TVRHolderNotVerified), "cardholder verification not successful"},
	{uint64(TVRUnknownCVM), "unrecognised CVM"},
	{uint64(TVRPINTries), "PIN try limit exceeded"},
	{uint64(TVRPINPadMissing), "PIN required, pad missing or broken"},
	{uint64(TVRPINNotEntered), "PIN required, not entered"},
	{uint64(TVROnlinePIN), "online PIN entered"},
	{uint64(TVRFloorLimit), "floor limit exceeded"},
	{uint64(TVRLowerOfflineLimit), "lower consecutive offline limit exceeded"},
	{uint64(TVRUpperOfflineLimit), "upper consecutive offline limit exceeded"},
	{uint64(TVRRandomOnline), "selected randomly for online"},
	{uint64(TVRMerchantOnline), "merchant forced online"},
	{uint64(TVRDefaultTDOL), "default TDOL used"},
	{uint64(TVRIssuerAuthFailed), "issuer authentication failed"},
	{uint64(TVRScriptFailedBeforeGAC), "script failed before final GENERATE AC"},
	{uint64(TVRScriptFailedAfterGAC), "script failed after final GENERATE AC"},
}

// ParseTVR reads five bytes, of a TVR or of an action code.
func ParseTVR(b []byte) (TVR, error) { v, err := fixed(b, 5); return TVR(v), err }

// Append writes five bytes behind dst.
func (t TVR) Append(dst []byte) []byte { return appendFixed(dst, uint64(t), 5) }

// Has reports whether all these bits are set.
func (t TVR) Has(bits TVR) bool { return t&bits == bits }

// Matches reports whether any bit is set that an action code has set too
// (Book 3, 10.7).
func (t TVR) Matches(action TVR) bool { return t&action != 0 }

// Explain names the bits that are set.
func (t TVR) Explain() []string { return explain(uint64(t), tvrFlags) }

// String is the bytes and the names of the bits.
func (t TVR) String() string { return show(uint64(t), 5, t.Explain()) }

// TSI is the transaction status information (9B): what has been performed (Book
// 3, Annex C6).
type TSI uint16

// Bits of the TSI.
const (
	TSIODA          TSI = 0x8000
	TSIHolder       TSI = 0x4000 // cardholder verification
	TSICardRisk     TSI = 0x2000
	TSIIssuerAuth   TSI = 0x1000
	TSITerminalRisk TSI = 0x0800
	TSIScript       TSI = 0x0400
)

var tsiFlags = []flag{
	{uint64(TSIODA), "offline data authentication performed"},
	{uint64(TSIHolder), "cardholder verification performed"},
	{uint64(TSICardRisk), "card risk management performed"},
	{uint64(TSIIssuerAuth), "issuer authentication performed"},
	{uint64(TSITerminalRisk), "terminal risk management performed"},
	{uint64(TSIScript), "script processing performed"},
}

// ParseTSI reads two bytes.
func ParseTSI(b []byte) (TSI, error) { v, err := fixed(b, 2); return TSI(v), err }

// Append writes two bytes behind dst.
func (t TSI) Append(dst []byte) []byte { return appendFixed(dst, uint64(t), 2) }

// Has reports whether all these bits are set.
func (t TSI) Has(bits TSI) bool { return t&bits == bits }

// Explain names the bits that are set.
func (t TSI) Explain() []string { return explain(uint64(t), tsiFlags) }

// String is the bytes and the names of the bits.
func (t TSI) String() string { return show(uint64(t), 2, t.Explain()) }

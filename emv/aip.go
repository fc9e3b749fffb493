package emv

// AIP is the application interchange profile (82): what the card can do (Book
// 3, Annex C1). Byte 1 is the high byte.
type AIP uint16

// Bits of the AIP.
const (
	AIPSDA            AIP = 0x4000
	AIPDDA            AIP = 0x2000 // in qPBOC: fDDA (JR/T 0025.12)
	AIPHolder         AIP = 0x1000 // cardholder verification
	AIPTerminalRisk   AIP = 0x0800 // terminal risk management is to be performed
	AIPIssuerAuth     AIP = 0x0400 // by EXTERNAL AUTHENTICATE
	AIPDeviceHolder   AIP = 0x0200 // verification on the holder's device (EMV Contactless)
	AIPCDA            AIP = 0x0100
	AIPContactlessEMV AIP = 0x0080 // kernel 2: EMV mode; kernel 3: magnetic stripe mode
)

var aipFlags = []flag{
	{uint64(AIPSDA), "SDA"},
	{uint64(AIPDDA), "DDA"},
	{uint64(AIPHolder), "cardholder verification"},
	{uint64(AIPTerminalRisk), "terminal risk management"},
	{uint64(AIPIssuerAuth), "issuer authentication"},
	{uint64(AIPDeviceHolder), "verification on the holder's device"},
	{uint64(AIPCDA), "CDA"},
	{uint64(AIPContactlessEMV), "contactless mode bit"},
}

// ParseAIP reads two bytes.
func ParseAIP(b []byte) (AIP, error) { v, err := fixed(b, 2); return AIP(v), err }

// Append writes two bytes behind dst.
func (a AIP) Append(dst []byte) []byte { return appendFixed(dst, uint64(a), 2) }

// Has reports whether all these bits are set.
func (a AIP) Has(bits AIP) bool { return a&bits == bits }

// Explain names the bits that are set.
func (a AIP) Explain() []string { return explain(uint64(a), aipFlags) }

// String is the bytes and the names of the bits.
func (a AIP) String() string { return show(uint64(a), 2, a.Explain()) }

// AUC is the application usage control (9F07): where the application may be
// used (Book 3, Annex C2).
type AUC uint16

// Bits of the AUC.
const (
	AUCCashDomestic          AUC = 0x8000
	AUCCashInternational     AUC = 0x4000
	AUCGoodsDomestic         AUC = 0x2000
	AUCGoodsInternational    AUC = 0x1000
	AUCServicesDomestic      AUC = 0x0800
	AUCServicesInternational AUC = 0x0400
	AUCATM                   AUC = 0x0200
	AUCOther                 AUC = 0x0100 // terminals other than ATMs
	AUCCashbackDomestic      AUC = 0x0080
	AUCCashbackInternational AUC = 0x0040
)

var aucFlags = []flag{
	{uint64(AUCCashDomestic), "domestic cash"},
	{uint64(AUCCashInternational), "international cash"},
	{uint64(AUCGoodsDomestic), "domestic goods"},
	{uint64(AUCGoodsInternational), "international goods"},
	{uint64(AUCServicesDomestic), "domestic services"},
	{uint64(AUCServicesInternational), "international services"},
	{uint64(AUCATM), "ATMs"},
	{uint64(AUCOther), "terminals other than ATMs"},
	{uint64(AUCCashbackDomestic), "domestic cashback"},
	{uint64(AUCCashbackInternational), "international cashback"},
}

// ParseAUC reads two bytes.
func ParseAUC(b []byte) (AUC, error) { v, err := fixed(b, 2); return AUC(v), err }

// Append writes two bytes behind dst.
func (a AUC) Append(dst []byte) []byte { return appendFixed(dst, uint64(a), 2) }

// Has reports whether all these bits are set.
func (a AUC) Has(bits AUC) bool { return a&bits == bits }

// Explain names the bits that are set.
func (a AUC) Explain() []string { return explain(uint64(a), aucFlags) }

// String is the bytes and the names of the bits.
func (a AUC) String() string { return show(uint64(a), 2, a.Explain()) }

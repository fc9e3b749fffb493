package emv

// TTQ is the terminal transaction qualifiers (9F66): what a contactless reader
// can do and wants (EMV Contactless Book A, 5.7; JR/T 0025.12, table 3). Byte 1
// is the high byte.
type TTQ uint32

// Bits of the TTQ.
const (
	TTQMagStripe       TTQ = 0x80_00_00_00
	TTQContactlessPBOC TTQ = 0x40_00_00_00 // JR/T 0025.12; reserved in Book A
	TTQQPBOC           TTQ = 0x20_00_00_00 // EMV mode of kernels 3 and 7
	TTQContact         TTQ = 0x10_00_00_00
	TTQOfflineOnly     TTQ = 0x08_00_00_00
	TTQOnlinePIN       TTQ = 0x04_00_00_00
	TTQSignature       TTQ = 0x02_00_00_00
	TTQOnlineODA       TTQ = 0x01_00_00_00 // offline data authentication for online transactions
	TTQOnlineRequired  TTQ = 0x00_80_00_00 // an online cryptogram is required
	TTQCVMRequired     TTQ = 0x00_40_00_00
	TTQOfflinePIN      TTQ = 0x00_20_00_00 // contact chip
	TTQIssuerUpdate    TTQ = 0x00_00_80_00
	TTQDeviceHolder    TTQ = 0x00_00_40_00 // verification on the holder's device
	TTQFDDA01          TTQ = 0x00_00_00_80 // fDDA version 01
)

var ttqFlags = []flag{
	{uint64(TTQMagStripe), "magnetic stripe mode"},
	{uint64(TTQContactlessPBOC), "contactless PBOC"},
	{uint64(TTQQPBOC), "qPBOC"},
	{uint64(TTQContact), "contact chip"},
	{uint64(TTQOfflineOnly), "offline only"},
	{uint64(TTQOnlinePIN), "online PIN"},
	{uint64(TTQSignature), "signature"},
	{uint64(TTQOnlineODA), "offline data authentication for online transactions"},
	{uint64(TTQOnlineRequired), "online cryptogram required"},
	{uint64(TTQCVMRequired), "CVM required"},
	{uint64(TTQOfflinePIN), "offline PIN over contacts"},
	{uint64(TTQIssuerUpdate), "issuer update"},
	{uint64(TTQDeviceHolder), "verification on the holder's device"},
	{uint64(TTQFDDA01), "fDDA version 01"},
}

// ParseTTQ reads four bytes.
func ParseTTQ(b []byte) (TTQ, error) { v, err := fixed(b, 4); return TTQ(v), err }

// Append writes four bytes behind dst.
func (t TTQ) Append(dst []byte) []byte { return appendFixed(dst, uint64(t), 4) }

// Has reports whether all these bits are set.
func (t TTQ) Has(bits TTQ) bool { return t&bits == bits }

// Explain names the bits that are set.
func (t TTQ) Explain() []string { return explain(uint64(t), ttqFlags) }

// String is the bytes and the names of the bits.
func (t TTQ) String() string { return show(uint64(t), 4, t.Explain()) }

// CTQ is the card transaction qualifiers (9F6C): what the card wants of the
// reader (EMV Contactless Book C-3, Annex A; JR/T 0025.12).
type CTQ uint16

// Bits of the CTQ.
const (
	CTQOnlinePIN        CTQ = 0x8000
	CTQSignature        CTQ = 0x4000
	CTQOnlineIfODAFails CTQ = 0x2000
	CTQSwitchIfODAFails CTQ = 0x1000 // to the contact chip
	CTQOnlineIfExpired  CTQ = 0x0800
	CTQSwitchForCash    CTQ = 0x0400
	CTQSwitchCashback   CTQ = 0x0200
	CTQDeviceHolder     CTQ = 0x0080 // verified on the holder's device
	CTQIssuerUpdate     CTQ = 0x0040
)

var ctqFlags = []flag{
	{uint64(CTQOnlinePIN), "online PIN required"},
	{uint64(CTQSignature), "signature required"},
	{uint64(CTQOnlineIfODAFails), "online if offline data authentication fails"},
	{uint64(CTQSwitchIfODAFails), "contact chip if offline data authentication fails"},
	{uint64(CTQOnlineIfExpired), "online if expired"},
	{uint64(CTQSwitchForCash), "contact chip for cash"},
	{uint64(CTQSwitchCashback), "contact chip for cashback"},
	{uint64(CTQDeviceHolder), "verified on the holder's device"},
	{uint64(CTQIssuerUpdate), "issuer update"},
}

// ParseCTQ reads two bytes.
func ParseCTQ(b []byte) (CTQ, error) { v, err := fixed(b, 2); return CTQ(v), err }

// Append writes two bytes behind dst.
func (c CTQ) Append(dst []byte) []byte { return appendFixed(dst, uint64(c), 2) }

// Has reports whether all these bits are set.
func (c CTQ) Has(bits CTQ) bool { return c&bits == bits }

// Explain names the bits that are set.
func (c CTQ) Explain() []string { return explain(uint64(c), ctqFlags) }

// String is the bytes and the names of the bits.
func (c CTQ) String() string { return show(uint64(c), 2, c.Explain()) }

// Processes is byte 1 of the card additional processes (9F68; JR/T 0025.12),
// the high byte of four. Only the bits that a purse of ours looks at have names.
type Processes uint32

// Bits of the card additional processes.
const (
	ProcessesLowValue  Processes = 0x80_00_00_00 // low-value check
	ProcessesAvailable Processes = 0x01_00_00_00 // 9F5D is returned
)

var processesFlags = []flag{
	{uint64(ProcessesLowValue), "low-value check"},
	{uint64(ProcessesAvailable), "available amount returned"},
}

// ParseProcesses reads four bytes.
func ParseProcesses(b []byte) (Processes, error) { v, err := fixed(b, 4); return Processes(v), err }

// Append writes four bytes behind dst.
func (p Processes) Append(dst []byte) []byte { return appendFixed(dst, uint64(p), 4) }

// Has reports whether all these bits are set.
func (p Processes) Has(bits Processes) bool { return p&bits == bits }

// Explain names the bits that are set.
func (p Processes) Explain() []string { return explain(uint64(p), processesFlags) }

// String is the bytes and the names of the bits.
func (p Processes) String() string { return show(uint64(p), 4, p.Explain()) }

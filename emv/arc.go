package emv

// ARC is the authorisation response code (8A): two characters, the first in the
// high byte.
type ARC uint16

// Response codes that a bank answers, of ISO 8583, and that a terminal writes by
// itself (Book 4, Annex A6).
const (
	ARCApproved            ARC = '0'<<8 | '0'
	ARCDeclined            ARC = '0'<<8 | '5'
	ARCInsufficient        ARC = '5'<<8 | '1'
	ARCExpired             ARC = '5'<<8 | '4'
	ARCOfflineApproved     ARC = 'Y'<<8 | '1'
	ARCOfflineDeclined     ARC = 'Z'<<8 | '1'
	ARCNoConnectionApprove ARC = 'Y'<<8 | '3' // unable to go online, approved offline
	ARCNoConnectionDecline ARC = 'Z'<<8 | '3' // unable to go online, declined offline
)

// ParseARC reads two bytes.
func ParseARC(b []byte) (ARC, error) { v, err := fixed(b, 2); return ARC(v), err }

// Append writes two bytes behind dst.
func (a ARC) Append(dst []byte) []byte { return appendFixed(dst, uint64(a), 2) }

// Approved reports whether a bank's answer is an approval: 00, 10 for a part, or
// 11 for a VIP, as ISO 8583 has them.
func (a ARC) Approved() bool {
	return a == ARCApproved || a == '1'<<8|'0' || a == '1'<<8|'1'
}

// String is the two characters, or hexadecimal where they are none.
func (a ARC) String() string {
	high, low := byte(a>>8), byte(a)
	if high < ' ' || high > '~' || low < ' ' || low > '~' {
		return show(uint64(a), 2, nil)
	}
	return string([]byte{high, low})
}

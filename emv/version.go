package emv

// Version is an application version number (9F08 of the card, 9F09 of the
// terminal). A difference sets a bit of the TVR and nothing more.
type Version uint16

// VersionPBOC is the version that JR/T 0025-2013 gives itself.
const VersionPBOC Version = 0x0030

// ParseVersion reads two bytes.
func ParseVersion(b []byte) (Version, error) { v, err := fixed(b, 2); return Version(v), err }

// Append writes two bytes behind dst.
func (v Version) Append(dst []byte) []byte { return appendFixed(dst, uint64(v), 2) }

// String is the two bytes.
func (v Version) String() string { return show(uint64(v), 2, nil) }

// Transaction types (9C), the first two digits of ISO 8583's processing code.
const (
	TypePurchase byte = 0x00
	TypeRefund   byte = 0x20
	TypeBalance  byte = 0x31 // ISO 8583:1987, processing code: balance inquiry
	TypeLoad     byte = 0x63 // JR/T 0025.13: the purse is loaded
)

package frame

// CRC16 is the frame check sequence of ISO/IEC 13239 with 16 bits, as ISO/IEC
// 15693-3 and ISO/IEC 14443-3 type B use it: preset FFFF, polynomial
// x^16+x^12+x^5+1 with the low bit first, complemented. It is sent low byte
// first.
func CRC16(b []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, v := range b {
		crc = crc>>4 ^ nibbles[(crc^uint16(v))&0xF]
		crc = crc>>4 ^ nibbles[(crc^uint16(v>>4))&0xF]
	}
	return ^crc
}

// nibbles has the remainders of 4 bits: 32 bytes of table, which a
// microcontroller has room for.
var nibbles = [16]uint16{
	0x0000, 0x1081, 0x2102, 0x3183, 0x4204, 0x5285, 0x6306, 0x7387,
	0x8408, 0x9489, 0xA50A, 0xB58B, 0xC60C, 0xD68D, 0xE70E, 0xF78F,
}

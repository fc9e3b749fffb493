package voice

import "encoding/binary"

// wavHead is what stands before the samples of a WAV file, in bytes.
const wavHead = 44

// AppendWAV writes samples as a WAV file of one channel and 16 bits.
func AppendWAV(dst []byte, samples []int16) []byte {
	const channels, width = 1, 2
	size := uint32(len(samples) * width)
	le := binary.LittleEndian
	dst = append(dst, "RIFF"...)
	dst = le.AppendUint32(dst, wavHead-8+size)
	dst = append(dst, "WAVEfmt "...)
	dst = le.AppendUint32(dst, 16)
	dst = le.AppendUint16(dst, 1) // PCM
	dst = le.AppendUint16(dst, channels)
	dst = le.AppendUint32(dst, Rate)
	dst = le.AppendUint32(dst, Rate*channels*width)
	dst = le.AppendUint16(dst, channels*width)
	dst = le.AppendUint16(dst, 8*width)
	dst = append(dst, "data"...)
	dst = le.AppendUint32(dst, size)
	return AppendPCM(dst, samples)
}

// AppendPCM writes samples alone, low byte first.
func AppendPCM(dst []byte, samples []int16) []byte {
	for _, s := range samples {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(s))
	}
	return dst
}

package voice

// IMA ADPCM (Recommended Practices for Enhancing Digital Audio Compatibility,
// revision 3.00, 6): each sample is a nibble that says how far it is from the
// one before, in steps that grow and shrink with the sound.

var stepSizes = [89]int32{
	7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97,
	107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796,
	876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871,
	5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623,
	27086, 29794, 32767,
}

var indexSteps = [8]int32{-1, -1, -1, -1, 2, 4, 6, 8}

// ADPCM is the state of a coder. The zero ADPCM begins a clip.
type ADPCM struct{ predicted, index int32 }

// Decode returns the sample of the next nibble.
func (a *ADPCM) Decode(nibble byte) int16 {
	step := stepSizes[a.index]
	difference := step >> 3
	if nibble&4 != 0 {
		difference += step
	}
	if nibble&2 != 0 {
		difference += step >> 1
	}
	if nibble&1 != 0 {
		difference += step >> 2
	}
	if nibble&8 != 0 {
		difference = -difference
	}
	a.predicted = min(max(a.predicted+difference, -32768), 32767)
	a.index = min(max(a.index+indexSteps[nibble&7], 0), int32(len(stepSizes)-1))
	return int16(a.predicted)
}

// Encode returns the nibble that comes nearest to the next sample.
func (a *ADPCM) Encode(sample int16) byte {
	best, nearest := byte(0), int32(1<<30)
	for nibble := range byte(16) {
		try := *a
		if far := abs(int32(try.Decode(nibble)) - int32(sample)); far < nearest {
			best, nearest = nibble, far
		}
	}
	a.Decode(best)
	return best
}

func abs(n int32) int32 {
	if n < 0 {
		return -n
	}
	return n
}

// decode appends the samples of a clip.
func decode(dst []int16, sound string, samples int) []int16 {
	var a ADPCM
	for i := range samples {
		dst = append(dst, a.Decode(sound[i/2]>>(4*(i&1))&0xF))
	}
	return dst
}

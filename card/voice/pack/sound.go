package pack

import (
	"math"

	"sotto/card/voice"
)

// How a recording becomes a clip.
const (
	audible  = 330.0  // samples below are silence; 1 in 100 of full scale
	loudest  = 20000  // peak of every clip, well below 32767: coding overshoots
	cutoff   = 3600.0 // Hz; above, nothing may be left at voice.Rate
	halfTaps = 24     // of the filter, at the rate of the clip
	fade     = voice.Rate / 200
)

// Clip makes a clip of a recording.
func Clip(wav []byte) ([]int16, error) {
	in, rate, err := readWAV(wav)
	if err != nil {
		return nil, err
	}
	in = trim(in)
	if len(in) == 0 {
		return nil, ErrSilent
	}
	return faded(levelled(resample(in, rate))), nil
}

// trim cuts silence off both ends.
func trim(in []int16) []int16 {
	heard := func(s int16) bool { return math.Abs(float64(s)) >= audible }
	first, last := 0, len(in)
	for first < last && !heard(in[first]) {
		first++
	}
	for last > first && !heard(in[last-1]) {
		last--
	}
	return in[first:last]
}

// resample brings samples to voice.Rate through a low-pass filter: a sinc under
// a Hann window.
func resample(in []int16, rate int) []float64 {
	n := len(in) * voice.Rate / rate
	out := make([]float64, n)
	width := halfTaps * rate / voice.Rate // in samples of the input
	for i := range out {
		centre := float64(i) * float64(rate) / voice.Rate
		middle := int(centre)
		sum, weights := 0.0, 0.0
		for k := middle - width; k <= middle+width; k++ {
			if k < 0 || k >= len(in) {
				continue
			}
			w := tap((float64(k) - centre) / float64(rate))
			weights += w
			sum += w * float64(in[k])
		}
		out[i] = sum
		if weights != 0 {
			out[i] = sum / weights
		}
	}
	return out
}

// tap is the filter at a distance in seconds.
func tap(t float64) float64 {
	const reach = float64(halfTaps) / voice.Rate
	if math.Abs(t) > reach {
		return 0
	}
	window := 0.5 + 0.5*math.Cos(math.Pi*t/reach)
	x := 2 * math.Pi * cutoff * t
	if x == 0 {
		return window
	}
	return math.Sin(x) / x * window
}

// levelled makes the loudest sample that of every clip.
func levelled(in []float64) []int16 {
	peak := 1.0
	for _, s := range in {
		peak = max(peak, math.Abs(s))
	}
	out := make([]int16, len(in))
	for i, s := range in {
		out[i] = int16(math.Round(s * loudest / peak))
	}
	return out
}

// faded lets a clip begin and end at nothing, which does not click.
func faded(s []int16) []int16 {
	for i := range min(fade, len(s)/2) {
		s[i] = int16(int(s[i]) * i / fade)
		s[len(s)-1-i] = int16(int(s[len(s)-1-i]) * i / fade)
	}
	return s
}

package voice

import (
	"iter"
	"time"

	"sotto/card"
)

// How the paces stretch clips and silences, in hundredths.
var paces = [...]struct{ clips, pauses int }{
	card.PaceNormal: {100, 100},
	card.PaceSlow:   {135, 170},
	card.PaceFast:   {80, 60},
}

// Samples is the sound of a speech: 16-bit samples, Rate a second.
func (s Speech) Samples(pace card.Pace) []int16 {
	var out []int16
	for piece := range s.Pieces(pace) {
		out = append(out, piece...)
	}
	return out
}

// Pieces is the same sound word by word, for a player with little memory. A
// piece is overwritten by the next and wiped after the last.
func (s Speech) Pieces(pace card.Pace) iter.Seq[[]int16] {
	return func(yield func([]int16) bool) {
		bank, by := BankOf(s.Language), paces[pace]
		var clip, piece []int16
		defer func() {
			clear(clip[:cap(clip)])
			clear(piece[:cap(piece)])
		}()
		for _, step := range s.Steps {
			clip = bank.Clip(clip[:0], step.Clip)
			piece = appendStretched(piece[:0], clip, by.clips)
			piece = append(piece, make([]int16, samplesOf(step.Pause)*by.pauses/100)...)
			if !yield(piece) {
				return
			}
		}
	}
}

func samplesOf(d time.Duration) int { return int(d * Rate / time.Second) }

// Stretching keeps the pitch: pieces of a clip are laid over each other at
// another distance than they had, each where it continues best the one before
// (waveform similarity overlap-add; Verhelst and Roelands, ICASSP 1993).
const (
	hop    = 120 // samples from piece to piece in the output; a piece is two hops
	search = 64  // how far a piece may be moved, below the period of a deep voice
)

func appendStretched(dst, in []int16, percent int) []int16 {
	if percent == 100 || len(in) < 4*hop {
		return append(dst, in...)
	}
	n := len(in) * percent / 100
	start := len(dst)
	dst = append(dst, make([]int16, n)...)
	out := dst[start:]
	last := 0 // where the piece before was taken
	for at := 0; at < n; at += hop {
		from := 0
		if at > 0 {
			from = bestPiece(in, last+hop, at*100/percent)
		}
		overlay(out[at:], in, from, at == 0)
		last = from
	}
	return dst
}

// bestPiece looks around want for the piece that is most like the one at next,
// which would follow if nothing were stretched.
func bestPiece(in []int16, next, want int) int {
	best, nearest := want, int64(-1)
	for from := max(want-search, 0); from <= want+search; from++ {
		var far int64
		for i := 0; i < hop; i += 2 {
			far += int64(abs(int32(sample(in, from+i)) - int32(sample(in, next+i))))
		}
		if nearest < 0 || far < nearest {
			best, nearest = from, far
		}
	}
	return best
}

// overlay lays a piece of two hops over out: rising in the first hop, falling in
// the second, so that neighbours add up to one.
func overlay(out, in []int16, from int, first bool) {
	for i := range min(2*hop, len(out)) {
		weight := i
		if i >= hop {
			weight = 2*hop - i
		}
		if first && i < hop {
			weight = hop
		}
		out[i] += int16(int(sample(in, from+i)) * weight / hop)
	}
}

func sample(in []int16, i int) int16 {
	if i < 0 || i >= len(in) {
		return 0
	}
	return in[i]
}

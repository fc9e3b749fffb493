package voice

import (
	_ "embed" // the clips
	"encoding/binary"
	"sync"
)

// Rate is the samples in a second of everything here.
const Rate = 8000

// The clips of each language, as package pack writes them and scripts/voice.sh
// records them.
var (
	//go:embed clips/en.bin
	englishClips string
	//go:embed clips/zh.bin
	chineseClips string

	english = sync.OnceValue(func() *Bank { return mustParse(englishClips) })
	chinese = sync.OnceValue(func() *Bank { return mustParse(chineseClips) })
)

// BankMagic begins a file of clips. After it come the first 8 bytes of the
// SHA-256 of the list they were recorded from, the number of clips, and for each
// clip its name, the number of its samples and where it begins; then the sound.
// Numbers are 4 bytes, high byte first; a name has its length in a byte before.
const BankMagic = "sottovoice1\n"

// DigestSize is how much of the list's digest is kept, in bytes.
const DigestSize = 8

// Bank is the clips of one language.
type Bank struct {
	digest string
	clips  map[string]clip
}

type clip struct {
	sound   string // IMA ADPCM, two samples a byte, the first in the low half
	samples int
}

// BankOf returns the clips that a view in this language is spoken with: Mandarin
// for "zh", else English.
func BankOf(language string) *Bank {
	if language == "zh" {
		return chinese()
	}
	return english()
}

// ParseBank reads a file of clips; it is not ok when the file is not whole.
func ParseBank(file string) (*Bank, bool) {
	r := reader{rest: file}
	if r.take(len(BankMagic)) != BankMagic {
		return nil, false
	}
	b := &Bank{digest: r.take(DigestSize), clips: map[string]clip{}}
	type place struct {
		name           string
		samples, start int
	}
	var places []place
	for n := r.number(); n > 0 && !r.short; n-- {
		name := r.take(int(r.byte()))
		places = append(places, place{name, r.number(), r.number()})
	}
	for _, p := range places {
		size := (p.samples + 1) / 2
		if p.start < 0 || p.start+size > len(r.rest) {
			return nil, false
		}
		b.clips[p.name] = clip{r.rest[p.start : p.start+size], p.samples}
	}
	return b, !r.short && len(b.clips) == len(places)
}

func mustParse(file string) *Bank {
	b, ok := ParseBank(file)
	if !ok {
		panic("voice: the clips are damaged")
	}
	return b
}

// Digest is of the list that the clips were recorded from.
func (b *Bank) Digest() string { return b.digest }

// Has reports whether there is a clip of this name.
func (b *Bank) Has(name string) bool { return b.clips[name].samples > 0 }

// Names is how many clips there are.
func (b *Bank) Names() int { return len(b.clips) }

// Clip decodes a clip and appends its samples to dst. A clip that is not there
// is no sound.
func (b *Bank) Clip(dst []int16, name string) []int16 {
	c := b.clips[name]
	return decode(dst, c.sound, c.samples)
}

// reader takes a file apart, and remembers if it was too short.
type reader struct {
	rest  string
	short bool
}

func (r *reader) take(n int) string {
	if n > len(r.rest) {
		r.short, n = true, 0
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) number() int {
	s := r.take(4)
	if s == "" {
		return 0
	}
	return int(binary.BigEndian.Uint32([]byte(s)))
}

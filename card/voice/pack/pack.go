// Package pack makes the clips of package voice from recordings: it reads lists
// of words and WAV files, and writes what voice.ParseBank reads.
//
// A recording is cut to what can be heard, brought from its own rate to
// voice.Rate, made as loud as the others, faded in and out, and coded. No step
// depends on anything but its input, so the same recordings are the same file.
package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"sotto/card/voice"
)

// Word is a line of a list: the clip's name, who reads it, and what is read.
type Word struct{ Name, Voice, Text string }

// ErrList says that a list has a line that is none, or a name twice.
var ErrList = errors.New("a line must be: name | voice | text, and each name stand once")

// ParseList reads a list of words. Empty lines and those that begin with # are
// for the reader.
func ParseList(text string) ([]Word, error) {
	var words []Word
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, " | ")
		if len(parts) != 3 || seen[parts[0]] || len(parts[0]) > 255 {
			return nil, fmt.Errorf("%w: %q", ErrList, line)
		}
		seen[parts[0]] = true
		words = append(words, Word{parts[0], parts[1], parts[2]})
	}
	return words, nil
}

// Digest is what a file of clips keeps of the list it was made from.
func Digest(list string) string {
	sum := sha256.Sum256([]byte(list))
	return string(sum[:voice.DigestSize])
}

// Bank writes the file of clips of a list; wav returns the recording of a word.
func Bank(list string, wav func(Word) ([]byte, error)) ([]byte, error) {
	words, err := ParseList(list)
	if err != nil {
		return nil, err
	}
	head := append([]byte(voice.BankMagic), Digest(list)...)
	head = binary.BigEndian.AppendUint32(head, uint32(len(words)))
	var sound []byte
	for _, w := range words {
		recording, err := wav(w)
		if err != nil {
			return nil, fmt.Errorf("clip %s: %w", w.Name, err)
		}
		samples, err := Clip(recording)
		if err != nil {
			return nil, fmt.Errorf("clip %s: %w", w.Name, err)
		}
		head = append(append(head, byte(len(w.Name))), w.Name...)
		head = binary.BigEndian.AppendUint32(head, uint32(len(samples)))
		head = binary.BigEndian.AppendUint32(head, uint32(len(sound)))
		sound = appendCoded(sound, samples)
	}
	return append(head, sound...), nil
}

func appendCoded(dst []byte, samples []int16) []byte {
	var a voice.ADPCM
	for i, s := range samples {
		nibble := a.Encode(s)
		if i&1 == 0 {
			dst = append(dst, nibble)
		} else {
			dst[len(dst)-1] |= nibble << 4
		}
	}
	return dst
}

// Errors of a recording.
var (
	ErrWAV    = errors.New("the recording is no WAV file of one channel and 16 bits")
	ErrSilent = errors.New("the recording has nothing to be heard")
)

// rateMax is the most samples a second that anybody records with. To resample
// takes as long as there are samples in the filter, which is as many as a rate says.
const rateMax = 192_000

// readWAV returns the samples of a recording and their rate. A length of all
// ones, which a program writes that cannot go back, means the rest of the file.
func readWAV(b []byte) (samples []int16, rate int, err error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, 0, ErrWAV
	}
	for rest := b[12:]; len(rest) >= 8; {
		name, size := string(rest[:4]), int(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:]
		size = min(size, len(body))
		switch name {
		case "fmt ":
			if size < 16 || !bytes.Equal(body[:4], []byte{1, 0, 1, 0}) || body[14] != 16 {
				return nil, 0, ErrWAV
			}
			rate = int(binary.LittleEndian.Uint32(body[4:]))
		case "data":
			for i := 0; i+1 < size; i += 2 {
				samples = append(samples, int16(binary.LittleEndian.Uint16(body[i:])))
			}
		}
		rest = body[min(size+size&1, len(body)):]
	}
	if rate < voice.Rate || rate > rateMax || samples == nil {
		return nil, 0, ErrWAV
	}
	return samples, rate, nil
}

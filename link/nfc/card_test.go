package nfc_test

import (
	"bytes"
	"strings"
	"testing"

	"sotto/link"
	"sotto/link/frame"
	"sotto/link/nfc"
)

// The FCI of the first SELECT, with the random numbers of seeded.
const fci = "6F21 8408F0736F74746F0001 A515 800101 8110"

// A story is APDUs that follow each other on one card, which answers "re: " and
// the message. A line "reset" is a reset.
var stories = map[string]string{
	"a message in one command": `
		> 00A40400 08 F0736F74746F0001 00
		< ` + fci + ` … 9000
		> 00DA0100 03 616263 00
		< 72653A20616263 9000`,
	"no version asked for, nothing wanted": `
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 00DA0100 01 61
		< 6105
		> 00C00000 05
		< 72653A2061 9000`,
	"chained, and fetched in two": `
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 10DA0100 02 6162
		< 9000
		> 10DA0100 02 6364
		< 9000
		> 00DA0100 01 65
		< 6109
		> 00C00000 04
		< 72653A20 6105
		> 00C00000 00
		< 6162636465 9000
		> 00C00000 00
		< 6985`,
	"nothing before SELECT": `
		> 00DA0100 01 61
		< 6985
		> 10DA0100 01 61
		< 6985
		> 00C00000 00
		< 6985`,
	"a reset forgets half a message": `
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 10DA0100 02 6162
		< 9000
		reset
		> 00DA0100 02 6364
		< 6985
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 00DA0100 02 6364 00
		< 72653A206364 9000`,
	"a reset forgets an answer": `
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 00DA0100 02 6162
		< 6106
		reset
		> 00C00000 06
		< 6985`,
	"another command forgets an answer": `
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 00DA0100 02 6162
		< 6106
		> 00B00000 00
		< 6D00
		> 00C00000 06
		< 6985`,
	"another command breaks a chain": `
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 10DA0100 02 6162
		< 9000
		> 00B00000 00
		< 6883
		> 00DA0100 02 6364 00
		< 72653A206364 9000`,
	"GET RESPONSE breaks a chain": `
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 10DA0100 02 6162
		< 9000
		> 00C00000 00
		< 6883
		> 00DA0100 02 6364 00
		< 72653A206364 9000`,
	"a wrong link breaks a chain": `
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 10DA0100 02 6162
		< 9000
		> 10DA0101 02 6162
		< 6A86
		> 00DA0100 02 6364 00
		< 72653A206364 9000`,
	"what is refused": `
		> 00A40400 08 F0736F74746F0002 00
		< 6A82
		> 00A40400 06 F0736F74746F 00
		< 6A82
		> 00A40400 00
		< 6A82
		> 00A40402 07 F0736F74746F00 00
		< 6A86
		> 00A40000 02 3F00 00
		< 6A86
		> 00A4040C 07 F0736F74746F00
		< 9000
		> 00A40400 07 A0000003330101 00
		< 6A82
		> 00DA0100 01 61 00
		< 72653A2061 9000
		> 00DA0101 01 61
		< 6A86
		> 00DA0100
		< 6700
		> 10DA0100
		< 6700
		> 00CA0100 00
		< 6D00
		> 10B00000 01 61
		< 6884
		> 80DA0100 01 61
		< 6E00
		> 20DA0100 01 61
		< 6E00
		> FFCA0000 00
		< 6E00
		> 01DA0100 01 61
		< 6881
		> 41DA0100 01 61
		< 6881
		> 04DA0100 01 61
		< 6882
		> 0CDA0100 01 61
		< 6882
		> 00DA0100 05 61
		< 6700
		> 00DA
		< 6700`,
}

func TestStories(t *testing.T) {
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			c := nfc.NewCard(cardID, echo(), seeded())
			c.Reset(link.Contactless)
			var got []byte
			for line := range strings.Lines(story) {
				text := strings.TrimSpace(line)
				switch kind, rest, _ := strings.Cut(text, " "); kind {
				case "reset":
					c.Reset(link.Contactless)
				case ">":
					got = c.Transmit(unhex(t, rest))
				case "<":
					if !matches(t, got, rest) {
						t.Errorf("got %X, want %s", got, rest)
					}
				}
			}
		})
	}
}

// matches compares with hexadecimal in which … stands for any bytes.
func matches(t *testing.T, got []byte, want string) bool {
	t.Helper()
	head, tail, open := strings.Cut(want, "…")
	if !open {
		return bytes.Equal(got, unhex(t, want))
	}
	return bytes.HasPrefix(got, unhex(t, head)) && bytes.HasSuffix(got, unhex(t, tail))
}

// Messages as long as may be, chained in any way, or in one extended command;
// one byte more is refused.
func TestLongest(t *testing.T) {
	var got int
	c := nfc.NewCard(cardID, link.HandlerFunc(func(m []byte) []byte { got = len(m); return []byte{1} }), seeded())
	send := func(command string, data []byte, extended bool) []byte {
		b := unhex(t, command)
		if extended {
			b = append(b, 0, byte(len(data)>>8))
		}
		return c.Transmit(append(append(b, byte(len(data))), data...))
	}
	for _, size := range []int{255, 254, 7} {
		for _, length := range []int{link.MessageMax, link.MessageMax + 1} {
			c.Reset(link.Contactless)
			send("00A4040C", unhex(t, "F0736F74746F00"), false)
			got = 0
			rest := make([]byte, length)
			for len(rest) > size {
				send("10DA0100", rest[:size], false)
				rest = rest[size:]
			}
			answer := send("00DA0100", rest, false)
			if length == link.MessageMax && (got != length || !bytes.Equal(answer, []byte{0x61, 1})) ||
				length > link.MessageMax && (got != 0 || !bytes.Equal(answer, []byte{0x67, 0})) {
				t.Errorf("%d bytes by %d: %d were handled, answer %X", length, size, got, answer)
			}
		}
	}
	for _, length := range []int{link.MessageMax, link.MessageMax + 1} {
		got = 0
		send("00DA0100", make([]byte, length), true)
		if (got == length) != (length == link.MessageMax) {
			t.Errorf("%d bytes in one: %d were handled", length, got)
		}
	}
}

// What the card says when it is selected never comes twice, and tells nothing to
// those who do not know the card.
func TestSelectFollowsNobody(t *testing.T) {
	random := seeded()
	seen := map[string]bool{}
	for _, id := range []string{cardID, "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0X"} {
		c := nfc.NewCard(id, echo(), random)
		for range 50 {
			c.Reset(link.Contactless)
			r := c.Transmit(unhex(t, "00A40400 07 F0736F74746F00 00"))
			if !matches(t, r, fci+"… 9000") || len(r) != 35+2 {
				t.Fatalf("got %X", r)
			}
			said := r[len(r)-2-frame.SignSize : len(r)-2]
			if seen[string(said)] || bytes.Contains(r, []byte(id)) {
				t.Errorf("%X", said)
			}
			seen[string(said)] = true
			if !frame.Sign(said).Of(id) {
				t.Error("the phone does not know its own card")
			}
		}
	}
}

// A card without random numbers does not say who it is, and does not come twice
// with the same words.
func TestNoRandomness(t *testing.T) {
	c := nfc.NewCard(cardID, echo(), bytes.NewReader(nil))
	c.Reset(link.Contactless)
	if r := c.Transmit(unhex(t, "00A40400 07 F0736F74746F00 00")); !bytes.Equal(r, []byte{0x6F, 0}) {
		t.Errorf("got %X", r)
	}
	if r := c.Transmit(unhex(t, "00DA0100 01 61")); !bytes.Equal(r, []byte{0x69, 0x85}) {
		t.Errorf("got %X", r)
	}
}

func TestSilentCard(t *testing.T) {
	c := nfc.NewCard(cardID, link.HandlerFunc(func([]byte) []byte { return nil }), seeded())
	c.Reset(link.Contactless)
	c.Transmit(unhex(t, "00A4040C 07 F0736F74746F00"))
	if r := c.Transmit(unhex(t, "00DA0100 01 61")); !bytes.Equal(r, []byte{0x6F, 0}) {
		t.Errorf("got %X", r)
	}
}

// Whatever a reader says, the chip answers with a status, and hands over nothing
// but what came whole after SELECT.
func FuzzCard(f *testing.F) {
	for _, story := range stories {
		var b []byte
		for line := range strings.Lines(story) {
			if command, ok := strings.CutPrefix(strings.TrimSpace(line), "> "); ok {
				apdu := unhex(f, command)
				b = append(append(b, byte(len(apdu))), apdu...)
			}
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		handled := 0
		c := nfc.NewCard(cardID, link.HandlerFunc(func(m []byte) []byte {
			if handled++; len(m) == 0 || len(m) > link.MessageMax {
				t.Fatalf("a message of %d bytes", len(m))
			}
			return m
		}), seeded())
		c.Reset(link.Contactless)
		selected := false
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			command := b[1 : 1+n]
			b = b[1+n:]
			selected = selected || bytes.Contains(command, unhex(t, "F0736F74746F00"))
			r := c.Transmit(bytes.Clone(command))
			if len(r) < 2 || r[len(r)-2] < 0x61 {
				t.Fatalf("%X is no response", r)
			}
		}
		if handled > 0 && !selected {
			t.Error("a message without SELECT")
		}
	})
}

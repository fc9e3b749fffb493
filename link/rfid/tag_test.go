package rfid

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sotto/link"
	"sotto/link/frame"
)

const cardID = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"

func seeded() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{1}) }

func echo() link.Handler {
	return link.HandlerFunc(func(m []byte) []byte { return append([]byte("re: "), m...) })
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a tag says to requests that follow each other; E0 02 00 00 00 12 34 56 is
// its UID. Without a response it is silent. The CRC is added and checked.
var stories = map[string][][2]string{
	"inventory": {
		{"26 01 00", "00 00 563412 000000 02E0"},
		{"26 01 04 06", "00 00 563412 000000 02E0"},
		{"26 01 04 05", ""},
		{"26 01 40 563412 000000 02E0", "00 00 563412 000000 02E0"},
		{"26 01 40 573412 000000 02E0", ""},
		{"26 01 41 563412 000000 02E0 00", ""}, // a mask longer than a UID
		{"26 01 04", ""},                       // its bits are missing
		{"06 01 00", ""},                       // 16 slots
		{"36 01 00 00", ""},                    // an application family
	},
	"stay quiet": {
		{"02 02", ""}, // to everyone: not allowed
		{"26 01 00", "00 00 563412 000000 02E0"},
		{"22 02 563412 000000 02E0", ""},
		{"26 01 00", ""},
		{"02 AD 02 0D", ""},
		{"22 AD 02 563412 000000 02E0 0D", "00 00"},
		{"22 26 563412 000000 02E0", "00"},
		{"26 01 00", "00 00 563412 000000 02E0"},
	},
	"the mailbox is off": {
		{"02 AD 02 0D", "00 00"},
		{"02 AA 02 00 61", "01 0F"},
		{"02 AB 02", "01 0F"},
		{"02 AC 02 00 00", "01 0F"},
		{"02 AE 02 0D 01", "00"},
		{"02 AD 02 0D", "00 01"},
		{"02 AB 02", "01 0F"}, // nothing in it
		{"02 AE 02 0D 00", "00"},
		{"02 AD 02 0D", "00 00"},
	},
	"what is refused": {
		{"02 20 00", "01 01"},
		{"02 B3 02 00", "01 01"},
		{"42 26", "01 03"},
		{"02 AD 02", "01 02"},
		{"02 AD 02 0D 00", "01 02"},
		{"02 AE 02 0D", "01 02"},
		{"02 AD 02 00", "01 0F"},
		{"02 AA 02", "01 02"},
		{"02 AA 02 05 61", "01 02"},
		{"02 AC 02 00", "01 02"},
		{"02 AD 07 0D", ""},                    // another manufacturer's command
		{"22 AD 02 573412 000000 02E0 0D", ""}, // another's UID
		{"12 AD 02 0D", ""},                    // to the one that was selected
		{"03 AD 02 0D", ""},                    // two subcarriers
		{"0A AD 02 0D", ""},                    // an extension of the protocol
		{"22 AD 02 5634", ""},                  // half a UID
		{"02", ""},                             // half a request
		{"", ""},                               // none
		{"22 AD 02 563412 000000 02E0 0D", "00 00"},
	},
	"a message and its answer": {
		{"02 AE 02 0D 01", "00"},
		{"02 AA 02 0C 39 00 0003 00010001 616263 89BF", "00"},
		// The card's processor has answered already.
		{"02 AD 02 0D", "00 43"},
		{"02 AA 02 00 00", "01 0F"}, // not before that was read
		{"02 AB 02", "00 10"},
		{"02 AC 02 00 03", "00 3A000007"},
		{"02 AD 02 0D", "00 43"},
		{"02 AC 02 04 0C", "00 0001000172653A20616263 94C7"},
		{"02 AD 02 0D", "00 41"}, // read to its end
		{"02 AC 02 00 00", "00 3A0000070001000172653A20616263 94C7"},
		{"02 AC 02 04 0D", "01 0F"}, // beyond its end
		{"02 AA 02 00 00", "00"},    // who is there
		{"02 AD 02 0D", "00 43"},
		{"02 AE 02 0D 00", "00"},
		{"02 AE 02 0D 01", "00"},
		{"02 AC 02 00 00", "01 0F"},
	},
}

func TestStories(t *testing.T) {
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			card := NewCard(CardConfig{ID: cardID, UID: NewUID(0x123456), Handler: echo(), Random: seeded()})
			for _, step := range story {
				got := card.Answer(appendCRC(unhex(t, step[0])))
				want := unhex(t, step[1])
				if len(want) > 0 {
					want = appendCRC(want)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s: got % X, want %s", step[0], got, step[1])
				}
			}
		})
	}
}

// The frame of the standard's own example of a CRC, and a bit of it wrong.
func TestDamagedFrames(t *testing.T) {
	card := NewCard(CardConfig{ID: cardID, UID: NewUID(1), Handler: echo(), Random: seeded()})
	good := appendCRC([]byte{0x26, 0x01, 0x00})
	if want := unhex(t, "260100 F60A"); !bytes.Equal(good, want) {
		t.Errorf("got % X, want % X", good, want)
	}
	if card.Answer(good) == nil {
		t.Error("no answer to a good frame")
	}
	for i := range 8 * len(good) {
		bad := slices.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		if got := card.Answer(bad); got != nil {
			t.Errorf("bit %d: got % X", i, got)
		}
	}
	for _, b := range [][]byte{nil, {1}, {1, 2}} {
		if got := card.Answer(b); got != nil {
			t.Errorf("% X: got % X", b, got)
		}
	}
}

func TestMasks(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		u := NewUID(random.Uint64())
		m := mask{}
		for m.bits < 8*UIDSize {
			if !m.covers(u) {
				t.Fatalf("%v does not cover %X", m, u)
			}
			back, ok := parseMask(m.params())
			if !ok || back != m {
				t.Fatalf("%v: got %v, %v", m, back, ok)
			}
			zero, one := m.halves()
			if zero.covers(u) == one.covers(u) {
				t.Fatalf("%v and %v: %X is in both or none", zero, one, u)
			}
			if m = zero; !m.covers(u) {
				m = one
			}
		}
		if m.value != u {
			t.Fatalf("got %X, want %X", m.value, u)
		}
	}
}

// Whatever is on the air, the tag answers with a frame or not at all, and hands
// over nothing above what a link carries.
func FuzzAnswer(f *testing.F) {
	for _, story := range stories {
		var b []byte
		for _, step := range story {
			q := unhex(f, step[0])
			b = append(append(b, byte(len(q))), q...)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		card := NewCard(CardConfig{ID: cardID, UID: NewUID(0x123456), Random: seeded(), Handler: link.HandlerFunc(func(m []byte) []byte {
			if len(m) == 0 || len(m) > link.MessageMax {
				t.Fatalf("a message of %d bytes", len(m))
			}
			return m
		})})
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			got := card.Answer(appendCRC(b[1 : 1+n]))
			b = b[1+n:]
			if got == nil {
				continue
			}
			r, intact := checked(got)
			if !intact || len(r) < 1 || len(r) > responseMax || r[0] > errorFlag || r[0] == errorFlag && len(r) != 2 {
				t.Fatalf("% X is no response", got)
			}
		}
	})
}

// Whatever a tag says, the reader's side takes it or refuses it.
func FuzzParseResponse(f *testing.F) {
	f.Add([]byte{0, 1, 2})
	f.Add([]byte{1, 0x0F})
	f.Fuzz(func(t *testing.T, b []byte) {
		data, err := parseResponse(b)
		if err == nil && len(data) != len(b)-1 {
			t.Errorf("% X: got % X", b, data)
		}
	})
}

// A battery that was pulled takes the mailbox and half a message along.
func TestPower(t *testing.T) {
	card := NewCard(CardConfig{ID: cardID, UID: NewUID(1), Handler: echo(), Random: seeded()})
	say := func(request, want string) {
		t.Helper()
		if got := card.Answer(appendCRC(unhex(t, request))); !bytes.Equal(got, appendCRC(unhex(t, want))) {
			t.Errorf("%s: got % X, want %s", request, got, want)
		}
	}
	piece := func(frame string) {
		t.Helper()
		say("02 AA 02 0B "+frame+checkOf(t, frame), "00")
	}
	say("02 AE 02 0D 01", "00")
	piece("21 00 0004 00010001 6162")
	say("02 AA 02 00 00", "00") // who is there: its answer waits
	card.Power()
	say("02 AD 02 0D", "00 00")
	say("02 AE 02 0D 01", "00")
	say("02 AC 02 00 00", "01 0F")
	piece("31 01 0004 00010001 6364")
	say("02 AD 02 0D", "00 81") // it was joined with nothing, and so not answered
	piece("21 00 0004 00010001 6162")
	say("02 AD 02 0D", "00 43")
}

// checkOf is the CRC of a frame, as text.
func checkOf(t *testing.T, s string) string {
	t.Helper()
	b := appendCRC(unhex(t, s))
	return hex.EncodeToString(b[len(b)-2:])
}

func TestSignOnAir(t *testing.T) {
	card := NewCard(CardConfig{ID: cardID, UID: NewUID(1), Handler: echo(), Random: seeded()})
	said := map[string]bool{}
	for range 5 {
		for _, q := range []string{"02 AE 02 0D 01", "02 AA 02 00 00"} {
			card.Answer(appendCRC(unhex(t, q)))
		}
		b, _ := checked(card.Answer(appendCRC(unhex(t, "02 AC 02 00 00"))))
		if len(b) != 2+frame.SignSize || b[1] != who || !frame.Sign(b[2:]).Of(cardID) || said[string(b)] {
			t.Errorf("got % X", b)
		}
		said[string(b)] = true
	}
	mute := NewCard(CardConfig{ID: cardID, UID: NewUID(1), Handler: echo(), Random: bytes.NewReader(nil)})
	for _, q := range []string{"02 AE 02 0D 01", "02 AA 02 00 00"} {
		mute.Answer(appendCRC(unhex(t, q)))
	}
	if got := mute.tag.state; got != readerCurrent {
		t.Errorf("without random numbers: state %X", got)
	}
}

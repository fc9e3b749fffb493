package ble

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sotto/ident"
	"sotto/link"
	"sotto/link/frame"
)

// What docs/protocol/ble.md says in bytes and numbers is what the code does.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/protocol/ble.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, line := range slices.Concat(uuidLines(), vectorLines(t), limitLines(), airLines(t), exampleLines()) {
		if !slices.Contains(lines, line) {
			t.Errorf("docs/protocol/ble.md does not have\n%s", line)
		}
	}
}

func uuidLines() []string {
	return []string{
		"| `" + ServiceUUID + "` | the service | | |",
		"| `" + MessageUUID + "` | Message | written, with response | a frame to the card |",
		"| `" + AnswerUUID + "` | Answer | indicated | a frame from the card |",
		"| `" + InfoUUID + "` | Info | read, written | read: Info; written: the knock |",
	}
}

func vectorLines(t *testing.T) []string {
	t.Helper()
	const card = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"
	raw, err := ident.Parse(ident.Card, card)
	if err != nil {
		t.Fatal(err)
	}
	m := markOf(raw)
	info := Info{FrameMax: FrameMax, Challenge: [challengeSize]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	b := info.Append(nil)
	h := m.hint([randomSize]byte{1, 2, 3})
	return []string{
		fmt.Sprintf("| `%s` | `%X` | `%X %X` |", card, h[:randomSize], h[:randomSize], h[randomSize:]),
		fmt.Sprintf("| `%s` | `%X %X %X` | `%X` |", card, b[:1], b[1:3], b[3:], m.knock(info.Challenge)),
	}
}

func limitLines() []string {
	in := func(d time.Duration, unit time.Duration) int { return int(d / unit) }
	return []string{
		fmt.Sprintf("| phones that have knocked, at a time | %d |", placesMax),
		fmt.Sprintf("| phones that are connected, at a time | %d |", visitorsMax),
		fmt.Sprintf("| wrong knocks, then the card hangs up | %d |", knocksMax),
		fmt.Sprintf("| until the knock, then the card hangs up | %d s |", in(strangerMax, time.Second)),
		fmt.Sprintf("| between two frames of a phone, then the card hangs up | %d s |", in(idleMax, time.Second)),
		fmt.Sprintf("| one hint | %d to %d min |", in(hintMax-hintMax/3, time.Minute), in(hintMax, time.Minute)),
		fmt.Sprintf("| one exchange of a phone | %d s |", in(exchangeMax, time.Second)),
		fmt.Sprintf("| a phone's connection without an exchange | %d s |", in(keepMax, time.Second)),
		fmt.Sprintf("| pairing | %d s |", in(pairMax, time.Second)),
		fmt.Sprintf("| no pairing after one that failed | %d min |", in(unpairMax, time.Minute)),
		fmt.Sprintf("| not to an address where the hint was wrong | %d min |", in(strangeMax, time.Minute)),
	}
}

// airLines count what an exchange puts on the air, over a connection that is there.
func airLines(t *testing.T) (lines []string) {
	t.Helper()
	const message, receipt = 216, 54
	for _, mtu := range []int{23, 65, 185, 247, 517} {
		synctest.Test(t, func(t *testing.T) {
			p := &fakePeripheral{air: &air{}}
			serve(t, p, thisID, link.HandlerFunc(func([]byte) []byte { return make([]byte, receipt) }))
			f := &fakeCentral{air: p.air, mtu: mtu}
			var there []int
			f.write = func(_ int, c *fakeConn, cross func() error) error {
				there = append(there, len(c.last))
				return cross()
			}
			if _, err := reach(t, f, 1).Exchange(t.Context(), this, make([]byte, message)); err != nil {
				t.Fatal(err)
			}
			all := 0
			for _, n := range slices.Concat(there, p.session().sizes) {
				all += attBytes(n)
			}
			lines = append(lines, fmt.Sprintf("| %d | %d, %d | %d | %.2f |",
				mtu, len(there), len(p.session().sizes), all, float64(all)/message))
		})
	}
	return lines
}

// attBytes is a frame of this size in a write request with its response, or in an
// indication with its confirmation, each in L2CAP (Core 5.4, Vol 3, Part F, 3.4 and
// Part A, 3.1).
func attBytes(frame int) int {
	const l2cap, request, response = 4, 3, 1
	return l2cap + request + frame + l2cap + response
}

// exampleLines are the packets of a short exchange.
func exampleLines() (lines []string) {
	c := frame.Config{Size: FrameSize(mtuMin)}
	s := frame.NewSender(c, frame.NewID(0x1234, 1), []byte("0123456789ABCDEF"))
	r := frame.NewReceiver(c)
	line := func(who, head string, f []byte) {
		lines = append(lines, fmt.Sprintf("%-6s %s %X %X %X %X %X", who, head, f[:1], f[1:2], f[2:4], f[4:8], f[8:]))
	}
	for range 2 {
		f, _ := s.Next(time.Unix(0, 0), nil)
		line("phone", "12 3F00", f)
		if r.Receive(time.Unix(0, 0), f) != nil {
			r.Answer(time.Unix(0, 0), []byte("then"))
		}
	}
	f, _ := r.Next(nil)
	line("card", "1D 4100", bytes.Clone(f))
	return lines
}

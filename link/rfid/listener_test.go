package rfid

import (
	"bytes"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"sotto/link"
	"sotto/link/frame"
)

// Who listens to a delivery hears who is asked, and the message and the answer
// in frames.
func TestListener(t *testing.T) {
	var l Listener
	var names []string
	var pieces, asks int
	f := NewField(FieldConfig{Carry: func(toTag bool, b []byte) (time.Duration, bool) {
		h := l.Hear(toTag, b)
		names = append(names, h.Command)
		if h.Asks() {
			asks++
		}
		if g, ok := frame.Look(h.Mailbox, true); ok && g.Piece {
			pieces++
		}
		return 0, false
	}})
	echo := link.HandlerFunc(func(m []byte) []byte { return m })
	f.Put(NewCard(CardConfig{ID: "card", UID: NewUID(1), Handler: echo, Random: rand.Reader}), 0)
	message := bytes.Repeat([]byte{7}, 300)
	answer, err := NewReach(f, Config{}).Exchange(t.Context(), "card", message)
	if err != nil || !bytes.Equal(answer, message) {
		t.Fatalf("got %d bytes, %v", len(answer), err)
	}
	if asks != 2 || pieces != 4 {
		t.Errorf("heard %d times who it is, and %d pieces; want 2 and 4", asks, pieces)
	}
	for _, want := range []string{"Inventory", "Write Register", "Write Message", "Read Message", "Read Register", "Read Message Length"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in %q", want, names)
		}
	}
	if slices.Contains(names, "") {
		t.Errorf("not all was understood: %q", names)
	}
}

func TestListenerHearsNoise(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing": nil, "damaged": {2, 1, 0, 0, 0}, "empty": appendCRC(nil), "another's command": appendCRC([]byte{2, cmdReadMessage, 7}),
		"unknown": appendCRC([]byte{2, 0x77}),
	} {
		if got := new(Listener).Hear(true, b); got.Command != "" || got.Mailbox != nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	if got := new(Listener).Hear(false, appendCRC([]byte{0, 1})); got.Command != "" || got.Mailbox != nil {
		t.Errorf("an answer to nothing: got %+v", got)
	}
}

func FuzzListener(f *testing.F) {
	f.Add([]byte{0x22, cmdWriteMessage, manufacturer, 1, 2, 3, 4, 5, 6, 7, 8, 0, who}, []byte{0})
	f.Add([]byte{0x22, cmdReadMessage, manufacturer, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0}, []byte{0, who, 1, 2})
	f.Fuzz(func(t *testing.T, request, response []byte) {
		var l Listener
		asked := l.Hear(true, appendCRC(request))
		answer := l.Hear(false, appendCRC(response))
		if asked.Command != answer.Command || len(asked.Mailbox) > len(request) || len(answer.Mailbox) > len(response) {
			t.Errorf("asked %+v, answered %+v", asked, answer)
		}
	})
}

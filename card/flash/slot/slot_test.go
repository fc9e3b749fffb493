package slot_test

import (
	"bytes"
	"errors"
	"testing"

	"sotto/card/flash/slot"
)

// A slot is found at the beginning of a page whatever follows it, and nowhere
// when any bit of it has turned.
func TestSlotOfAPage(t *testing.T) {
	payload := []byte("all that a card knows")
	image := slot.Append(nil, 7, payload)
	for _, rest := range []int{0, 1, 4000} {
		page := append(bytes.Clone(image), bytes.Repeat([]byte{0xFF}, rest)...)
		sequence, got, err := slot.Parse(slot.Of(page))
		if err != nil || sequence != 7 || !bytes.Equal(got, payload) {
			t.Errorf("%d bytes behind: got %d, %q, %v", rest, sequence, got, err)
		}
	}
	for i := range 8 * len(image) {
		page := append(bytes.Clone(image), bytes.Repeat([]byte{0xFF}, 100)...)
		page[i/8] ^= 1 << (i % 8)
		if _, _, err := slot.Parse(slot.Of(page)); !errors.Is(err, slot.ErrDamaged) {
			t.Fatalf("bit %d turned: got %v", i, err)
		}
	}
	for _, page := range [][]byte{nil, image[:10], bytes.Repeat([]byte{0xFF}, 4096), make([]byte, 4096)} {
		if _, _, err := slot.Parse(slot.Of(page)); !errors.Is(err, slot.ErrDamaged) {
			t.Errorf("a page of %d bytes with no slot: got %v", len(page), err)
		}
	}
}

func TestAppendNeedsNoMoreThanItsRoom(t *testing.T) {
	room, payload := make([]byte, 0, slot.Max), make([]byte, slot.PayloadMax)
	if n := testing.AllocsPerRun(10, func() { slot.Append(room, 1, payload) }); n != 0 {
		t.Errorf("got %.0f allocations", n)
	}
}

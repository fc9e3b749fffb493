package flash

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"sotto/card/flash/slot"
)

func FuzzParseSlot(f *testing.F) {
	older, newer := twoSlots()
	f.Add(older)
	f.Add(newer)
	f.Fuzz(func(t *testing.T, image []byte) {
		sequence, payload, err := slot.Parse(image)
		if err == nil && !bytes.Equal(slotImage(sequence, payload), image) {
			t.Error("a slot has two forms")
		}
	})
}

func BenchmarkSave(b *testing.B) {
	s, err := Create(b.TempDir(), before)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Save(before); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "card")
	if err != nil {
		return
	}
	defer os.RemoveAll(dir)
	s, _ := Create(dir, []byte("all that a card knows"))
	s.Close()
	s, payload, _ := Open(dir)
	defer s.Close()
	fmt.Printf("%s\n", payload)
	// Output: all that a card knows
}

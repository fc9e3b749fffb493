package flash

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"sotto/card/flash/slot"
)

var (
	before = bytes.Repeat([]byte("before "), 30)
	after  = bytes.Repeat([]byte("afterwards "), 25) // longer, so that it grows the file
)

// What a slot begins with (package slot).
const magic, version = "sotcard", 1

// twoSlots are the images of a card that was saved twice, older one first.
func twoSlots() (older, newer []byte) { return slotImage(7, before), slotImage(8, after) }

func slotImage(sequence uint64, payload []byte) []byte { return slot.Append(nil, sequence, payload) }

func writeSlots(t testing.TB, dir string, images ...[]byte) {
	t.Helper()
	for i, image := range images {
		if err := os.WriteFile(slotPath(dir, i), image, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// read opens dir, closes it and returns what was found.
func read(t testing.TB, dir string) ([]byte, error) {
	t.Helper()
	s, payload, err := Open(dir)
	if err == nil {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return payload, err
}

func TestSavedIsFoundAgain(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, []byte("memory 0"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		want := []byte{byte(i), 1, 2, 3}
		if err := s.Save(want); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		var got []byte
		if s, got, err = Open(dir); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("after save %d: got %x, %v; want %x", i, got, err, want)
		}
	}
	s.Close()
}

// The first save after Open goes over the older slot: whatever becomes of that
// write, the newest memory is still there.
func TestSaveSparesTheNewestSlot(t *testing.T) {
	older, newer := twoSlots()
	for i, images := range [][][]byte{{newer, older}, {older, newer}} {
		dir := t.TempDir()
		writeSlots(t, dir, images...)
		s, _, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Save([]byte("third")); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if got, err := os.ReadFile(slotPath(dir, i)); err != nil || !bytes.Equal(got, newer) {
			t.Errorf("slot %d: the newest was overwritten, %v", i, err)
		}
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, before)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	for i := range 2 {
		info, err := os.Stat(slotPath(dir, i))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("mode of slot %d: got %o, want 600", i, got)
		}
	}
	if err := os.Chmod(slotPath(dir, 0), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, dir); !errors.Is(err, ErrExposed) {
		t.Errorf("group may read: got %v, want %v", err, ErrExposed)
	}
}

func TestErrorsToBranchOn(t *testing.T) {
	older, newer := twoSlots()
	otherVersion := func(image []byte) []byte {
		image = bytes.Clone(image)
		image[len(magic)] = version + 1
		return resum(image)
	}
	tests := []struct {
		name  string
		slots [][]byte
		want  error
	}{
		{"whole", [][]byte{older, newer}, nil},
		{"nothing there", nil, ErrNone},
		{"one file missing", [][]byte{older}, nil},
		{"both empty", [][]byte{{}, {}}, ErrDamaged},
		{"both garbage", [][]byte{bytes.Repeat([]byte{0xFF}, 300), bytes.Repeat([]byte{0}, 300)}, ErrDamaged},
		{"both oversized", [][]byte{make([]byte, slot.Max+1), make([]byte, 10<<20)}, ErrDamaged},
		{"older is oversized", [][]byte{append(bytes.Clone(older), make([]byte, slot.Max)...), newer}, nil},
		{"both of another version", [][]byte{otherVersion(older), otherVersion(newer)}, ErrVersion},
		{"newer of another version", [][]byte{older, otherVersion(newer)}, ErrVersion},
		{"length lies", [][]byte{lengthOf(older, 3), lengthOf(newer, 1<<31)}, ErrDamaged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeSlots(t, dir, tt.slots...)
			if _, err := read(t, dir); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, before)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := Open(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("open again: got %v, want %v", err, ErrInUse)
	}
	if _, err := Create(dir, after); !errors.Is(err, ErrExists) {
		t.Errorf("create again: got %v, want %v", err, ErrExists)
	}
}

func TestSaveRefusesSizes(t *testing.T) {
	s, err := Create(t.TempDir(), before)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, n := range []int{0, PayloadMax + 1} {
		if err := s.Save(make([]byte, n)); err == nil {
			t.Errorf("save %d bytes: got no error", n)
		}
	}
	if err := s.Save(make([]byte, PayloadMax)); err != nil {
		t.Errorf("save %d bytes: got %v", PayloadMax, err)
	}
}

// A failed save leaves the last good one, and the next save works on the slot
// that failed.
func TestFailedSaveKeepsTheLastGood(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, before)
	if err != nil {
		t.Fatal(err)
	}
	whole := s.slots[s.next]
	broken, err := os.Open(whole.Name()) // read-only: its writes fail
	if err != nil {
		t.Fatal(err)
	}
	s.slots[s.next] = broken
	for range 3 {
		if err := s.Save(after); err == nil {
			t.Fatal("save on a broken slot: got no error")
		}
	}
	s.slots[s.next] = whole
	broken.Close()
	if err := s.Save(after); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if got, err := read(t, dir); err != nil || !bytes.Equal(got, after) {
		t.Errorf("got %q, %v; want the last save", got, err)
	}
}

// The write of a third save is cut at every byte, in the three ways in which a
// file system leaves it: overwritten in part, cut short, or mixed.
func TestTornWriteIsBeforeOrAfter(t *testing.T) {
	older, newer := twoSlots()
	third := slotImage(9, []byte("the third"))
	random := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	torn := func(n int) [][]byte {
		overwritten := append(bytes.Clone(third[:min(n, len(third))]), older[min(n, len(older)):]...)
		mixed := bytes.Clone(older)
		for i := range min(len(third), len(older)) {
			if random.IntN(len(third)) < n {
				mixed[i] = third[i]
			}
		}
		return [][]byte{overwritten, third[:min(n, len(third))], mixed}
	}
	for n := range len(older) + 1 {
		for kind, slot := range torn(n) {
			writeSlots(t, dir, slot, newer)
			got, err := read(t, dir)
			if err != nil {
				t.Fatalf("cut at %d, kind %d: %v", n, kind, err)
			}
			want := after
			if bytes.Equal(slot, third) {
				want = []byte("the third")
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("cut at %d, kind %d: got %q, want %q", n, kind, got, want)
			}
		}
	}
}

func TestBitFlipsAreFound(t *testing.T) {
	older, newer := twoSlots()
	dir := t.TempDir()
	for i := range 2 {
		images := [][]byte{older, newer}
		want := [][]byte{after, before}[i] // the other slot's
		for bit := range 8 * len(images[i]) {
			flipped := bytes.Clone(images[i])
			flipped[bit/8] ^= 1 << (bit % 8)
			if _, _, err := slot.Parse(flipped); !errors.Is(err, ErrDamaged) {
				t.Fatalf("slot %d, bit %d: got %v", i, bit, err)
			}
			if bit%13 != 0 {
				continue // the files are slow
			}
			images := [][]byte{older, newer}
			images[i] = flipped
			writeSlots(t, dir, images...)
			if got, err := read(t, dir); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("slot %d, bit %d: got %q, %v", i, bit, got, err)
			}
		}
	}
}

func resum(image []byte) []byte {
	body := image[:len(image)-32]
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

func lengthOf(image []byte, n uint32) []byte {
	image = bytes.Clone(image)
	at := len(magic) + 1 + 8
	image[at], image[at+1], image[at+2], image[at+3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return resum(image)
}

package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sotto/dyncode"
	"sotto/phone"
	"sotto/secret"
)

const (
	phoneText = "ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0C"
	cardText  = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"
	otherCard = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0X"
	dispatch  = "dsp_01JD3Z9Q8VXK4M2N7T5R6W8Y0D"
)

func fill(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func identity() Identity {
	return Identity{
		Phone: phoneText, Bank: "https://bank.example", Bus: "tls://bank.example:4222", CA: "PEM",
		Seed: secret.New(fill(1)), Key: secret.New(fill(2)), KeySource: [32]byte(fill(3)),
	}
}

func binding() phone.Binding {
	return phone.Binding{
		Active:  phone.Pairing{Dispatch: dispatch, Profile: dyncode.CardSealed, Secret: secret.New(fill(4)), Reserved: 1 << 63, ForgetAt: 5},
		Pending: phone.Pairing{Dispatch: dispatch, Profile: dyncode.Plain, Secret: secret.New(fill(6)), Reserved: 7},
	}
}

// enrolled is a folder with a phone and one card in it.
func enrolled(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "phone")
	v, err := Prepare(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(v.Enrol(identity()), v.Save(cardText, binding()), v.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func samePairing(a, b phone.Pairing) bool {
	return a.Dispatch == b.Dispatch && a.Profile == b.Profile && a.Secret.Equal(b.Secret) &&
		a.Reserved == b.Reserved && a.ForgetAt == b.ForgetAt
}

func sameIdentity(a, b Identity) bool {
	return a.Phone == b.Phone && a.Bank == b.Bank && a.Bus == b.Bus && a.CA == b.CA &&
		a.Seed.Equal(b.Seed) && a.Key.Equal(b.Key) && a.KeySource == b.KeySource
}

func TestKeepsAndForgets(t *testing.T) {
	dir := enrolled(t)
	v, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if !sameIdentity(v.Identity(), identity()) {
		t.Error("the identity has changed")
	}
	got, err := v.Bindings()
	if err != nil || len(got) != 1 {
		t.Fatalf("%d cards (%v), want 1", len(got), err)
	}
	if b, want := got[cardText], binding(); !samePairing(b.Active, want.Active) || !samePairing(b.Pending, want.Pending) {
		t.Error("the binding has changed")
	}
	peeked, bindings, err := Peek(dir) // while the folder is in use
	if err != nil || !sameIdentity(peeked, identity()) || len(bindings) != 1 {
		t.Errorf("Peek has %d cards (%v), want the same phone and 1", len(bindings), err)
	}
	for range 2 { // the second time it is gone already
		if err := v.Save(cardText, phone.Binding{}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := v.Bindings(); err != nil || len(got) != 0 {
		t.Errorf("%d cards (%v), want none", len(got), err)
	}
	if err := v.Save("../escape", binding()); err == nil {
		t.Error("a card with a path for an id was kept")
	}
}

// The folder is closed to others from its making on.
func TestModes(t *testing.T) {
	dir := enrolled(t)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What cannot be used is refused with the next step.
func TestRefusals(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(dir string) error
		want  string
	}{
		{"folder open to others", func(dir string) error { return os.Chmod(dir, 0o750) }, "run 'chmod 700 DIR'"},
		{"identity open to others", func(dir string) error { return os.Chmod(dir+"/identity", 0o604) }, "run 'chmod 600 DIR/identity'"},
		{"card open to others", func(dir string) error { return os.Chmod(dir+"/"+cardText, 0o640) }, "run 'chmod 600 DIR/" + cardText + "'"},
		{"no folder", func(dir string) error { return os.RemoveAll(dir) }, "run 'sotto phone enrol --state DIR --ticket TICKET'"},
		{"no phone", func(dir string) error { return os.Remove(dir + "/identity") }, "run 'sotto phone enrol --state DIR --ticket TICKET'"},
		{"a file for a folder", func(dir string) error {
			return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600))
		}, "choose another with --state"},
		{"a card under another's name", func(dir string) error {
			return os.Rename(dir+"/"+cardText, dir+"/"+otherCard)
		}, "the file speaks of another card: remove the file and bind the card again"},
		{"an empty card", func(dir string) error { return os.WriteFile(dir+"/"+cardText, nil, 0o600) }, "bind the card again"},
		{"an endless card", func(dir string) error { return os.Truncate(dir+"/"+cardText, 1<<30) }, "longer than 65536 bytes"},
		{"a folder for a card", func(dir string) error { return os.Mkdir(dir+"/"+otherCard, 0o700) }, "is not a file"},
		{"a way out", func(dir string) error {
			return errors.Join(os.Rename(dir+"/"+cardText, dir+"/../"+cardText), os.Symlink("../"+cardText, dir+"/"+cardText))
		}, "escapes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := enrolled(t)
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			v, err := Open(dir)
			if err == nil {
				_, err = v.Bindings()
				v.Close()
			}
			want := strings.ReplaceAll(c.want, "DIR", dir)
			if c.want == "run 'sotto phone enrol --state DIR --ticket TICKET'" {
				want = c.want
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to say %q", err, want)
			}
		})
	}
}

// Two processes would use one counter twice.
func TestOneProcessAtATime(t *testing.T) {
	dir := enrolled(t)
	first, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("a second process: %v, want a refusal", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(dir)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	second.Close()
}

func TestEnrolledOnce(t *testing.T) {
	dir := enrolled(t)
	if _, err := Prepare(dir); err == nil || !strings.Contains(err.Error(), "already has a phone") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// A crash in the middle of a write leaves the old file, and its half is tidied.
func TestHalfWritten(t *testing.T) {
	dir := enrolled(t)
	half := filepath.Join(dir, cardText+newSuffix)
	if err := os.WriteFile(half, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, bindings, err := Peek(dir); err != nil || len(bindings) != 1 {
		t.Errorf("Peek has %d cards (%v), want 1", len(bindings), err)
	}
	v, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if got, err := v.Bindings(); err != nil || len(got) != 1 {
		t.Errorf("%d cards (%v), want the old one", len(got), err)
	}
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half is still there (%v)", err)
	}
}

// Cut at any byte, or with any bit changed, a file is refused.
func TestDamage(t *testing.T) {
	id, err := encodeIdentity(identity())
	if err != nil {
		t.Fatal(err)
	}
	card, err := encodeBinding(cardText, binding())
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"identity": id, "card": card} {
		parse := func(b []byte) error {
			if name == "identity" {
				_, err := decodeIdentity(b)
				return err
			}
			_, _, err := decodeBinding(b)
			return err
		}
		if err := parse(file); err != nil {
			t.Fatalf("%s whole: %v", name, err)
		}
		for n := range file {
			if parse(file[:n]) == nil {
				t.Errorf("%s: cut after %d bytes was taken", name, n)
			}
			for bit := range 8 {
				b := bytes.Clone(file)
				b[n] ^= 1 << bit
				if parse(b) == nil {
					t.Errorf("%s: bit %d of byte %d changed was taken", name, bit, n)
				}
			}
		}
		for _, more := range []string{"x", "\n", string(file)} {
			if parse(append(bytes.Clone(file), more...)) == nil {
				t.Errorf("%s: with %d bytes behind it was taken", name, len(more))
			}
		}
	}
}

// With a right checksum too, only what encode writes is a file.
func TestForgery(t *testing.T) {
	file, err := encodeBinding(cardText, binding())
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(file, []byte("\n"))
	whole := string(line)
	change := func(old, fresh string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("the file has no %q", old)
		}
		return strings.Replace(whole, old, fresh, 1)
	}
	cases := []struct {
		name, line string
		want       error
	}{
		{"as it was", whole, nil},
		{"another version", change(`"version":1`, `"version":2`), errVersion},
		{"a version that is none", change(`"version":1`, `"version":"1"`), errDamaged},
		{"no version", change(`"version":1,`, ``), errVersion},
		{"another version with unknown fields", `{"version":2,"later":true}`, errVersion},
		{"an unknown field", change(`{"version":1`, `{"version":1,"more":1`), errDamaged},
		{"a field twice", change(`{"version":1`, `{"version":1,"version":1`), errDamaged},
		{"another case", change(`"card"`, `"Card"`), errDamaged},
		{"blanks", change(`:1,`, `: 1,`), errDamaged},
		{"a number too large", change(`"reserved":7`, `"reserved":18446744073709551616`), errDamaged},
		{"a negative counter", change(`"reserved":7`, `"reserved":-7`), errDamaged},
		{"a text for a number", change(`"reserved":7`, `"reserved":"7"`), errDamaged},
		{"a time before all time", change(`"forget_at":5`, `"forget_at":-5`), errDamaged},
		{"a short secret", change(strings.Repeat("BAQE", 10)+"BAQ=", "BAQE"), errDamaged},
		{"an unknown profile", change("card-sealed", "card-opened"), errDamaged},
		{"a dispatch that is none", change(dispatch, "dsp_1"), errDamaged},
		{"a card that is none", change(cardText, "card_1"), errDamaged},
		{"no pairing", fmt.Sprintf(`{"version":1,"card":%q}`, cardText), errDamaged},
		{"null", "null", errVersion},
		{"a list", "[]", errDamaged},
		{"deep", strings.Repeat("[", 20000), errDamaged},
		{"too long", whole + strings.Repeat(" ", fileMax), errDamaged},
	}
	for _, c := range cases {
		sum := sha256.Sum256([]byte(c.line))
		b := []byte(c.line + "\n" + hex.EncodeToString(sum[:]) + "\n")
		if _, _, err := decodeBinding(b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// Secrets do not come out of a vault by printing it or its errors.
func TestNothingPrints(t *testing.T) {
	v, err := Open(enrolled(t))
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	b, err := v.Bindings()
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %v %+v %#v", v, v.Identity(), v.Identity(), b, b, b)
	for _, key := range [][]byte{fill(1), fill(2), fill(4), fill(6)} {
		if strings.Contains(text, string(key)) || strings.Contains(text, fmt.Sprint(key)) || strings.Contains(text, hex.EncodeToString(key)) {
			t.Error("a secret was printed")
		}
	}
}

// FuzzFiles: any bytes are refused, or are just what would be written again.
func FuzzFiles(f *testing.F) {
	id, _ := encodeIdentity(identity())
	card, _ := encodeBinding(cardText, binding())
	f.Add(id)
	f.Add(card)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Once as it is, and once with a right checksum, or nothing gets far.
		line, _, _ := bytes.Cut(b, []byte("\n"))
		sum := sha256.Sum256(line)
		summed := append(append(bytes.Clone(line), '\n'), hex.EncodeToString(sum[:])+"\n"...)
		for _, b := range [][]byte{b, summed} {
			if id, err := decodeIdentity(b); err == nil {
				if again, err := encodeIdentity(id); err != nil || !bytes.Equal(again, b) {
					t.Error("an identity has two forms")
				}
			}
			if card, binding, err := decodeBinding(b); err == nil {
				if again, err := encodeBinding(card, binding); err != nil || !bytes.Equal(again, b) {
					t.Error("a binding has two forms")
				}
			}
		}
	})
}

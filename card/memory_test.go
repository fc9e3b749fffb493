package card

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"sotto/dyncode"
	"sotto/secret"
)

func memories() map[string]Memory {
	pairing := func(n byte) Pairing {
		return Pairing{Phone: raw(n), Secret: secret.New(bytesOf(n, 32)), KeySource: [32]byte(bytesOf(n, 32)), Counter: 1 << 40, Claimed: 3}
	}
	fresh := NewMemory(identity(dyncode.CardSealed))
	used := fresh
	used.BankCounter = 17
	used.Shown = Shown{Result: dyncode.Bound, Message: raw(3), Counter: 17}
	used.Active, used.Pending = pairing(1), pairing(2)
	pendingOnly := fresh
	pendingOnly.Pending = pairing(9)
	spoken := used
	spoken.Presentation = Presentation{Means: ByBoth, Pace: PaceSlow, Times: TimesMax, Spell: true}
	largest := spoken
	largest.Identity.Holder = string(bytesOf('m', dyncode.HolderMax))
	return map[string]Memory{
		"fresh": fresh, "used": used, "spoken": spoken, "pending only": pendingOnly, "largest": largest,
		"plain": NewMemory(identity(dyncode.Plain)),
	}
}

func encode(t testing.TB, m Memory) []byte {
	t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMemoryReadsBack(t *testing.T) {
	for name, m := range memories() {
		b := encode(t, m)
		if len(b) > MemoryMax {
			t.Errorf("%s: %d bytes", name, len(b))
		}
		got, err := ParseMemory(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.BankCounter != m.BankCounter || got.Shown != m.Shown || !got.Active.same(m.Active) ||
			!got.Pending.same(m.Pending) || got.Active.Counter != m.Active.Counter || got.Active.Claimed != m.Active.Claimed ||
			got.Presentation != m.Presentation || got.Identity.Holder != m.Identity.Holder || !got.Identity.Key.Equal(m.Identity.Key) {
			t.Errorf("%s: got another memory", name)
		}
	}
}

// Any bit that turns, and any byte that is missing, is found.
func TestDamagedMemoryIsRefused(t *testing.T) {
	b := encode(t, memories()["used"])
	for i := range 8 * len(b) {
		damaged := bytes.Clone(b)
		damaged[i/8] ^= 1 << (i % 8)
		if _, err := ParseMemory(damaged); err == nil {
			t.Fatalf("bit %d turned: got no error", i)
		}
	}
	for n := range b {
		if _, err := ParseMemory(b[:n]); err == nil {
			t.Fatalf("cut at %d: got no error", n)
		}
	}
	for _, long := range [][]byte{append(bytes.Clone(b), 0), make([]byte, MemoryMax+1)} {
		if _, err := ParseMemory(long); err == nil {
			t.Errorf("%d bytes: got no error", len(long))
		}
	}
}

// What was never on a screen, or is over, is not in flash: no code ever is.
func TestMemoryHoldsNoCode(t *testing.T) {
	d := newDesk(dyncode.CardSealed)
	d.flash.onSave = func(encoded []byte) {
		for _, code := range []string{"314159", "271828", "123456"} {
			if bytes.Contains(encoded, []byte(code)) {
				t.Errorf("code %s is in flash", code)
			}
		}
	}
	p := d.bound(t, 1)
	d.wantReceipt(t, p.seal(raw(9), d.bank.part(raw(9), payment("123456"))), dyncode.Shown)
	if d.device.room != (room{}) {
		t.Error("the room for opening was not wiped")
	}
}

// The form of version 1, byte by byte: cards in the field have it.
func TestMemoryForm(t *testing.T) {
	m := memories()["pending only"]
	got := hex.EncodeToString(encode(t, m))
	want := "ec81ba" + "800101" + "81080000000000000000" +
		"8460" + hexOf(9, 80) + "0000010000000000" + "0000000000000003" +
		"a549" + "eb47" + "800101" + "810101" + "8210" + hexOf(0xCA, 16) + "83074c494e204d4549" + "8402656e" + "8520" + hexOf(0x4B, 32)
	if len(got) < 16 || got[:len(got)-16] != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A presentation is the last object, and not there when it is the display alone.
func TestMemoryFormOfPresentations(t *testing.T) {
	m := memories()["pending only"]
	m.Presentation = Presentation{Means: ByBoth, Pace: PaceFast, Times: 3, Spell: true}
	got := hex.EncodeToString(encode(t, m))
	if want := "8520" + hexOf(0x4B, 32) + "860402020301"; !strings.HasSuffix(got[:len(got)-16], want) {
		t.Errorf("got  %s\nwant the end %s", got, want)
	}
	for _, p := range []Presentation{{Means: 3}, {Pace: 3}, {Times: 10}} {
		m.Presentation = p
		if _, err := m.Append(nil); err == nil {
			t.Errorf("%+v was written", p)
		}
	}
	for _, b := range []string{"\x00\x00\x00\x00", "\x03\x00\x00\x00", "\x00\x03\x00\x00", "\x00\x00\x0a\x00", "\x00\x00\x00\x02", "\x01\x00\x00"} {
		if p, ok := readPresentation([]byte(b)); ok {
			t.Errorf("% x was read as %+v", b, p)
		}
	}
}

func hexOf(b byte, n int) string { return hex.EncodeToString(bytesOf(b, n)) }

func FuzzParseMemory(f *testing.F) {
	for _, m := range memories() {
		f.Add(encode(f, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMemory(b)
		if err == nil && !bytes.Equal(encode(t, m), b) {
			t.Error("a memory has two forms")
		}
		// Behind the checksum, too.
		if m, ok := readMemory(b); ok {
			_ = encode(t, m)
		}
	})
}

package sim_test

import (
	"encoding/hex"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"sotto/emv"
	"sotto/link"
	"sotto/sim"
	"sotto/sim/bolt"
)

// BenchmarkChoice measures SEND POI INFORMATION on a device with 200 applets:
// 200 credentials unwrapped, 200 accounts decrypted, one chosen, the answer
// written. The last applet is the only one with the money.
func BenchmarkChoice(b *testing.B) {
	store, err := bolt.Create(filepath.Join(b.TempDir(), "sim"), rand.NewChaCha8([32]byte{1}))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	d, err := sim.Open(store, sim.Options{Key: store.Key(), Random: rand.NewChaCha8([32]byte{2}), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	sim.Furnish(b, d, sim.AppletsMax, func(i int) sim.Furnished {
		f := sim.Furnished{Available: 100, TapMax: emv.PurseMax, Currency: emv.Numeric{0x01, 0x56}, Expiry: emv.Date{0x49, 0x12, 0x31}}
		if i == sim.AppletsMax-1 {
			f.Available = 5000
		}
		return f
	})
	d.Reset(link.Contactless)
	d.Transmit([]byte("\x00\xA4\x04\x00\x0E2PAY.SYS.DDF01\x00"))
	spi, err := hex.DecodeString("801A00000A8308000000001234015600")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if answer := d.Transmit(spi); len(answer) < 40 || answer[len(answer)-2] != 0x90 {
			b.Fatalf("% X", answer)
		}
	}
}

// BenchmarkTap measures a whole offline tap of the first reader class, both ends
// of it, on a store in memory: what remains besides the disk.
func BenchmarkTap(b *testing.B) {
	bank := readIssuer()
	w := newWallet(b, bank.profile(sim.Purse, 1, 100_000, nil))
	x := newTill(bank)
	b.ReportAllocs()
	for b.Loop() {
		w.trace, w.facts = nil, nil
		if x.unpredictable == 50_000 { // counters end
			w, x = newWallet(b, bank.profile(sim.Purse, 1, 100_000, nil)), newTill(bank)
		}
		if err := x.pay(w.put(link.Contactless), 1); err != nil {
			b.Fatal(err)
		}
	}
}

package sim

import (
	"testing"

	"sotto/apdu"
	"sotto/emv"
)

// Furnished is an applet that a test wishes to have without personalizing it.
type Furnished struct {
	Available int64
	TapMax    int64
	Currency  emv.Numeric
	Expiry    emv.Date
	Blocked   bool
	ATC       uint16
}

// FurnishedAID is the AID of the applet number i.
func FurnishedAID(i int) []byte { return append([]byte(packageAID), 1, byte(i>>8), byte(i)) }

// Furnish registers applets that can be chosen and nothing else.
func Furnish(t testing.TB, d *Device, n int, furnish func(i int) Furnished) {
	t.Helper()
	r, _ := d.carryOut(func(t *turn) apdu.Response {
		for i := range n {
			f := furnish(i)
			e := entry{aid: FurnishedAID(i), label: "PURSE", kind: Purse, priority: 1, life: lifePersonalized}
			e.assign(t.device.wrap, t.random)
			t.saveEntry(e)
			s, err := e.safe(t.device.wrap)
			if err != nil {
				t.fail(err)
			}
			a := &applet{turn: t, entry: e, safe: s, account: account{
				currency: f.Currency, available: f.Available, most: emv.PurseMax, tapMax: f.TapMax,
				expiry: f.Expiry, blocked: f.Blocked, atc: f.ATC,
			}}
			a.saveAccount()
		}
		return answer(nil)
	})
	if !r.Status.OK() {
		t.Fatal(r.Status)
	}
}

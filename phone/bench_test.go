package phone

import (
	"math/rand/v2"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
)

// BenchmarkCode is one code all the way through a phone: taken, sealed, shown
// by a card that takes no time, reported.
func BenchmarkCode(b *testing.B) {
	for _, p := range []dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed, dyncode.Plain} {
		b.Run(p.String(), func(b *testing.B) {
			told := 0
			now := start
			phone, err := New(Config{
				ID: phoneText, Key: phoneKey, State: inUse(p), Reach: reach(shown), Random: rand.NewChaCha8([32]byte{}),
				Bank: sender(func(bankapi.Report) error { told++; return nil }),
				Now:  func() time.Time { return now },
			})
			if err != nil {
				b.Fatal(err)
			}
			// The same dispatches in turn, more than a phone remembers.
			var wire [2 * doneMax][]byte
			var id [2 * doneMax]string
			for i := range wire {
				id[i] = ident.Make(ident.Dispatch, start.UnixMilli(), [10]byte{byte(i), byte(i >> 8)})
				if wire[i], err = codeDispatch(p, id[i], "123456").Append(nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			sent := 0
			for b.Loop() {
				if err := phone.Dispatch(b.Context(), id[sent%len(id)], wire[sent%len(id)]); err != nil {
					b.Fatal(err)
				}
				phone.Turn(b.Context())
				sent++
			}
			if told != sent {
				b.Errorf("%d reports of %d codes", told, sent)
			}
		})
	}
}

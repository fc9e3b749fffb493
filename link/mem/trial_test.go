package mem_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"sotto/link"
	"sotto/link/best"
	"sotto/link/mem"
	"sotto/link/nfc"
	"sotto/link/rfid"
)

// untilExpiry repeats on one way by the clock of a trial.
func untilExpiry(s mem.Setting, r link.Reach) link.Reach {
	return best.New(best.Config{
		Ways: []best.Way{{Reach: r}}, TryMax: 15 * time.Second,
		Now: s.Clock.Now, Timeout: s.Clock.Timeout, Wait: s.Clock.Wait,
	})
}

// The three links of a trial.
func ble(s mem.Setting) link.Reach {
	return untilExpiry(s, mem.NewWire(s.Radio, 1, s.Card, s.Clock.Waiter()))
}

func near(s mem.Setting) link.Reach {
	field := mem.NewField(s.Radio, nfc.NewCard(mem.TrialCard, s.Card, randomOf(s)), s.Clock.Waiter())
	return untilExpiry(s, nfc.NewReach(field, nfc.Config{Timeout: s.Clock.Timeout, Wait: s.Clock.Wait}))
}

func vicinity(s mem.Setting) link.Reach {
	field := rfid.NewField(rfid.FieldConfig{
		Wait: s.Clock.Wait,
		Carry: func(toTag bool, n int) (time.Duration, bool) {
			if toTag {
				return s.Radio.Cross(mem.ToCard, n)
			}
			return s.Radio.Cross(mem.FromCard, n)
		},
	})
	field.Put(rfid.NewCard(rfid.CardConfig{
		ID: mem.TrialCard, UID: rfid.NewUID(1), Handler: s.Card, Random: randomOf(s), Now: s.Clock.Now,
	}), 0)
	return untilExpiry(s, rfid.NewReach(field, rfid.Config{Now: s.Clock.Now, Timeout: s.Clock.Timeout, Wait: s.Clock.Wait}))
}

func randomOf(s mem.Setting) io.Reader {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(s.Random.Uint32())
	}
	return rand.NewChaCha8(seed)
}

var links = []struct {
	technology mem.Technology
	link       func(mem.Setting) link.Reach
}{{mem.BLE, ble}, {mem.NFC, near}, {mem.RFID, vicinity}}

// 10,000 deliveries over each link at each loss: all of them delivered, or expired
// and said to be. The figures are those of the document.
func TestDeliveries(t *testing.T) {
	doc, err := os.ReadFile("../../docs/protocol/link.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		for _, loss := range []float64{0, 0.05, 0.2} {
			t.Run(fmt.Sprintf("%s/%v", l.technology.Name, loss), func(t *testing.T) {
				t.Parallel()
				o := mem.Trial{Technology: l.technology, Loss: loss, Seed: 1, Link: l.link}.Run()
				if o.Wrong != 0 || o.Delivered != 10_000 {
					t.Errorf("delivered %d, expired %d, wrong %d", o.Delivered, o.Expired, o.Wrong)
				}
				if line := row(o); !strings.Contains(string(doc), line) {
					t.Errorf("docs/protocol/link.md does not have\n%s", line)
				}
			})
		}
	}
}

// row is a line of the document's table.
func row(o mem.Outcome) string {
	ms := func(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }
	return fmt.Sprintf("| %s | %.0f %% | %d | %d | %d | %d | %.0f | %.2f | %d |", o.Technology, 100*o.Loss,
		ms(o.ShownP50), ms(o.ShownP99), ms(o.AnsweredP50), ms(o.AnsweredP99),
		o.AirBytes, o.AirBytes/float64(o.MessageSize), o.Repeated)
}

package bench

import (
	"io"
	"math/rand/v2"
	"time"

	"sotto/link"
	"sotto/link/best"
	"sotto/link/mem"
	"sotto/link/nfc"
	"sotto/link/rfid"
)

// linkWays are the links that are measured. NFC and RFID are the packages
// themselves, on both sides, over the model of their radio. BLE is the frames of
// package frame over that of Bluetooth, with a connection made anew for each
// message.
var linkWays = []struct {
	technology mem.Technology
	reach      func(mem.Setting) link.Reach
}{{mem.BLE, bleWay}, {mem.NFC, nfcWay}, {mem.RFID, rfidWay}}

// untilExpiry repeats on one way by the clock of a trial, as a phone does.
func untilExpiry(s mem.Setting, r link.Reach) link.Reach {
	return best.New(best.Config{
		Ways: []best.Way{{Reach: r}}, TryMax: 15 * time.Second,
		Now: s.Clock.Now, Timeout: s.Clock.Timeout, Wait: s.Clock.Wait,
	})
}

func bleWay(s mem.Setting) link.Reach {
	return untilExpiry(s, mem.NewWire(s.Radio, 1, s.Card, s.Clock.Waiter()))
}

func nfcWay(s mem.Setting) link.Reach {
	field := mem.NewField(s.Radio, nfc.NewCard(mem.TrialCard, s.Card, chaos(s.Random)), s.Clock.Waiter())
	return untilExpiry(s, nfc.NewReach(field, nfc.Config{Timeout: s.Clock.Timeout, Wait: s.Clock.Wait}))
}

func rfidWay(s mem.Setting) link.Reach {
	field := rfid.NewField(rfid.FieldConfig{
		Wait: s.Clock.Wait,
		Carry: func(toTag bool, frame []byte) (time.Duration, bool) {
			if toTag {
				return s.Radio.Carry(mem.ToCard, frame)
			}
			return s.Radio.Carry(mem.FromCard, frame)
		},
	})
	field.Put(rfid.NewCard(rfid.CardConfig{
		ID: mem.TrialCard, UID: rfid.NewUID(1), Handler: s.Card, Random: chaos(s.Random), Now: s.Clock.Now,
	}), 0)
	return untilExpiry(s, rfid.NewReach(field, rfid.Config{Now: s.Clock.Now, Timeout: s.Clock.Timeout, Wait: s.Clock.Wait}))
}

// chaos is bytes for a card's signs.
func chaos(r *rand.Rand) io.Reader {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(r.Uint32())
	}
	return rand.NewChaCha8(seed)
}

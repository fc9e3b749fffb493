package mem

import "time"

// Technology is what a radio does, as far as the model knows it. The values of
// BLE, NFC and RFID follow the standards where these say something, and are those
// of ordinary hardware where not; see docs/protocol/link.md.
type Technology struct {
	Name string

	// ClearMax is how far away a card may be, in metres, without loss from the
	// distance; at RangeMax everything is lost. Between them the loss rises
	// with the square.
	ClearMax, RangeMax float64

	Rate       int // bits per second on the air
	PacketMax  int // bytes of one packet without Overhead
	Overhead   int // bytes around them: preamble, addresses, headers, check
	FindMin    time.Duration
	FindMax    time.Duration // until a card in reach is connected
	WaitMax    time.Duration // before the first packet of a burst, any time up to this
	Gap        time.Duration // before each packet
	RepeatsMax int           // how often the radio itself repeats a lost packet
	RepeatGap  time.Duration // after which it does
}

// Loss is the share of packets that so many metres lose; 1 is out of reach.
func (t Technology) Loss(metres float64) float64 {
	switch {
	case metres >= t.RangeMax:
		return 1
	case metres <= t.ClearMax:
		return 0
	}
	x := (metres - t.ClearMax) / (t.RangeMax - t.ClearMax)
	return x * x
}

// BLE is Bluetooth Low Energy with the 1 Mbit/s PHY, packets of 251 bytes, and a
// connection interval of 30 ms (Bluetooth Core 5.4, Vol 6, Part B). A packet that
// is lost is repeated in the next interval, by the link layer, until the
// supervision timeout of 1 s ends the connection.
var BLE = Technology{
	Name: "ble", ClearMax: 10, RangeMax: 30,
	Rate:      1_000_000,
	PacketMax: 244,                              // of a value: less L2CAP 4 and ATT 3
	Overhead:  1 + 4 + 2 + 4 + 3 + 3 + (10 + 0), // and the empty packet that acknowledges
	FindMin:   150 * time.Millisecond, FindMax: 600 * time.Millisecond,
	WaitMax: 30 * time.Millisecond, Gap: 300 * time.Microsecond,
	RepeatsMax: 33, RepeatGap: 30 * time.Millisecond,
}

// NFC is ISO/IEC 14443 type A at 106 kbit/s with blocks of 256 bytes, through a
// reader that asks twice for a block that was damaged (ISO/IEC 14443-4:2018,
// 7.5.5) after the default frame waiting time.
var NFC = Technology{
	Name: "nfc", ClearMax: 0.03, RangeMax: 0.05,
	Rate:      106_000 * 8 / 9, // a parity bit for each byte
	PacketMax: 253, Overhead: 1 + 2,
	FindMin: 5 * time.Millisecond, FindMax: 25 * time.Millisecond,
	WaitMax: 2 * time.Millisecond, Gap: time.Millisecond,
	RepeatsMax: 2, RepeatGap: 4800 * time.Microsecond,
}

// RFID is ISO/IEC 15693 at 26.48 kbit/s either way, one out of four and one
// subcarrier. Nothing repeats by itself. A packet is a whole request or response.
var RFID = Technology{
	Name: "rfid", ClearMax: 0.3, RangeMax: 0.7,
	Rate:      26_480,
	PacketMax: 300,                    // the largest there is has its own flags and check inside
	Gap:       433 * time.Microsecond, // SOF, EOF and t1
}

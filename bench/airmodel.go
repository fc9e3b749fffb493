package bench

// The air as ISO/IEC 14443 describes it, for type A at 106 kbit/s in both
// directions. All times are counted in periods of the carrier, of which there
// are 13.56 million a second: 13.56 are a microsecond.
//
//   - A bit takes one elementary time unit, 128 periods or 9.44 µs (ISO/IEC
//     14443-2, 8.1.1 and 8.2.1). That is the fixed rate; 212 to 848 kbit/s are
//     options that EMV does not use (EMV Contactless Book D, 3.1).
//   - A standard frame is a start of communication, 9 bits for each byte, the
//     ninth for parity, and an end of communication (ISO/IEC 14443-3, 6.2.3.2).
//     Start and end count as a bit each.
//   - The chip begins to answer no earlier than 1172 or 1236 periods after the
//     reader's last pause, depending on the last bit; the reader no earlier than
//     1172 after the chip's last modulation (ISO/IEC 14443-3, 6.2.1). The longer
//     time counts. Both begin before the frame before them has quite ended, so
//     that each exchange is reckoned up to 20 µs too long, and never too short.
//     Readers for payment wait 6780 periods (EMV Contactless Book D, Annex A):
//     that is a sum of its own, for the waiting is the same with any bytes.
//   - Each APDU travels in blocks of the half-duplex protocol: one byte of
//     prologue, as neither CID nor NAD are used, and two of CRC (ISO/IEC 14443-4,
//     7.1). A block has 256 bytes at most, FSD and FSC of code 8 (ISO/IEC
//     14443-4, 5.1 and 5.2.3); a longer APDU is chained, and each block but the
//     last is acknowledged by an R-block of three bytes (ISO/IEC 14443-4, 7.5).
//
// Not in it: activation and anticollision, which come before and are the same for
// every chip; waiting time extensions, which no byte of a tap causes; the chip's
// own time, which is measured beside.
const (
	carrierHz = 13_560_000

	bitPeriods      = 128
	frameBits       = 2 // start and end of communication
	byteBits        = 9
	answerPeriods   = 1236 // from the reader's frame to the chip's
	turnPeriods     = 1172 // from the chip's frame to the reader's
	turnPeriodsEMV  = 6780
	blockMax        = 256
	blockOverhead   = 1 + 2 // prologue and epilogue
	acknowledgement = blockOverhead
)

// periods of the carrier.
type periods int64

// ms are milliseconds.
func (p periods) ms() float64 { return round(float64(p)*1000/carrierHz, 3) }

// framePeriods is how long a frame of n bytes takes.
func framePeriods(n int) periods { return periods(frameBits+byteBits*n) * bitPeriods }

// blocksOf is how many bytes the blocks have in which an APDU of n bytes travels.
func blocksOf(n int) (sizes []int) {
	const inside = blockMax - blockOverhead
	for ; n > inside; n -= inside {
		sizes = append(sizes, blockMax)
	}
	return append(sizes, n+blockOverhead)
}

// airTime is what one exchange takes in the field.
type airTime struct {
	sent, received periods // frames, each with the acknowledgements that chaining costs
	waits          periods // between frames
	turns          int     // waits of the reader before a frame of its own
}

func (t airTime) all() periods { return t.sent + t.received + t.waits }

// exchangeTime is that of a command and a response APDU of so many bytes. The
// reader's wait before the next command is in it.
func exchangeTime(command, response int) (t airTime) {
	for i, n := range blocksOf(command) {
		if i > 0 { // the block before is acknowledged
			t.sent += framePeriods(acknowledgement)
			t.turn()
		}
		t.sent += framePeriods(n)
		t.waits += answerPeriods
	}
	for i, n := range blocksOf(response) {
		if i > 0 {
			t.turn()
			t.received += framePeriods(acknowledgement)
			t.waits += answerPeriods
		}
		t.received += framePeriods(n)
	}
	t.turn()
	return t
}

func (t *airTime) turn() {
	t.waits += turnPeriods
	t.turns++
}

package frame

// Glance is what somebody who listens can tell of a frame, without its exchange.
type Glance struct {
	Piece  bool // of a message or an answer; else it says which pieces are there
	Number int  // of the piece, from 0
	Count  int  // how many pieces there are
}

// Look reads a frame for an onlooker, on a link with or without a CRC behind each
// frame. It is not ok for what is no frame.
func Look(b []byte, crc bool) (g Glance, ok bool) {
	h, payload, err := parse(b, crc)
	if err != nil {
		return Glance{}, false
	}
	if h.kind != messagePart && h.kind != answerPart {
		return Glance{}, true
	}
	size, fits := sizeOf(int(h.length), int(h.number), h.last, len(payload))
	if !fits {
		return Glance{}, false
	}
	return Glance{Piece: true, Number: int(h.number), Count: pieces(int(h.length), size)}, true
}

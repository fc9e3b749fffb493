package frame

// assembly joins the pieces of one message. The zero assembly is empty.
type assembly struct {
	buffer [MessageMax]byte
	open   bool // the first piece has come
	length int
	size   int // of all pieces but the last
	count  int
	got    set
}

// add takes a piece. It reports false, and changes nothing, for one that cannot
// be a piece of any message. A piece that is there already stays as it is. A
// piece that does not fit the others begins anew: the other side has cut the
// message differently, for a connection with another frame size.
func (a *assembly) add(h header, piece []byte) bool {
	length, number := int(h.length), int(h.number)
	size, ok := sizeOf(length, number, h.last, len(piece))
	if !ok {
		return false
	}
	if a.open && (length != a.length || size != a.size) {
		a.wipe()
	}
	if !a.open {
		a.open, a.length, a.size, a.count = true, length, size, pieces(length, size)
	}
	if !a.got.has(number) {
		a.got.add(number)
		copy(a.buffer[number*size:], piece)
	}
	return true
}

// sizeOf is the size that the pieces of a message of this length have, as one of
// them tells it, and whether it can be one.
func sizeOf(length, number int, last bool, n int) (size int, ok bool) {
	switch {
	case length > MessageMax || n > length || n == 0 && length > 0:
		return 0, false
	case !last: // others follow: at least a byte is left for them
		return n, n > 0 && (number+1)*n < length && pieces(length, n) <= countMax
	case number == 0:
		return length, n == length
	}
	size = (length - n) / number
	return size, size > 0 && size >= n && size*number+n == length
}

// pieces is how many pieces a message has; an empty one has one.
func pieces(length, size int) int {
	if length == 0 {
		return 1
	}
	return (length + size - 1) / size
}

func (a *assembly) whole() bool {
	return a.open && a.got.missing(0, a.count) == a.count
}

// message is what was joined; it aliases the buffer.
func (a *assembly) message() []byte { return a.buffer[:a.length:a.length] }

// wipe leaves nothing of the message.
func (a *assembly) wipe() {
	clear(a.buffer[:])
	a.open, a.length, a.size, a.count, a.got = false, 0, 0, 0, set{}
}

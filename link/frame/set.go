package frame

import "encoding/binary"

// countMax is how many pieces a message can have: their number is one byte.
const countMax = 256

// set is the pieces that have come, by number.
type set [countMax / 64]uint64

func (s *set) has(n int) bool { return s[n/64]>>(n%64)&1 != 0 }
func (s *set) add(n int)      { s[n/64] |= 1 << (n % 64) }

// missing is the first of count pieces from n on that is not there; count if
// all are.
func (s *set) missing(n, count int) int {
	for ; n < count; n++ {
		if !s.has(n) {
			return n
		}
	}
	return count
}

// covers reports whether all of other is in s.
func (s *set) covers(other set) bool {
	for i := range s {
		if other[i]&^s[i] != 0 {
			return false
		}
	}
	return true
}

// addFirst adds the pieces 0 to n-1.
func (s *set) addFirst(n int) {
	for i := range n {
		s.add(i)
	}
}

// addHave adds what a have speaks of.
func (s *set) addHave(first, count int, payload []byte) {
	s.addFirst(min(first, count))
	have := binary.BigEndian.Uint32(payload)
	for i := range haveSize * 8 {
		if n := first + 1 + i; have<<i>>31 != 0 && n < count {
			s.add(n)
		}
	}
}

// have is the first piece that is missing and which of those behind it are there.
func (s *set) have(count int) (first int, payload [haveSize]byte) {
	first = s.missing(0, count)
	var bitsBehind uint32
	for i := range haveSize * 8 {
		if n := first + 1 + i; n < count && s.has(n) {
			bitsBehind |= 1 << (31 - i)
		}
	}
	binary.BigEndian.PutUint32(payload[:], bitsBehind)
	return first, payload
}

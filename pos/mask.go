package pos

import "strings"

// mask is bytes that are to be shown, of which some are hidden.
type mask struct {
	bytes []byte
	dark  []bool
}

func newMask(b []byte) mask { return mask{b, make([]bool, len(b))} }

// hide darkens a slice of the bytes. It is found by what stands there, in every
// place where the same bytes stand: what is secret here is secret everywhere.
func (m mask) hide(value []byte) {
	if len(value) == 0 {
		return
	}
	for i := 0; i+len(value) <= len(m.bytes); i++ {
		if string(m.bytes[i:i+len(value)]) == string(value) {
			for j := range value {
				m.dark[i+j] = true
			}
		}
	}
}

func (m mask) String() string {
	var b strings.Builder
	for i, c := range m.bytes {
		if m.dark[i] {
			b.WriteString("**")
			continue
		}
		b.WriteString(hexOf([]byte{c}))
	}
	return b.String()
}

// hidden stands for n bytes.
func hidden(n int) string { return strings.Repeat("**", n) }

package emv

import "strings"

// flag is one bit or value of a bit field, and what it means.
type flag struct {
	mask uint64
	name string
}

// explain names the bits of v that are set, high bits first. What has no name
// is not mentioned; the digits in front of the names show it.
func explain(v uint64, flags []flag) (names []string) {
	for _, f := range flags {
		if v&f.mask != 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// show is v in n bytes of hexadecimal, and the names behind it.
func show(v uint64, n int, names []string) string {
	text := hexadecimal(appendFixed(nil, v, n))
	if len(names) == 0 {
		return text
	}
	return text + " " + strings.Join(names, ", ")
}

// hexadecimal is b in capitals, as the standards write it.
func hexadecimal(b []byte) string {
	const digits = "0123456789ABCDEF"
	text := make([]byte, 0, 2*len(b))
	for _, x := range b {
		text = append(text, digits[x>>4], digits[x&0xF])
	}
	return string(text)
}

// fixed reads n bytes, high byte first.
func fixed(b []byte, n int) (v uint64, err error) {
	if len(b) != n {
		return 0, ErrLength
	}
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v, nil
}

// appendFixed writes the n low bytes of v, high byte first.
func appendFixed(dst []byte, v uint64, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst
}

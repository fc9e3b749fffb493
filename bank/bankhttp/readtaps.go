package bankhttp

import "sotto/bankapi"

// readTaps reads an upload of taps the way terminals write it: a quarter of a
// megabyte, on which encoding/json spends as much as the bank spends on the
// cryptograms in it. It understands plain JSON: texts of ASCII without escapes,
// whole numbers, and the names of bankapi.PostTaps, each at most once.
//
// What it accepts, decode would have read alike (FuzzReadTaps holds the two
// together). Of all else, right or wrong, it says no, and decode looks at it.
func readTaps(body []byte) (bankapi.PostTaps, bool) {
	r := plainReader{b: body}
	in := r.upload()
	r.blank()
	return in, !r.bad && r.at == len(r.b)
}

func (r *plainReader) upload() (in bankapi.PostTaps) {
	r.object(func(name []byte) uint {
		switch string(name) {
		case "terminal":
			in.Terminal = r.text()
			return 1
		case "batch":
			in.Batch = int(r.number())
			return 2
		case "taps":
			in.Taps = r.taps()
			return 4
		}
		return 0
	})
	return in
}

func (r *plainReader) taps() []bankapi.Tap {
	const shortest = 128 // bytes of a tap, but for those that are refused
	taps := make([]bankapi.Tap, 0, min(bankapi.TapsMax, len(r.b)/shortest+1))
	r.must('[')
	for last := r.is(']'); !last && !r.bad; {
		taps = append(taps, r.tap())
		if last = r.is(']'); !last {
			r.must(',')
		}
		r.bad = r.bad || len(taps) > bankapi.TapsMax
	}
	return taps
}

func (r *plainReader) tap() (t bankapi.Tap) {
	r.object(func(name []byte) uint {
		switch string(name) {
		case "reference":
			t.Reference = r.text()
			return 1
		case "amount":
			t.Amount = r.number()
			return 2
		case "currency":
			t.Currency = r.text()
			return 4
		case "chip_data":
			t.ChipData = r.text()
			return 8
		}
		return 0
	})
	return t
}

// plainReader reads plain JSON. Once something is not plain it is bad, and what
// it reads has no meaning any more.
type plainReader struct {
	b   []byte
	at  int
	bad bool
}

// object reads an object. Member reads the value of a name, and answers a bit
// that stands for it, or none for a name that it does not know.
func (r *plainReader) object(member func(name []byte) uint) {
	var seen uint
	r.must('{')
	for last := r.is('}'); !last && !r.bad; {
		name := r.plain()
		r.must(':')
		bit := member(name)
		r.bad = r.bad || bit == 0 || seen&bit != 0
		seen |= bit
		if last = r.is('}'); !last {
			r.must(',')
		}
	}
}

// blank goes over white space.
func (r *plainReader) blank() {
	for r.at < len(r.b) && (r.b[r.at] == ' ' || r.b[r.at] == '\n' || r.b[r.at] == '\t' || r.b[r.at] == '\r') {
		r.at++
	}
}

// is goes over white space, and over c if that follows.
func (r *plainReader) is(c byte) bool {
	r.blank()
	if r.at == len(r.b) || r.b[r.at] != c {
		return false
	}
	r.at++
	return true
}

func (r *plainReader) must(c byte) {
	if !r.is(c) {
		r.bad = true
	}
}

func (r *plainReader) text() string { return string(r.plain()) }

// plain is what stands between two quotes.
func (r *plainReader) plain() []byte {
	r.must('"')
	from := r.at
	for i, c := range r.b[from:] {
		if c == '"' {
			r.at = from + i + 1
			return r.b[from : from+i]
		}
		if c < ' ' || c >= 0x80 || c == '\\' {
			break
		}
	}
	r.bad = true
	return nil
}

// number is a whole number that is certain to fit.
func (r *plainReader) number() int64 {
	const digitsMax = 18
	negative := r.is('-')
	from, n := r.at, int64(0)
	for ; r.at < len(r.b) && r.at-from <= digitsMax && r.b[r.at] >= '0' && r.b[r.at] <= '9'; r.at++ {
		n = n*10 + int64(r.b[r.at]-'0')
	}
	digits := r.at - from
	if digits == 0 || digits > digitsMax || digits > 1 && r.b[from] == '0' {
		r.bad = true
	}
	if negative {
		return -n
	}
	return n
}

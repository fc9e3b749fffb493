package dyncode_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"sotto/dyncode"
	"sotto/ident"
)

// The codes of a fixed stream are spread evenly: chi-square over a thousand
// bins of the whole code, and over the ten digits at each place.
func TestNewCodeIsUniform(t *testing.T) {
	const draws = 400_000
	seed := [32]byte(run(0xA0, 32))
	t.Logf("seed %X", seed)
	for n := dyncode.CodeDigitsMin; n <= dyncode.CodeDigitsMax; n++ {
		random := rand.NewChaCha8(seed)
		bins := make([]int, 1000)
		places := make([][]int, n)
		for i := range places {
			places[i] = make([]int, 10)
		}
		for range draws {
			code, err := dyncode.NewCode(random, n)
			if err != nil || len(code) != n {
				t.Fatalf("got %d digits, %v", len(code), err)
			}
			bins[int(code[0]-'0')*100+int(code[1]-'0')*10+int(code[2]-'0')]++
			for i, digit := range code {
				places[i][digit-'0']++
			}
		}
		checkUniform(t, "first three digits", bins, draws)
		for _, place := range places {
			checkUniform(t, "one place", place, draws)
		}
	}
}

// checkUniform fails above the value that one of a million fair streams
// exceeds (Wilson and Hilferty's approximation of chi-square; z of 10⁻⁶ is 4.75).
func checkUniform(t *testing.T, what string, bins []int, draws int) {
	t.Helper()
	want := float64(draws) / float64(len(bins))
	var chi float64
	for _, got := range bins {
		chi += (float64(got) - want) * (float64(got) - want) / want
	}
	k := float64(len(bins) - 1)
	limit := k * math.Pow(1-2/(9*k)+4.75*math.Sqrt(2/(9*k)), 3)
	if chi > limit {
		t.Errorf("%s: chi-square %.1f over %d bins, above %.1f", what, chi, len(bins), limit)
	}
}

// Draws at and above the largest multiple of the number of codes are thrown
// away; the one below it is the last code.
func TestNewCodeRejects(t *testing.T) {
	for _, c := range []struct {
		digits int
		limit  uint32
		last   string
	}{
		{6, 4_294_000_000, "999999"},
		{7, 4_290_000_000, "9999999"},
		{8, 4_200_000_000, "99999999"},
	} {
		var stream []byte
		for _, draw := range []uint32{c.limit, math.MaxUint32, c.limit + 1, c.limit - 1, 0} {
			stream = binary.BigEndian.AppendUint32(stream, draw)
		}
		random := bytes.NewReader(stream)
		for _, want := range []string{c.last, strings.Repeat("0", c.digits)} {
			got, err := dyncode.NewCode(random, c.digits)
			if err != nil || string(got) != want {
				t.Errorf("%d digits: got %q, %v, want %q", c.digits, got, err, want)
			}
		}
		if random.Len() != 0 {
			t.Errorf("%d digits: %d bytes were not used", c.digits, random.Len())
		}
	}
}

func TestNewCodeFails(t *testing.T) {
	broken := errors.New("no entropy")
	_, err := dyncode.NewCode(iotest.ErrReader(broken), 6)
	wantError(t, err, broken)
	_, err = dyncode.NewCode(bytes.NewReader([]byte{1, 2, 3}), 6)
	wantError(t, err, io.ErrUnexpectedEOF)
	_, err = dyncode.NewCode(bytes.NewReader(bytes.Repeat([]byte{0xFF}, 8)), 6) // only draws to be thrown away
	wantError(t, err, io.EOF)
	for _, n := range []int{-1, 0, 5, 9} {
		if code, err := dyncode.NewCode(rand.NewChaCha8([32]byte{}), n); !errors.Is(err, dyncode.ErrContent) || code != nil {
			t.Errorf("%d digits: got %d, %v", n, len(code), err)
		}
	}
	// A source that gives one byte at a time is as good as any.
	code, err := dyncode.NewCode(iotest.OneByteReader(bytes.NewReader([]byte{0, 7, 0x85, 0xD3})), 6)
	if err != nil || string(code) != "493011" {
		t.Errorf("got %q, %v", code, err)
	}
}

// Change one fact, and the code is another code.
func TestCodeMACBindsEachFact(t *testing.T) {
	good := dyncode.Linked{Message: message, Amount: 12800, Currency: "CNY", Payee: "Green Tea House"}
	code := []byte("493027")
	want := dyncode.CodeMAC(pepper, good, code)
	if got := dyncode.CodeMAC(pepper, good, code); got != want {
		t.Fatal("the same facts have two MACs")
	}
	for name, change := range map[string]func(*dyncode.Linked){
		"id":           func(l *dyncode.Linked) { l.Message[0] ^= 1 },
		"amount":       func(l *dyncode.Linked) { l.Amount++ },
		"currency":     func(l *dyncode.Linked) { l.Currency = "USD" },
		"payee":        func(l *dyncode.Linked) { l.Payee = "Green Tea Hovse" },
		"payee's case": func(l *dyncode.Linked) { l.Payee = "green Tea House" },
		"payee's end":  func(l *dyncode.Linked) { l.Payee += " " },
	} {
		changed := good
		change(&changed)
		if dyncode.CodeMAC(pepper, changed, code) == want {
			t.Errorf("another %s, and the same MAC", name)
		}
	}
	if dyncode.CodeMAC(pepper, good, []byte("493028")) == want {
		t.Error("another code, and the same MAC")
	}
	if dyncode.CodeMAC(key(0x61), good, code) == want {
		t.Error("another pepper, and the same MAC")
	}
}

// No byte passes from one fact to the next: not between currency and payee, not
// from the payee to the code, and not in texts longer than 65535 bytes.
func TestCodeMACIsUnambiguous(t *testing.T) {
	for _, pair := range [][2]dyncode.Linked{
		{{Currency: "CNY", Payee: "Shop"}, {Currency: "CNYS", Payee: "hop"}},
		{{Currency: "CNY", Payee: "Shop"}, {Currency: "CN", Payee: "YShop"}},
		{{Currency: "", Payee: "CNY"}, {Currency: "CNY", Payee: ""}},
		{{Payee: strings.Repeat("x", 65536+4)}, {Payee: strings.Repeat("x", 4)}},
	} {
		if dyncode.CodeMAC(pepper, pair[0], []byte("493027")) == dyncode.CodeMAC(pepper, pair[1], []byte("493027")) {
			t.Errorf("%.12q/%.12q and %.12q/%.12q have one MAC", pair[0].Currency, pair[0].Payee, pair[1].Currency, pair[1].Payee)
		}
	}
	a := dyncode.CodeMAC(pepper, dyncode.Linked{Payee: "Shop 1"}, []byte("234567"))
	b := dyncode.CodeMAC(pepper, dyncode.Linked{Payee: "Shop "}, []byte("1234567"))
	if a == b {
		t.Error("the payee's last digit passes for the code's first")
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func() (dyncode.Linked, string) {
			return dyncode.Linked{
				Message:  ident.Raw{0: rapid.Byte().Draw(t, "id")},
				Amount:   rapid.Uint64Range(0, 2).Draw(t, "amount"),
				Currency: rapid.StringMatching("[AB]{0,4}").Draw(t, "currency"),
				Payee:    rapid.StringMatching("[AB0]{0,4}").Draw(t, "payee"),
			}, rapid.StringMatching("[01]{6,8}").Draw(t, "code")
		}
		l1, c1 := draw()
		l2, c2 := draw()
		same := dyncode.CodeMAC(pepper, l1, []byte(c1)) == dyncode.CodeMAC(pepper, l2, []byte(c2))
		if same != (l1 == l2 && c1 == c2) {
			t.Fatalf("%+v %s and %+v %s: same MAC %v", l1, c1, l2, c2, same)
		}
	})
}

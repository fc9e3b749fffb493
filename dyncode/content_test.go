package dyncode_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/dyncode"
)

// Whatever holds its rules is read as it was written, in a multiple of 64 bytes.
func TestContentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawContent(t)
		b, err := c.Append([]byte("before"))
		if err != nil {
			t.Fatalf("Append: %v", err)
		}
		b, found := bytes.CutPrefix(b, []byte("before"))
		if !found || len(b)%64 != 0 {
			t.Fatalf("got %d bytes, and what stood before is kept: %v", len(b), found)
		}
		got, err := dyncode.ParseContent(b)
		if err != nil {
			t.Fatalf("ParseContent: %v", err)
		}
		if !reflect.DeepEqual(got, c) {
			t.Fatalf("got %+v, want %+v", got, c)
		}
	})
}

// One rule broken at a time: the writer refuses, and writes nothing.
func TestContentRules(t *testing.T) {
	for _, c := range []struct {
		name string
		from dyncode.Content
		ruin func(*dyncode.Content)
	}{
		{"no kind", payment(), func(c *dyncode.Content) { c.Kind = 0 }},
		{"unknown kind", payment(), func(c *dyncode.Content) { c.Kind = 4 }},
		{"no lifetime", payment(), func(c *dyncode.Content) { c.Lifetime = 0 }},
		{"no code", payment(), func(c *dyncode.Content) { c.Code = nil }},
		{"code of 5 digits", payment(), func(c *dyncode.Content) { c.Code = []byte("12345") }},
		{"code of 9 digits", payment(), func(c *dyncode.Content) { c.Code = []byte("123456789") }},
		{"code with a letter", payment(), func(c *dyncode.Content) { c.Code = []byte("12345a") }},
		{"code with a full-width digit", payment(), func(c *dyncode.Content) { c.Code = []byte("12345５") }},
		{"amount 0", payment(), func(c *dyncode.Content) { c.Amount = 0 }},
		{"amount of 13 digits", payment(), func(c *dyncode.Content) { c.Amount = dyncode.AmountMax + 1 }},
		{"no currency", payment(), func(c *dyncode.Content) { c.Currency = nil }},
		{"currency in small letters", payment(), func(c *dyncode.Content) { c.Currency = []byte("cny") }},
		{"currency of 4 letters", payment(), func(c *dyncode.Content) { c.Currency = []byte("CNYX") }},
		{"no payee", payment(), func(c *dyncode.Content) { c.Payee = nil }},
		{"payee too long", payment(), func(c *dyncode.Content) { c.Payee = long(dyncode.PayeeMax) }},
		{"payee not UTF-8", payment(), func(c *dyncode.Content) { c.Payee = []byte("Caf\xE9") }},
		{"payee with a surrogate", payment(), func(c *dyncode.Content) { c.Payee = []byte("\xED\xA0\x80") }},
		{"platform too long", payment(), func(c *dyncode.Content) { c.Platform = long(dyncode.PlatformMax) }},
		{"order too long", payment(), func(c *dyncode.Content) { c.Order = long(dyncode.OrderMax) }},
		{"description too long", payment(), func(c *dyncode.Content) { c.Description = long(dyncode.DescriptionMax) }},
		{"account too long", payment(), func(c *dyncode.Content) { c.Account = long(dyncode.AccountMax) }},
		{"description not UTF-8", payment(), func(c *dyncode.Content) { c.Description = []byte{0xFF} }},
		{"bind without a code", binding(), func(c *dyncode.Content) { c.Code = nil }},
		{"bind without a lifetime", binding(), func(c *dyncode.Content) { c.Lifetime = 0 }},
		{"bind without a name", binding(), func(c *dyncode.Content) { c.PhoneName = nil }},
		{"phone's name too long", binding(), func(c *dyncode.Content) { c.PhoneName = long(dyncode.PhoneNameMax) }},
		{"short pairing secret", binding(), func(c *dyncode.Content) { c.Pairing = c.Pairing[1:] }},
		{"short key source", binding(), func(c *dyncode.Content) { c.KeySource = c.KeySource[1:] }},
		{"release with a code", release(), func(c *dyncode.Content) { c.Code = []byte("123456") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			padded(t, c.from)
			c.ruin(&c.from)
			b, err := c.from.Append([]byte("before"))
			wantError(t, err, dyncode.ErrContent)
			if string(b) != "before" {
				t.Errorf("wrote %X", b)
			}
		})
	}
}

func long(limit int) []byte { return []byte(strings.Repeat("x", limit+1)) }

// What a lying sender could seal: the reader refuses it by itself.
func TestParseContentRefuses(t *testing.T) {
	var (
		kind     = object(0x80, []byte{1})
		code     = object(0x81, []byte("493027"))
		expires  = object(0x82, make([]byte, 8))
		lifetime = object(0x83, []byte{0, 180})
		amount   = object(0x84, []byte{0, 0, 0, 0, 0, 0, 0x32, 0})
		currency = object(0x85, []byte("CNY"))
		payee    = object(0x86, []byte("Shop"))
		platform = object(0x87, []byte("Hall"))
		order    = object(0x88, []byte("A-1"))
	)
	good := pad(object(0xE3, kind, code, expires, lifetime, amount, currency, payee, platform, order))
	if _, err := dyncode.ParseContent(good); err != nil {
		t.Fatalf("the content that all others differ from: %v", err)
	}
	for _, c := range []struct {
		name string
		in   []byte
	}{
		{"nothing", nil},
		{"not padded", good[:len(good)-1]},
		{"padding of a whole block too much", append(bytes.Clone(good), make([]byte, 64)...)},
		{"no padding at all", object(0xE3, kind, code, expires, lifetime, amount, currency, payee, object(0x87, make([]byte, 14)))},
		{"padding not zero", append(bytes.Clone(good[:len(good)-1]), 1)},
		{"padding of zeroes without its mark", bytes.Replace(good, []byte("A-1\x80"), []byte("A-1\x00"), 1)},
		{"above the limit", pad(object(0xE3, kind, code, expires, lifetime, amount, currency, payee, object(0x89, make([]byte, 1024))))},
		{"another template", pad(object(0xE4, kind, code, expires, lifetime, amount, currency, payee))},
		{"empty template", pad(object(0xE3))},
		{"two objects out of order", pad(object(0xE3, kind, code, lifetime, expires, amount, currency, payee))},
		{"optional ones out of order", pad(object(0xE3, kind, code, expires, lifetime, amount, currency, payee, order, platform))},
		{"an object twice", pad(object(0xE3, kind, code, expires, lifetime, amount, amount, currency, payee))},
		{"an optional one twice", pad(object(0xE3, kind, code, expires, lifetime, amount, currency, payee, order, order))},
		{"an unknown object", pad(object(0xE3, kind, code, expires, lifetime, amount, currency, payee, object(0x8F, nil)))},
		{"an object of another kind", pad(object(0xE3, kind, code, expires, lifetime, amount, currency, payee, object(0x8B, []byte("Phone"))))},
		{"a tag of two bytes", pad(object(0xE3, kind, code, expires, lifetime, amount, currency, payee, []byte{0x9F, 0x02, 0}))},
		{"an empty optional one", pad(object(0xE3, kind, code, expires, lifetime, amount, currency, payee, object(0x87)))},
		{"no payee", pad(object(0xE3, kind, code, expires, lifetime, amount, currency))},
		{"amount of 7 bytes", pad(object(0xE3, kind, code, expires, lifetime, object(0x84, make([]byte, 7)), currency, payee))},
		{"amount 0", pad(object(0xE3, kind, code, expires, lifetime, object(0x84, make([]byte, 8)), currency, payee))},
		{"amount above n12", pad(object(0xE3, kind, code, expires, lifetime, object(0x84, []byte{0, 0, 0, 0xE8, 0xD4, 0xA5, 0x10, 0}), currency, payee))},
		{"length not minimal", pad(object(0xE3, kind, []byte{0x81, 0x81, 0x06}, []byte("493027"), expires, lifetime, amount, currency, payee))},
		{"length past the end", pad(object(0xE3, kind, code, expires, lifetime, amount, currency, []byte{0x86, 0x50}, []byte("Shop")))},
		{"code with a non-digit", pad(object(0xE3, kind, object(0x81, []byte("49302/")), expires, lifetime, amount, currency, payee))},
		{"code of 5 digits", pad(object(0xE3, kind, object(0x81, []byte("49302")), expires, lifetime, amount, currency, payee))},
		{"payee not UTF-8", pad(object(0xE3, kind, code, expires, lifetime, amount, currency, object(0x86, []byte{0xC0, 0xAF})))},
		{"lifetime 0", pad(object(0xE3, kind, code, expires, object(0x83, []byte{0, 0}), amount, currency, payee))},
		{"kind 0", pad(object(0xE3, object(0x80, []byte{0}), code, expires, lifetime, amount, currency, payee))},
		{"kind 4", pad(object(0xE3, object(0x80, []byte{4}), code, expires, lifetime))},
		{"a release with a code", pad(object(0xE3, object(0x80, []byte{3}), code, expires, lifetime))},
		{"a release with a payee", pad(object(0xE3, object(0x80, []byte{3}), expires, lifetime, payee))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := dyncode.ParseContent(c.in)
			wantError(t, err, dyncode.ErrContent)
			if !reflect.DeepEqual(got, dyncode.Content{}) {
				t.Errorf("refused, and yet read %+v", got)
			}
		})
	}
}

// The largest content fits a message, and its message fits every link.
func TestLargestMessage(t *testing.T) {
	c := payment()
	c.Code = []byte("12345678")
	c.Amount = dyncode.AmountMax
	c.Payee = long(dyncode.PayeeMax - 1)
	c.Platform = long(dyncode.PlatformMax - 1)
	c.Order = long(dyncode.OrderMax - 1)
	c.Description = long(dyncode.DescriptionMax - 1)
	c.Account = long(dyncode.AccountMax - 1)
	b := sealed(t, c)
	if got, want := len(b), 796; got != want {
		t.Errorf("got %d bytes, want %d as documented", got, want)
	}
	if _, err := open(b, phoneSeal(), cardSeal()); err != nil {
		t.Error(err)
	}
}

// The slices of a content lie in the buffer that was opened: wiping it wipes
// the code.
func TestContentAliasesItsBuffer(t *testing.T) {
	b := padded(t, payment())
	c, err := dyncode.ParseContent(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if !bytes.Equal(c.Code, make([]byte, 6)) || bytes.ContainsAny(c.Payee, "Gren") {
		t.Error("code or payee are copies")
	}
}

// grown keeps buffers on the heap.
var grown []byte

// Whatever holds a code or key in clear grows its buffer once, and before the
// code is in it: growing later would leave copies that nobody can wipe.
func TestAppendLeavesNoCopies(t *testing.T) {
	pay, bind, station := payment(), binding(), personalization()
	lines := dyncode.Lines{Lifetime: 180, Code: pay.Code, Text: [][]byte{long(100), long(100), long(100)}}
	plain := make([]byte, 704)
	once := testing.AllocsPerRun(20, func() { grown = slices.Grow(grown[:0:0], 800) })
	for name, write := range map[string]func(dst []byte) ([]byte, error){
		"payment":         pay.Append,
		"bind":            bind.Append,
		"clear":           func(dst []byte) ([]byte, error) { return dyncode.AppendClear(dst, 7, plain), nil },
		"lines":           func(dst []byte) ([]byte, error) { return dyncode.AppendLines(dst, message, lines) },
		"personalization": station.Append,
	} {
		t.Run(name, func(t *testing.T) {
			small := append(make([]byte, 0, 64), 1, 2, 3)
			if b, err := write(small); err != nil || len(b) < 64 {
				t.Fatalf("wrote %d bytes, %v", len(b), err)
			}
			if rest := small[3:64]; !bytes.Equal(rest, make([]byte, len(rest))) {
				t.Errorf("the buffer that was too small holds %X", rest)
			}
			if n := testing.AllocsPerRun(20, func() { grown, _ = write(small) }); n != once {
				t.Errorf("allocated %v times, and growing once takes %v", n, once)
			}
		})
	}
}

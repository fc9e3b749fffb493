package oda_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"sotto/emv/oda"
)

// A key that a payment system has published, in the form in which acquirers
// hand it to terminals, with the check sum that was published with it.
const publishedCA = "9F0605A000000333 9F220101 DF05083230323931323331 DF060101 DF070101" +
	"DF028180" +
	"BBE9066D2517511D239C7BFA77884144AE20C7372F515147E8CE6537C54C0A6A" +
	"4D45F8CA4D290870CDA59F1344EF71D17D3F35D92F3F06778D0D511EC2A7DC4F" +
	"FEADF4FB1253CE37A7B2B5A3741227BEF72524DA7A2B7B1CB426BEE27BC513B0" +
	"CB11AB99BC1BC61DF5AC6CC4D831D0848788CD74F6D543AD37C5A2B4C5D5A93B" +
	"DF040103 DF0314E881E390675D44C2DD81234DCE29C3F5AB2297A0"

func TestPublishedCA(t *testing.T) {
	ca := must[oda.CA](t)(oda.ParseCA(unhex(t, publishedCA)))
	sum := ca.Checksum()
	if ca.RID != [5]byte{0xA0, 0, 0, 3, 0x33} || ca.Index != 1 || ca.Expiry != month(t, 2029, 12) || ca.Key.Size() != 128 {
		t.Errorf("got %+v", ca)
	}
	if got := hex.EncodeToString(sum[:]); got != "e881e390675d44c2dd81234dce29c3f5ab2297a0" {
		t.Errorf("check sum %s", got)
	}
	again := must[oda.CA](t)(oda.ParseCA(ca.Append(nil)))
	if again.Checksum() != sum || again.Expiry != ca.Expiry {
		t.Error("what Append writes reads otherwise")
	}
}

func TestCADates(t *testing.T) {
	for _, c := range []struct {
		date string // the object DF05, or none
		want string // MMYY, or none
		err  error
	}{
		{"", "", nil},
		{"DF0500", "", nil},
		{"DF050400000000", "", nil},
		{"DF05083030303030303030", "", nil},
		{"DF050420291231", "1229", nil},
		{"DF05083230323931323331", "1229", nil},
		{"DF050420280229", "0228", nil},
		{"DF050419991231", "1299", nil},
		{"DF050420270229", "", oda.ErrExpired},
		{"DF050420291301", "", oda.ErrExpired},
		{"DF050419291231", "", oda.ErrExpired},
		{"DF050420991231", "", oda.ErrExpired},
		{"DF0503291231", "", oda.ErrExpired},
		{"DF0504202912AA", "", oda.ErrExpired},
		{"DF0508323032393132333A", "", oda.ErrExpired},
	} {
		b := bytes.Replace(unhex(t, publishedCA), unhex(t, "DF05083230323931323331"), unhex(t, c.date), 1)
		got, err := oda.ParseCA(b)
		var want oda.Month
		copy(want[:], unhex(t, c.want))
		if !errors.Is(err, c.err) || got.Expiry != want {
			t.Errorf("%s: got %x, %v", c.date, got.Expiry, err)
		}
	}
}

func TestCARefuses(t *testing.T) {
	good := unhex(t, publishedCA)
	swap := func(old, with string) []byte {
		b := bytes.Replace(good, unhex(t, old), unhex(t, with), 1)
		if bytes.Equal(b, good) {
			t.Fatalf("%s is not there", old)
		}
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"nothing", nil, oda.ErrMissing},
		{"no RID", swap("9F0605A000000333", ""), oda.ErrMissing},
		{"a whole AID", swap("9F0605A000000333", "9F0606A00000033301"), oda.ErrMissing},
		{"no index", swap("9F220101", ""), oda.ErrMissing},
		{"another index", swap("9F220101", "9F220102"), oda.ErrHash},
		{"another RID", swap("9F0605A000000333", "9F0605A000000334"), oda.ErrHash},
		{"another modulus", swap("BBE9066D", "BBE9066E"), oda.ErrHash},
		{"another exponent", swap("DF040103", "DF0403010001"), oda.ErrHash},
		{"exponent 2", swap("DF040103", "DF040102"), oda.ErrKey},
		{"no exponent", swap("DF040103", ""), oda.ErrKey},
		{"no check sum", swap("DF0314E881E390675D44C2DD81234DCE29C3F5AB2297A0", ""), oda.ErrHash},
		{"another hash", swap("DF060101", "DF060107"), oda.ErrHashAlgorithm},
		{"another algorithm", swap("DF070101", "DF070104"), oda.ErrKeyAlgorithm},
		{"an object twice", append(bytes.Clone(good), unhex(t, "9F220101")...), oda.ErrFormat},
		{"an unknown object", append(bytes.Clone(good), unhex(t, "DF080100")...), oda.ErrFormat},
		{"cut", good[:len(good)-1], oda.ErrFormat},
	} {
		if _, err := oda.ParseCA(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestMonth(t *testing.T) {
	for _, c := range []struct {
		mmyy  string
		year  int
		month int
		ok    bool
	}{
		{"0126", 2026, 1, true}, {"1249", 2049, 12, true}, {"0150", 1950, 1, true}, {"1299", 1999, 12, true}, {"0100", 2000, 1, true},
		{"0000", 0, 0, false}, {"1326", 0, 0, false}, {"0A26", 0, 0, false}, {"01A6", 0, 0, false}, {"012A", 0, 0, false},
	} {
		m := oda.Month(unhex(t, c.mmyy))
		year, mon, err := m.YM()
		if (err == nil) != c.ok || c.ok && (year != c.year || mon != c.month) {
			t.Errorf("%s: got %d-%d, %v", c.mmyy, year, mon, err)
		}
		if c.ok && month(t, year, mon) != m {
			t.Errorf("%s is written otherwise", c.mmyy)
		}
		if want := fmt.Sprintf("%04d-%02d", c.year, c.month); c.ok && m.String() != want || !c.ok && m.String() != "no month" {
			t.Errorf("%s prints as %s", c.mmyy, m)
		}
		if !c.ok && !m.Over(date(t, 2000, 1, 1)) {
			t.Errorf("%s is no month, and not over", c.mmyy)
		}
	}
	for _, bad := range [][2]int{{1949, 12}, {2050, 1}, {2026, 0}, {2026, 13}} {
		if _, err := oda.NewMonth(bad[0], bad[1]); !errors.Is(err, oda.ErrExpired) {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}

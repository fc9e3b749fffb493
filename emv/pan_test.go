package emv_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/emv"
	"sotto/secret"
)

func pan(t testing.TB, text string) emv.PAN {
	t.Helper()
	p, err := emv.NewPAN(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPANIsMasked(t *testing.T) {
	for text, want := range map[string]string{
		"6217000010000000011": "621700*********0011", "4000000000000002": "400000******0002",
		"378282246310005": "37828******0005", "123456789015": "12******9015", "12345674": "****5674",
	} {
		if got := pan(t, text).String(); got != want {
			t.Errorf("%d digits: got %s, want %s", len(text), got, want)
		}
	}
	if got := (emv.PAN{}).String(); got != "no PAN" {
		t.Errorf("got %s", got)
	}
}

func TestNewPANRefuses(t *testing.T) {
	for _, text := range []string{"", "1234567", "12345678901234567890", "40000000 0000002", "4000-0000-0002", "４０００００００"} {
		if _, err := emv.NewPAN(text); !errors.Is(err, emv.ErrPAN) {
			t.Errorf("%d bytes: got %v", len(text), err)
		}
	}
}

func TestPANEqual(t *testing.T) {
	a, b := pan(t, "4000000000000002"), pan(t, "4000000000000002")
	if !a.Equal(b) || a.Equal(pan(t, "4000000000000010")) || a.Equal(emv.PAN{}) || !(emv.PAN{}).Empty() || a.Empty() {
		t.Error("Equal or Empty disagrees with the digits")
	}
	if (emv.PAN{}).Luhn() {
		t.Error("no PAN has a check digit")
	}
}

// With its check digit every number passes, and no single wrong digit does.
func TestCheckDigitFindsWrongDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringMatching(`[0-9]{7,18}`).Draw(t, "digits"))
		text = append(text, emv.CheckDigit(text))
		good, err := emv.NewPAN(string(text))
		if err != nil || !good.Luhn() {
			t.Fatalf("%d digits: refused, %v", len(text), err)
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		text[at] = '0' + (text[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		bad, err := emv.NewPAN(string(text))
		if err != nil || bad.Luhn() {
			t.Fatalf("a wrong digit passed, %v", err)
		}
	})
}

func TestPANRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{8,19}`).Draw(t, "digits")
		p, err := emv.NewPAN(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := emv.ParsePAN(p.Append(nil))
		if err != nil || !again.Equal(p) {
			t.Fatalf("%s reads as another, %v", p, err)
		}
		track := emv.Track2{PAN: p, Expiry: [2]byte{0x31, 0x12}, Service: emv.Numeric{0x02, 0x01},
			Discretionary: secret.New([]byte(rapid.StringMatching(`[0-9]{0,11}`).Draw(t, "discretionary")))}
		b, err := track.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		read, err := emv.ParseTrack2(b)
		if err != nil || !read.PAN.Equal(p) || !read.Discretionary.Equal(track.Discretionary) || read.Expiry != track.Expiry || read.Service != track.Service {
			t.Fatalf("track 2 reads as another, %v", err)
		}
	})
}

func TestTrack2ThatCannotBeWritten(t *testing.T) {
	good := emv.Track2{PAN: pan(t, "6217000010000000011"), Expiry: [2]byte{0x31, 0x12}, Service: emv.Numeric{0x02, 0x01}}
	for name, change := range map[string]func(*emv.Track2){
		"no PAN":               func(x *emv.Track2) { x.PAN = emv.PAN{} },
		"month 0":              func(x *emv.Track2) { x.Expiry = [2]byte{0x31, 0x00} },
		"month 13":             func(x *emv.Track2) { x.Expiry = [2]byte{0x31, 0x13} },
		"letter in the year":   func(x *emv.Track2) { x.Expiry = [2]byte{0xA1, 0x12} },
		"letter in the month":  func(x *emv.Track2) { x.Expiry = [2]byte{0x31, 0x0A} },
		"four digits":          func(x *emv.Track2) { x.Service = emv.Numeric{0x12, 0x01} },
		"text":                 func(x *emv.Track2) { x.Discretionary = secret.New([]byte("12x")) },
		"a byte of two digits": func(x *emv.Track2) { x.Discretionary = secret.New([]byte{0x12}) },
		"too long":             func(x *emv.Track2) { x.Discretionary = secret.New([]byte("123456789012")) },
	} {
		bad := good
		change(&bad)
		if b, err := bad.Append([]byte{1}); !errors.Is(err, emv.ErrTrack2) || !bytes.Equal(b, []byte{1}) {
			t.Errorf("%s: got %d bytes, %v", name, len(b), err)
		}
	}
}

type wallet struct {
	Exported emv.PAN
	pan      emv.PAN
	track    emv.Track2
	Card     emv.MasterKey
	card     emv.MasterKey
	Issuer   emv.IssuerKey
	issuer   *emv.IssuerKey
}

// Every verb, nested and not, both slog handlers and JSON: no digits of a PAN in
// the middle, and no key, in clear or hexadecimal or decimal.
func TestNothingPrintsAPANOrAKey(t *testing.T) {
	number, raw := "6217000010000000011", []byte("sixteen byte key")
	p := pan(t, number)
	issuer, err := emv.NewIssuerKey(emv.PBOC, secret.New(raw))
	if err != nil {
		t.Fatal(err)
	}
	card, err := emv.NewMasterKey(emv.AES, secret.New(raw))
	if err != nil {
		t.Fatal(err)
	}
	track := emv.Track2{PAN: p, Discretionary: secret.New([]byte(number))}
	w := wallet{Exported: p, pan: p, track: track, Card: card, card: card, Issuer: issuer, issuer: &issuer}

	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%p"} {
		fmt.Fprintf(&printed, strings.Repeat(verb, 7), p, track, card, issuer, w, &w, []emv.PAN{p})
	}
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("m", "p", p, "track", track, "card", card, "w", w)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("m", "p", p, "track", track, "card", card, "w", w)
	if err := json.NewEncoder(&printed).Encode([]any{p, track, card, issuer, w}); err != nil {
		t.Fatal(err)
	}
	for _, clearText := range []string{number[6:15], string(raw)} {
		for _, leak := range []string{clearText, fmt.Sprintf("%x", clearText), fmt.Sprintf("%X", clearText), strings.Trim(fmt.Sprint([]byte(clearText)), "[]")} {
			if strings.Contains(printed.String(), leak) {
				t.Errorf("printed as %q", leak)
			}
		}
	}
	if !strings.Contains(printed.String(), "[secret]") || !strings.Contains(printed.String(), "621700*********0011") {
		t.Error("nothing was printed at all: the test looked at nothing")
	}
}

func TestDatesInOrder(t *testing.T) {
	day := func(year, month, day int) emv.Date {
		d, err := emv.NewDate(year, month, day)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	ordered := []emv.Date{{}, day(1950, 1, 1), day(1999, 12, 31), day(2000, 1, 1), day(2026, 1, 31), day(2026, 2, 1), day(2049, 12, 31)}
	for i, d := range ordered {
		for j, e := range ordered {
			if got := d.Compare(e); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%v to %v: got %d", d, e, got)
			}
		}
	}
	for _, bad := range [][3]int{{1949, 12, 31}, {2050, 1, 1}, {2026, 0, 1}, {2026, 13, 1}, {2026, 6, 31}, {2026, 1, 0}, {2025, 2, 29}} {
		if _, err := emv.NewDate(bad[0], bad[1], bad[2]); !errors.Is(err, emv.ErrDate) {
			t.Errorf("%v: got %v", bad, err)
		}
	}
	if got := (emv.Date{}).String(); got != "no date" {
		t.Errorf("got %s", got)
	}
}

func TestNumbersOutOfRange(t *testing.T) {
	for _, minor := range []int64{-1, emv.AmountMax + 1, -1 << 63, 1<<63 - 1} {
		if _, err := emv.NewAmount(minor); !errors.Is(err, emv.ErrAmount) {
			t.Errorf("%d: got %v", minor, err)
		}
	}
	for _, number := range []int{-1, 1000, 1 << 40} {
		if _, err := emv.NewNumeric(number); !errors.Is(err, emv.ErrAmount) {
			t.Errorf("%d: got %v", number, err)
		}
	}
	if got := (emv.Amount{0, 0, 0, 0, 0x12, 0x34}).String() + (emv.Numeric{0x01, 0x56}).String(); got != "0000000012340156" {
		t.Errorf("got %s", got)
	}
	if _, err := emv.ParseATC([]byte{1}); !errors.Is(err, emv.ErrLength) {
		t.Errorf("got %v", err)
	}
	if got, err := emv.ParseATC(emv.AppendATC(nil, 0xFFFE)); got != 0xFFFE || err != nil {
		t.Errorf("got %X, %v", got, err)
	}
}

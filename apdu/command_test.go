package apdu_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/apdu"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func sameCommand(a, b apdu.Command) bool {
	return a.CLA == b.CLA && a.INS == b.INS && a.P1 == b.P1 && a.P2 == b.P2 &&
		bytes.Equal(a.Data, b.Data) && a.Ne == b.Ne && a.Extended == b.Extended
}

func TestParse(t *testing.T) {
	sel := apdu.Command{CLA: 0x00, INS: 0xA4, P1: 0x04, P2: 0x00}
	with := func(n, ne int, extended bool) apdu.Command {
		c := sel
		c.Data, c.Ne, c.Extended = bytes.Repeat([]byte{0xA5}, n), ne, extended
		return c
	}
	body := func(n int) string { return strings.Repeat("A5", n) }
	for _, c := range []struct {
		name, in string
		want     apdu.Command
	}{
		{"case 1", "00A40400", with(0, 0, false)},
		{"case 2S", "00A40400 01", with(0, 1, false)},
		{"case 2S, 256", "00A40400 00", with(0, 256, false)},
		{"case 3S", "00A40400 01 A5", with(1, 0, false)},
		{"case 3S, longest", "00A40400 FF" + body(255), with(255, 0, false)},
		{"case 4S", "00A40400 02 A5A5 10", with(2, 16, false)},
		{"case 4S, longest", "00A40400 FF" + body(255) + "00", with(255, 256, false)},
		{"case 2E though 2S would do", "00A40400 000001", with(0, 1, true)},
		{"case 2E, 256", "00A40400 000100", with(0, 256, true)},
		{"case 2E, 257", "00A40400 000101", with(0, 257, false)},
		{"case 2E, 65536", "00A40400 000000", with(0, 65536, false)},
		{"case 3E though 3S would do", "00A40400 000001 A5", with(1, 0, true)},
		{"case 3E", "00A40400 000100" + body(256), with(256, 0, false)},
		{"case 3E, longest", "00A40400 00FFFF" + body(65535), with(65535, 0, false)},
		{"case 4E though 4S would do", "00A40400 000001 A5 0001", with(1, 1, true)},
		{"case 4E by its data", "00A40400 000100" + body(256) + "0001", with(256, 1, false)},
		{"case 4E by its Le", "00A40400 000001 A5 0000", with(1, 65536, false)},
		{"case 4E, longest", "00A40400 00FFFF" + body(65535) + "0000", with(65535, 65536, false)},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := unhex(t, c.in)
			got, err := apdu.Parse(in)
			if err != nil || !sameCommand(got, c.want) {
				t.Fatalf("got %d data bytes, Ne %d, extended %v, %v", len(got.Data), got.Ne, got.Extended, err)
			}
			if again := c.want.Bytes(); !bytes.Equal(again, in) {
				t.Errorf("written as %d bytes, read from %d", len(again), len(in))
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                         "",
		"header cut":                      "00A404",
		"data cut":                        "00A40400 02 A5",
		"data and more than a short Le":   "00A40400 01 A5 00 00",
		"extended opening alone":          "00A40400 00 01",
		"extended data cut":               "00A40400 00 0002 A5",
		"extended Le cut":                 "00A40400 00 0001 A5 00",
		"extended Le left over":           "00A40400 00 0001 A5 0000 00",
		"extended Lc of zero":             "00A40400 00 0000 A5",
		"extended Lc of zero and an Le":   "00A40400 00 0000 0001",
		"extended Lc of zero, Le of zero": "00A40400 00 0000 0000",
	} {
		if c, err := apdu.Parse(unhex(t, in)); !errors.Is(err, apdu.ErrCommand) || !sameCommand(c, apdu.Command{}) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestBytesPanicsOnWhatCannotBeWritten(t *testing.T) {
	for name, write := range map[string]func(){
		"data too long":        func() { apdu.Command{Data: make([]byte, apdu.DataMax+1)}.Bytes() },
		"Ne too large":         func() { apdu.Command{Ne: apdu.NeMax + 1}.Bytes() },
		"Ne negative":          func() { apdu.Command{Ne: -1}.Bytes() },
		"response too long":    func() { apdu.Response{Data: make([]byte, apdu.NeMax+1), Status: apdu.StatusOK}.Bytes() },
		"response, no status":  func() { apdu.Response{}.Bytes() },
		"split into nothing":   func() { _, _ = apdu.Split(apdu.Command{}, 0) },
		"split into too much":  func() { _, _ = apdu.Split(apdu.Command{}, apdu.DataMax+1) },
		"split into negatives": func() { _, _ = apdu.Split(apdu.Command{}, -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			write()
		}()
	}
}

func anyCommand() *rapid.Generator[apdu.Command] {
	return rapid.Custom(func(t *rapid.T) apdu.Command {
		header := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "header")
		size := rapid.OneOf(rapid.IntRange(0, 600), rapid.SampledFrom([]int{255, 256, 65534, 65535})).Draw(t, "size")
		return apdu.Command{
			CLA: apdu.Class(header[0]), INS: header[1], P1: header[2], P2: header[3],
			Data: bytes.Repeat(header[1:2], size),
			Ne:   rapid.OneOf(rapid.IntRange(0, 600), rapid.SampledFrom([]int{256, 257, 65535, 65536})).Draw(t, "Ne"),
		}
	})
}

// What is written is read as the same command, in the shorter form and in the
// extended one.
func TestCommandRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCommand().Draw(t, "command")
		got, err := apdu.Parse(c.Bytes())
		if err != nil || !sameCommand(got, c) {
			t.Fatalf("got %+v, %v", got, err)
		}
		c.Extended = true
		got, err = apdu.Parse(c.Bytes())
		got.Extended = true
		if err != nil || !sameCommand(got, c) {
			t.Fatalf("extended: got %+v, %v", got, err)
		}
	})
}

// A reader cannot append to Data and so change the rest of its own input.
func TestDataHasNoRoomBehindIt(t *testing.T) {
	in := unhex(t, "00A40400 01 A5 07")
	c, err := apdu.Parse(in)
	if err != nil {
		t.Fatal(err)
	}
	if _ = append(c.Data, 0xFF); in[6] != 0x07 {
		t.Error("appending to Data wrote over Le")
	}
}

// Any input is refused or is written again byte for byte: no two inputs mean
// the same command.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"00A40400", "00A4040000", "00A4040001A5", "00A4040001A510", "00A40400000001",
		"00A40400000001A5", "00A40400000001A50000", "801A00000A8308000000001234015600", "FFCA000000",
	} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := apdu.Parse(in)
		if err != nil {
			return
		}
		if again := c.Bytes(); !bytes.Equal(again, in) {
			t.Errorf("%X is written as %X", in, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	in := unhex(b, "801A00000A8308000000001234015600")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := apdu.Parse(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	c := apdu.Command{CLA: 0x80, INS: 0x1A, Data: make([]byte, 10), Ne: 256}
	buf := make([]byte, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		buf = c.Append(buf[:0])
	}
}

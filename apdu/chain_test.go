package apdu_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"sotto/apdu"
)

func TestSplit(t *testing.T) {
	c := apdu.Command{CLA: 0x01, INS: 0xE2, P1: 0x80, Data: []byte{1, 2, 3, 4, 5}, Ne: 256}
	links, err := apdu.Split(c, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"11E28000 02 0102", "11E28000 02 0304", "01E28000 01 05 00"}
	if len(links) != len(want) {
		t.Fatalf("got %d links, want %d", len(links), len(want))
	}
	for i, link := range links {
		if got := link.Bytes(); !bytes.Equal(got, unhex(t, want[i])) {
			t.Errorf("link %d: got %X, want %s", i, got, want[i])
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	long := make([]byte, 10)
	for _, cla := range []apdu.Class{0x10, 0x20, 0x80, 0x84, 0xFF} {
		if _, err := apdu.Split(apdu.Command{CLA: cla, Data: long}, 5); !errors.Is(err, apdu.ErrUnchainable) {
			t.Errorf("%02X: got %v", byte(cla), err)
		}
		if links, err := apdu.Split(apdu.Command{CLA: cla, Data: long}, 10); err != nil || len(links) != 1 {
			t.Errorf("%02X, short enough: got %d links, %v", byte(cla), len(links), err)
		}
	}
}

// Every rule that a chain can break, what the card answers, and that it starts
// afresh afterwards.
func TestChain(t *testing.T) {
	type step struct {
		command string
		status  apdu.Status
		whole   string // carried out, if not empty
	}
	for _, c := range []struct {
		name  string
		max   int
		steps []step
	}{
		{"no chain at all", 8, []step{{"00A40400 02 A000 00", 0x9000, "00A40400 02 A000 00"}}},
		{"three links", 8, []step{
			{"10E28000 03 010203", 0x9000, ""},
			{"10E28000 03 040506", 0x9000, ""},
			{"00E28000 02 0708 00", 0x9000, "00E28000 08 0102030405060708 00"},
		}},
		{"empty links", 8, []step{
			{"10E28000", 0x9000, ""},
			{"00E28000", 0x9000, "00E28000"},
		}},
		{"one byte too many", 8, []step{
			{"10E28000 08 0102030405060708", 0x9000, ""},
			{"00E28000 01 09", 0x6700, ""},
			{"00E28000 01 09", 0x9000, "00E28000 01 09"},
		}},
		{"another command in between", 8, []step{
			{"10E28000 01 01", 0x9000, ""},
			{"00A40400 02 A000 00", 0x6883, ""},
			{"00E28000 01 02", 0x9000, "00E28000 01 02"},
		}},
		{"another channel in between", 8, []step{
			{"10E28000 01 01", 0x9000, ""},
			{"01E28000 01 02", 0x6883, ""},
		}},
		{"a proprietary class is never chained", 8, []step{{"90E28000 01 01", 0x9000, "90E28000 01 01"}}},
		{"chains are not taken", 0, []step{
			{"10E28000 01 01", 0x6884, ""},
			{"00E28000 01 02", 0x9000, "00E28000 01 02"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			chain := apdu.NewChain(c.max)
			for i, s := range c.steps {
				command, err := apdu.Parse(unhex(t, s.command))
				if err != nil {
					t.Fatal(err)
				}
				next, whole, done, status := chain.Add(command)
				if status != s.status || done != (s.whole != "") {
					t.Fatalf("step %d: got done %v, %v", i, done, status)
				}
				if done && !bytes.Equal(whole.Bytes(), unhex(t, s.whole)) {
					t.Errorf("step %d: got %X, want %s", i, whole.Bytes(), s.whole)
				}
				if next.Open() != (status.OK() && !done) {
					t.Errorf("step %d: open %v", i, next.Open())
				}
				chain = next
			}
		})
	}
}

// A chain is a value: what follows one of its states does not show in another.
func TestChainIsAValue(t *testing.T) {
	link := func(cla apdu.Class, data ...byte) apdu.Command {
		return apdu.Command{CLA: cla, INS: 0xE2, Data: data}
	}
	common, _, _, _ := apdu.NewChain(64).Add(link(0x10, 1, 2, 3))
	a, _, _, _ := common.Add(link(0x10, 4))
	b, _, _, _ := common.Add(link(0x10, 5))
	_, fromA, _, _ := a.Add(link(0x00))
	_, fromB, _, _ := b.Add(link(0x00))
	if !bytes.Equal(fromA.Data, []byte{1, 2, 3, 4}) || !bytes.Equal(fromB.Data, []byte{1, 2, 3, 5}) {
		t.Errorf("got %X and %X", fromA.Data, fromB.Data)
	}
}

// Split and Chain undo each other.
func TestSplitThenChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyCommand().Draw(t, "command")
		c.CLA = apdu.Class(rapid.SampledFrom([]byte{0x00, 0x03, 0x0C, 0x40, 0x6F}).Draw(t, "class"))
		n := rapid.IntRange(max(1, len(c.Data)/100), 255+len(c.Data)/100).Draw(t, "n")
		links, err := apdu.Split(c, n)
		if err != nil {
			t.Fatal(err)
		}
		chain := apdu.NewChain(max(1, len(c.Data)))
		for i, link := range links {
			next, whole, done, status := chain.Add(link)
			if last := i == len(links)-1; !status.OK() || done != last || len(link.Data) > n {
				t.Fatalf("link %d of %d: done %v, %v", i, len(links), done, status)
			}
			if done && !sameCommand(whole, c) {
				t.Fatalf("got %+v", whole)
			}
			chain = next
		}
	})
}

package cps_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sotto/emv/cps"
	"sotto/secret"
)

func group(id cps.ID, data []byte) cps.Group { return cps.Group{ID: id, Data: secret.New(data)} }

func TestGroupsOnTheWire(t *testing.T) {
	for _, c := range []struct {
		name string
		wire string
		want []cps.Group
		err  error
	}{
		{"one byte", "0101 01 AA", []cps.Group{group(0x0101, []byte{0xAA})}, nil},
		{"two groups", "9000 03 010203 8000 01 FF", []cps.Group{group(0x9000, []byte{1, 2, 3}), group(0x8000, []byte{0xFF})}, nil},
		{"254 bytes", "0101 FE" + hexOf(254), []cps.Group{group(0x0101, make([]byte, 254))}, nil},
		{"255 bytes", "0101 FF00FF" + hexOf(255), []cps.Group{group(0x0101, make([]byte, 255))}, nil},
		{"300 bytes", "0101 FF012C" + hexOf(300), []cps.Group{group(0x0101, make([]byte, 300))}, nil},
		{"254 bytes the long way", "0101 FF00FE" + hexOf(254), nil, cps.ErrForm},
		{"nothing", "", nil, cps.ErrForm},
		{"an empty group", "0101 00", nil, cps.ErrForm},
		{"an empty group, the long way", "0101 FF0000", nil, cps.ErrForm},
		{"half a number", "01", nil, cps.ErrForm},
		{"no length", "0101", nil, cps.ErrForm},
		{"half a length", "0101 FF01", nil, cps.ErrForm},
		{"half a group", "0101 02 AA", nil, cps.ErrForm},
		{"something behind", "0101 01 AA 00", nil, cps.ErrForm},
		{"twice", "0101 01 AA 0102 01 AA 0101 01 AA", nil, cps.ErrTwice},
		{"too long", "0101 FF8001" + hexOf(100), nil, cps.ErrLimit},
		{"too long in all", "0101 FF4000" + hexOf(16384) + "0102 FF4000" + hexOf(16384), nil, cps.ErrLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.wire)
			got, err := cps.ParseGroups(b, false)
			if !errors.Is(err, c.err) || !same(got, c.want) {
				t.Fatalf("got %d groups, %v", len(got), err)
			}
			if err != nil {
				return
			}
			if again := must[[]byte](t)(cps.AppendGroups(nil, got)); !bytes.Equal(again, b) {
				t.Errorf("written as %X", again)
			}
		})
	}
}

func hexOf(n int) string { return fmt.Sprintf("%x", make([]byte, n)) }

// many are n groups of one byte each.
func many(n int) (groups []cps.Group) {
	for i := range n {
		groups = append(groups, group(cps.ID(0x0100+i), []byte{byte(i)}))
	}
	return groups
}

func TestLimits(t *testing.T) {
	large := func(n int) []cps.Group { return []cps.Group{group(0x0101, make([]byte, n))} }
	for _, c := range []struct {
		name   string
		groups []cps.Group
		want   error
	}{
		{"none", nil, cps.ErrForm},
		{"an empty one", []cps.Group{group(0x0101, nil)}, cps.ErrForm},
		{"255", many(255), nil},
		{"256", many(256), cps.ErrLimit},
		{"twice the same", append(many(2), many(1)...), cps.ErrTwice},
		{"32768 bytes", large(cps.SizeMax - 5), nil},
		{"32769 bytes", large(cps.SizeMax - 4), cps.ErrLimit},
		{"70000 bytes", large(70000), cps.ErrLimit},
	} {
		wire, err := cps.AppendGroups(nil, c.groups)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: written with %v", c.name, err)
		}
		_, errBlocks := cps.Blocks(c.groups, cps.BlockMax)
		_, errFile := cps.Applet{AID: []byte("AID-1"), Label: "x", Kind: cps.Purse, Groups: c.groups}.Append(nil)
		if !errors.Is(errBlocks, c.want) || !errors.Is(errFile, c.want) {
			t.Errorf("%s: blocks %v, file %v", c.name, errBlocks, errFile)
		}
		if err == nil {
			if got, err := cps.ParseGroups(wire, false); err != nil || !same(got, c.groups) {
				t.Errorf("%s: read with %v", c.name, err)
			}
		}
	}
	wire := []byte{}
	for i := range 256 {
		wire = append(wire, 1, byte(i), 1, 0)
	}
	if _, err := cps.ParseGroups(wire, false); !errors.Is(err, cps.ErrLimit) {
		t.Errorf("256 groups are read: %v", err)
	}
	if _, err := cps.Blocks(large(1000), 3); !errors.Is(err, cps.ErrLimit) {
		t.Errorf("335 blocks: got %v", err)
	}
	if blocks, err := cps.Blocks(large(cps.SizeMax-5), 128); err != nil || len(blocks) != cps.BlocksMax {
		t.Errorf("256 blocks: got %d, %v", len(blocks), err)
	}
}

// A small applet in blocks, byte by byte.
func TestBlocks(t *testing.T) {
	groups := []cps.Group{
		group(0x0101, []byte{0x70, 0x01, 0xAA}),
		{ID: cps.CardKeys, Data: secret.New([]byte{1, 2, 3, 4, 5}), Hidden: true},
		{ID: cps.KeyP, Data: secret.New([]byte{6}), Hidden: true},
		group(cps.CheckValues, []byte{7, 8, 9}),
	}
	want := []string{
		"08 00 010103 7001", "08 01 AA",
		"68 02 800005 0102", "68 03 030405 8205", "68 04 01 06",
		"08 05 900003 0708", "88 06 09",
	}
	blocks := must[[]cps.Block](t)(cps.Blocks(groups, 5))
	if len(blocks) != len(want) {
		t.Fatalf("got %d blocks", len(blocks))
	}
	var card cps.Assembly
	for i, b := range blocks {
		if got := append([]byte{b.P1, b.P2}, b.Data...); !bytes.Equal(got, unhex(t, want[i])) {
			t.Errorf("block %d: got %X, want %s", i, got, want[i])
		}
		if card.Done() {
			t.Errorf("block %d comes behind the end", i)
		}
		card = must[cps.Assembly](t)(card.Add(b))
	}
	if !card.Done() || !same(card.Groups(), groups) {
		t.Errorf("put together: %d groups, done %v", len(card.Groups()), card.Done())
	}
}

// What breaks the order of blocks, and what the card says to it.
func TestAssemblyRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		blocks []string
		want   error
	}{
		{"one block", []string{"88 00 010101 AA"}, nil},
		{"no structure stated", []string{"00 00 010101 AA", "80 01 010201 BB"}, nil},
		{"a header in three pieces", []string{"08 00 01", "08 01 01FF00", "88 02 FF" + hexOf(200) + hexOf(54)}, cps.ErrForm},
		{"a header in three pieces, whole", []string{"08 00 01", "08 01 01FF00", "08 02 FF" + hexOf(200), "88 03" + hexOf(55)}, nil},
		{"begins with 1", []string{"08 01 010101 AA"}, cps.ErrBlock},
		{"one left out", []string{"08 00 010101 AA", "88 02 010201 BB"}, cps.ErrBlock},
		{"one twice", []string{"08 00 010101 AA", "08 00 010101 AA"}, cps.ErrBlock},
		{"behind the last", []string{"88 00 010101 AA", "88 01 010201 BB"}, cps.ErrBlock},
		{"BER-TLV", []string{"90 00 010101 AA"}, cps.ErrBlock},
		{"both structures", []string{"98 00 010101 AA"}, cps.ErrBlock},
		{"a response expected", []string{"89 00 010101 AA"}, cps.ErrBlock},
		{"encrypted as the application likes", []string{"A8 00 010101 AA"}, cps.ErrBlock},
		{"encryption reserved", []string{"C8 00 010101 AA"}, cps.ErrBlock},
		{"an empty block", []string{"88 00"}, cps.ErrBlock},
		{"hidden in the middle of a group", []string{"08 00 010102 AA", "E8 01 BB"}, cps.ErrBlock},
		{"clear in the middle of a hidden one", []string{"68 00 800002 AA", "88 01 BB"}, cps.ErrBlock},
		{"a group twice", []string{"08 00 010101 AA", "88 01 010101 BB"}, cps.ErrTwice},
		{"ends in a group", []string{"88 00 010102 AA"}, cps.ErrForm},
		{"ends in a header", []string{"88 00 010101 AA 01"}, cps.ErrForm},
		{"an empty group", []string{"88 00 010100"}, cps.ErrForm},
		{"a group above the limit", []string{"08 00 0101 FFFFFF"}, cps.ErrLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			var card cps.Assembly
			var err error
			for i, text := range c.blocks {
				b := unhex(t, text)
				before := card
				if card, err = card.Add(cps.Block{P1: b[0], P2: b[1], Data: b[2:]}); err != nil && i < len(c.blocks)-1 {
					t.Fatalf("block %d: got %v", i, err)
				}
				if err != nil && (card.Done() || len(card.Groups()) > 0) {
					t.Error("something is left after an error")
				}
				if before.Done() && err == nil {
					t.Error("goes on behind the end")
				}
			}
			if !errors.Is(err, c.want) || c.want == nil && !card.Done() {
				t.Errorf("got %v, done %v", err, card.Done())
			}
		})
	}
}

// No card collects more than the limit, whatever is announced.
func TestAssemblyIsBounded(t *testing.T) {
	var card cps.Assembly
	size := 0
	for i := range 300 {
		data := make([]byte, cps.BlockMax)
		if i == 0 {
			copy(data, []byte{0x01, 0x01, 0xFF, 0x80, 0x00})
		}
		next, err := card.Add(cps.Block{P1: 8, P2: byte(i), Data: data})
		if err != nil {
			if !errors.Is(err, cps.ErrLimit) || size < cps.SizeMax-cps.BlockMax {
				t.Errorf("after %d bytes: got %v", size, err)
			}
			return
		}
		card, size = next, size+len(data)
	}
	t.Errorf("it took %d bytes", size)
}

// An Assembly is a value: two ways on from the same one do not meet.
func TestAssemblyIsAValue(t *testing.T) {
	add := func(a cps.Assembly, p1, p2 byte, text string) cps.Assembly {
		return must[cps.Assembly](t)(a.Add(cps.Block{P1: p1, P2: p2, Data: unhex(t, text)}))
	}
	common := add(cps.Assembly{}, 8, 0, "010501AA 010401AA 010101AA 0102") // three groups have room for a fourth
	a := add(common, 0x88, 1, "02 1111")
	b := add(common, 0x88, 1, "02 2222")
	if x, y := a.Groups()[3].Data.Reveal(), b.Groups()[3].Data.Reveal(); x[0] != 0x11 || y[0] != 0x22 || common.Done() {
		t.Errorf("got %X and %X", x, y)
	}
}

// Any groups, hidden or not, in blocks of any size, come together again.
func TestBlocksRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.Uint16(), 1, 20, rapid.ID[uint16]).Draw(t, "ids")
		var groups []cps.Group
		for i, id := range ids {
			data := rapid.SliceOfN(rapid.Byte(), 1, 400).Draw(t, fmt.Sprint("data ", i))
			groups = append(groups, cps.Group{ID: cps.ID(id), Data: secret.New(data), Hidden: rapid.Bool().Draw(t, "hidden")})
		}
		blocks, err := cps.Blocks(groups, rapid.IntRange(60, cps.BlockMax).Draw(t, "size"))
		if err != nil {
			t.Fatal(err)
		}
		var card cps.Assembly
		for i, b := range blocks {
			if card, err = card.Add(b); err != nil || card.Done() != (i == len(blocks)-1) {
				t.Fatalf("block %d of %d: done %v, %v", i, len(blocks), card.Done(), err)
			}
		}
		if !same(card.Groups(), groups) {
			t.Fatal("other groups")
		}
	})
}

func TestHiding(t *testing.T) {
	keys := channel(t)
	groups := []cps.Group{group(0x0101, []byte{1}), group(cps.CardKeys, make([]byte, 48)), group(cps.KeyP, []byte{0x80, 0})}
	hidden := must[[]cps.Group](t)(cps.Encrypt(groups, keys.Encrypt))
	for i, want := range []int{1, 64, 16} {
		if n := len(hidden[i].Data.Reveal()); n != want || hidden[i].Hidden != (i > 0) {
			t.Errorf("group %d: %d bytes, hidden %v", i, n, hidden[i].Hidden)
		}
	}
	if opened := must[[]cps.Group](t)(cps.Decrypt(hidden, keys.Decrypt)); !same(opened, groups) {
		t.Error("opened to something else")
	}
	if _, err := cps.Encrypt(hidden, keys.Encrypt); !errors.Is(err, cps.ErrHidden) {
		t.Errorf("hidden twice: got %v", err)
	}
	if _, err := cps.Decrypt(groups, keys.Decrypt); !errors.Is(err, cps.ErrHidden) {
		t.Errorf("keys in clear: got %v", err)
	}
	loud := slices.Clone(hidden)
	loud[0].Hidden = true
	if _, err := cps.Decrypt(loud, keys.Decrypt); !errors.Is(err, cps.ErrHidden) {
		t.Errorf("a record that is hidden: got %v", err)
	}
	failing := errors.New("no")
	if _, err := cps.Encrypt(groups, func(secret.Secret) ([]byte, error) { return nil, failing }); !errors.Is(err, failing) {
		t.Errorf("a hook that fails: got %v", err)
	}
	if _, err := cps.Decrypt(hidden, func([]byte) (secret.Secret, error) { return secret.Secret{}, failing }); !errors.Is(err, failing) {
		t.Errorf("a hook that fails: got %v", err)
	}
}

// Padding that Encrypt does not write is not taken away.
func TestPadding(t *testing.T) {
	for text, want := range map[string]string{
		"0180 0000000000000000000000000000":                                 "01",
		"000102030405060708090A0B0C0D0E80":                                  "000102030405060708090A0B0C0D0E",
		"000102030405060708090A0B0C0D0E0F 80000000000000000000000000000000": "000102030405060708090A0B0C0D0E0F",
		"80000000000000000000000000000000":                                  "",
		"00000000000000000000000000000000":                                  "",
		"000102030405060708090A0B0C0D0E0F":                                  "",
		"0180 000000000000000000000000000000":                               "",
		"0102030405060708090A0B0C0D0E0F80 00000000000000000000000000000000": "",
		"": "",
		"0102030405060708090A0B0C0D0E0F8000000000000000000000000000000000 00": "",
	} {
		hidden := []cps.Group{{ID: cps.CardKeys, Data: secret.New([]byte{1}), Hidden: true}}
		opened, err := cps.Decrypt(hidden, func([]byte) (secret.Secret, error) { return secret.New(unhex(t, text)), nil })
		switch {
		case want == "" && !errors.Is(err, cps.ErrHidden):
			t.Errorf("%s: got %v", text, err)
		case want != "" && (err != nil || !bytes.Equal(opened[0].Data.Reveal(), unhex(t, want))):
			t.Errorf("%s: got %v", text, err)
		}
	}
}

func TestFile(t *testing.T) {
	a := must[cps.Applet](t)(plain(t).Applet())
	file := must[[]byte](t)(a.Append(nil))
	read := must[cps.Applet](t)(cps.ParseApplet(file))
	if !bytes.Equal(read.AID, a.AID) || read.Label != a.Label || read.Kind != a.Kind || read.Priority != a.Priority || !same(read.Groups, a.Groups) {
		t.Error("read otherwise")
	}
	if got := must[[]byte](t)(a.Append([]byte("before"))); !bytes.Equal(got, append([]byte("before"), file...)) {
		t.Error("Append does not append")
	}
	for i := range file {
		for _, bit := range []byte{1, 0x80} {
			changed := bytes.Clone(file)
			changed[i] ^= bit
			if other, err := cps.ParseApplet(changed); err == nil {
				if again := must[[]byte](t)(other.Append(nil)); !bytes.Equal(again, changed) {
					t.Errorf("byte %d: taken, and written otherwise", i)
				}
			}
		}
	}
	swap := func(old, with string) []byte { return bytes.Replace(file, unhex(t, old), unhex(t, with), 1) }
	for name, c := range map[string]struct {
		file []byte
		want error
	}{
		"nothing":         {nil, cps.ErrForm},
		"cut":             {file[:len(file)-1], cps.ErrForm},
		"something after": {append(bytes.Clone(file), 0), cps.ErrForm},
		"version 2":       {swap("800101", "800102"), cps.ErrVersion},
		"no version":      {swap("800101", "860101"), cps.ErrForm},
		"kind 3":          {swap("810102", "810103"), cps.ErrName},
		"another object":  {swap("810102", "870102"), cps.ErrName},
		"too large":       {append(unhex(t, "EC82FFF0"), make([]byte, 0xFFF0)...), cps.ErrForm},
	} {
		if _, err := cps.ParseApplet(c.file); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	reversed := a
	reversed.Groups = slices.Clone(a.Groups)
	slices.Reverse(reversed.Groups)
	if got := must[[]byte](t)(reversed.Append(nil)); !bytes.Equal(got, file) {
		t.Error("the order of the groups shows in the file")
	}
	hidden := a
	hidden.Groups = must[[]cps.Group](t)(cps.Encrypt(a.Groups, channel(t).Encrypt))
	if _, err := hidden.Append(nil); !errors.Is(err, cps.ErrHidden) {
		t.Errorf("hidden groups in a file: got %v", err)
	}
}

func TestRecord(t *testing.T) {
	a := must[cps.Applet](t)(purse(t, usualChain, true).Applet())
	for _, id := range []cps.ID{cps.IssuerRecord, cps.ICCRecord, cps.LastRecord, cps.ContactRecord, cps.ContactICCRecord} {
		sfi, number, ok := id.Record()
		got, found := a.Record(sfi, number)
		if !ok || !found || !bytes.Equal(got, dataOf(a, id)) {
			t.Errorf("%v is not there", id)
		}
	}
	for _, r := range [][2]byte{{1, 4}, {3, 1}, {0x0E, 1}, {0x80, 0}, {0x90, 0}, {0x82, 5}, {1, 0}, {0, 1}} {
		if _, found := a.Record(r[0], r[1]); found {
			t.Errorf("record %d of file %d is there", r[1], r[0])
		}
	}
}

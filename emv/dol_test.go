package emv_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sotto/emv"
	"sotto/tlv"
)

// What a reader fills, the card reads back in the same places.
func TestReadWhatWasFilled(t *testing.T) {
	list, err := emv.ParseDOL(unhex(t, "9F02069A039C019F3704"))
	if err != nil {
		t.Fatal(err)
	}
	values, err := list.Read(unhex(t, "000000001234"+"260131"+"63"+"01020304"))
	if err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[tlv.Tag]string{emv.TagAmount: "000000001234", emv.TagDate: "260131", emv.TagType: "63", emv.TagUnpredictable: "01020304"} {
		if got, ok := values.Find(tag); !ok || !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("%s: got %X, %v", emv.Name(tag), got, ok)
		}
	}
	if _, ok := values.Find(emv.TagTVR); ok || list.Has(emv.TagTVR) {
		t.Error("found what was not asked for")
	}
	var order []tlv.Tag
	for tag := range values.All() {
		order = append(order, tag)
		if tag == emv.TagType {
			break
		}
	}
	if !slices.Equal(order, []tlv.Tag{emv.TagAmount, emv.TagDate, emv.TagType}) {
		t.Errorf("order %X", order)
	}
	if _, ok := (emv.Values{}).Find(emv.TagAmount); ok {
		t.Error("found something in nothing")
	}
}

func TestReadRefusesAnotherLength(t *testing.T) {
	list := emv.DOL{{Tag: emv.TagAmount, Length: 6}}
	for _, n := range []int{0, 5, 7, 300} {
		if _, err := list.Read(make([]byte, n)); !errors.Is(err, emv.ErrDOLData) {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
}

// The value that is read from a list that asks twice is the first.
func TestReadTakesTheFirst(t *testing.T) {
	list := emv.DOL{{Tag: emv.TagType, Length: 1}, {Tag: emv.TagType, Length: 1}}
	values, err := list.Read([]byte{0x20, 0x63})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := values.Find(emv.TagType); !bytes.Equal(got, []byte{0x20}) {
		t.Errorf("got %X", got)
	}
}

// A value of a list cannot be grown into the next one.
func TestReadClipsValues(t *testing.T) {
	data := []byte{1, 2}
	values, err := emv.DOL{{Tag: emv.TagType, Length: 1}, {Tag: emv.TagCID, Length: 1}}.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := values.Find(emv.TagType)
	if _ = append(first, 9); data[1] != 2 {
		t.Error("appending to a value wrote over the next")
	}
}

func TestDOLThatIsNoneCannotBeWritten(t *testing.T) {
	for _, e := range []emv.DOLEntry{{Tag: 0, Length: 1}, {Tag: 0xDF8101, Length: 1}, {Tag: 0x9A, Length: -1}, {Tag: 0x9A, Length: 253}} {
		wantPanic(t, func() { emv.DOL{e}.Append(nil) })
	}
}

// Whatever a list asks for and a terminal has, the filling is as long as the
// list says, and numbers keep their value where there is room.
func TestFillHasTheLengthOfTheList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list emv.DOL
		values := map[tlv.Tag][]byte{}
		for range rapid.IntRange(0, 12).Draw(t, "entries") {
			tag := rapid.SampledFrom([]tlv.Tag{0x5A, 0x57, 0x70, 0x9A, 0x9C, 0x9F02, 0x9F1E, 0x9F37, 0xDF7F}).Draw(t, "tag")
			list = append(list, emv.DOLEntry{Tag: tag, Length: rapid.IntRange(0, 20).Draw(t, "length")})
			values[tag] = rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "value")
		}
		out := list.Fill(nil, func(tag tlv.Tag) []byte { return values[tag] })
		read, err := list.Read(out)
		if err != nil {
			t.Fatalf("%d bytes of %d", len(out), list.Len())
		}
		i := 0
		for tag, got := range read.All() {
			if n := list[i].Length; !tag.Constructed() && n == len(values[tag]) && !bytes.Equal(got, values[tag]) {
				t.Fatalf("%X: got %X, want %X", tag, got, values[tag])
			}
			i++
		}
		again, err := emv.ParseDOL(list.Append(nil))
		if err != nil || !slices.Equal(again, list) {
			t.Fatalf("%v reads as %v, %v", list, again, err)
		}
	})
}

func TestRecords(t *testing.T) {
	list, err := emv.ParseAFL(unhex(t, "0801030110FFFF00"))
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Collect(list.Records())
	want := []emv.Record{{SFI: 1, Number: 1, Signed: true}, {SFI: 1, Number: 2}, {SFI: 1, Number: 3}, {SFI: 2, Number: 255}}
	if !slices.Equal(got, want) || len(got) != list.Len() {
		t.Errorf("got %v", got)
	}
	for r := range list.Records() {
		if r.Number == 2 {
			break // the rest is not walked
		}
	}
	wantPanic(t, func() { emv.AFL{{SFI: 31, First: 1, Last: 1}}.Append(nil) })
}

func TestAFLHasALimit(t *testing.T) {
	entry := []byte{0x08, 1, 1, 0}
	if _, err := emv.ParseAFL(bytes.Repeat(entry, 63)); err != nil {
		t.Error(err)
	}
	if _, err := emv.ParseAFL(bytes.Repeat(entry, 64)); !errors.Is(err, emv.ErrAFL) {
		t.Errorf("64 entries: got %v", err)
	}
	if _, err := emv.ParseDOL(make([]byte, 253)); !errors.Is(err, emv.ErrDOL) {
		t.Errorf("a list of 253 bytes: got %v", err)
	}
}

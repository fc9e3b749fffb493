package emv_test

import (
	"encoding/hex"
	"strconv"
	"strings"
	"testing"

	"sotto/emv"
	"sotto/tlv"
)

func TestObjects(t *testing.T) {
	run(t, "testdata/objects.txt", 80, map[string]func(*vector){
		"dol": checkDOL, "fill": checkFill, "afl": checkAFL, "iad": checkIAD, "track2": checkTrack2,
		"pan": checkPAN, "amount": checkAmount, "number": checkNumber, "date": checkDate,
	})
}

// read reports whether the input was to be taken, and was.
func (v *vector) read(err error) bool {
	v.t.Helper()
	if refused := v.refused(); (err != nil) != refused {
		v.t.Fatalf("got error %v", err)
	}
	return err == nil
}

func (v *vector) wantText(name, got string) {
	v.t.Helper()
	if want := v.text(name); got != want {
		v.t.Errorf("%s: got %s, want %s", name, got, want)
	}
}

// dash is how the file writes nothing.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func tagText(tag tlv.Tag) string { return strings.ToUpper(strconv.FormatUint(uint64(tag), 16)) }

func checkDOL(v *vector) {
	list, err := emv.ParseDOL(v.hex("in"))
	if !v.read(err) {
		return
	}
	var entries []string
	for _, e := range list {
		entries = append(entries, tagText(e.Tag)+"/"+strconv.Itoa(e.Length))
		if !list.Has(e.Tag) {
			v.t.Errorf("%s is not there", tagText(e.Tag))
		}
	}
	v.wantText("entries", dash(strings.Join(entries, " ")))
	v.wantText("total", strconv.Itoa(list.Len()))
	v.want("in", list.Append(nil))
}

func checkFill(v *vector) {
	values := map[tlv.Tag][]byte{}
	if text := v.text("values"); text != "-" {
		for pair := range strings.SplitSeq(text, " ") {
			name, value, _ := strings.Cut(pair, "=")
			tag, err := strconv.ParseUint(name, 16, 32)
			if err != nil {
				v.t.Fatal(err)
			}
			values[tlv.Tag(tag)] = unhex(v.t, value)
		}
	}
	list, err := emv.ParseDOL(v.hex("list"))
	if err != nil {
		v.t.Fatal(err)
	}
	out := list.Fill([]byte{0x83}, func(tag tlv.Tag) []byte { return values[tag] })
	if out[0] != 0x83 {
		v.t.Error("Fill does not append")
	}
	v.want("out", out[1:])
}

func checkAFL(v *vector) {
	list, err := emv.ParseAFL(v.hex("in"))
	if !v.read(err) {
		return
	}
	var entries []string
	for _, e := range list {
		entries = append(entries, strconv.Itoa(int(e.SFI))+":"+strconv.Itoa(int(e.First))+"-"+
			strconv.Itoa(int(e.Last))+"/"+strconv.Itoa(int(e.Signed)))
	}
	v.wantText("entries", strings.Join(entries, " "))
	v.wantText("records", strconv.Itoa(list.Len()))
	v.want("in", list.Append(nil))
}

func checkIAD(v *vector) {
	i, err := emv.ParseIAD(v.hex("in"))
	if !v.read(err) {
		return
	}
	v.want("in", i.Append(nil))
	parts := []string{hex.EncodeToString([]byte{i.DKI}), hex.EncodeToString([]byte{byte(i.CVN)}),
		hex.EncodeToString(i.CVR.Append(nil)), hex.EncodeToString([]byte{byte(i.Algorithm)})}
	v.wantText("parts", strings.ToUpper(strings.Join(parts, " ")))
	if v.text("idd") == "none" {
		if i.IDD != nil {
			v.t.Errorf("discretionary data %x", i.IDD)
		}
		return
	}
	v.want("idd", i.IDD)
	p, err := emv.ParsePurseIDD(i.IDD)
	if (err == nil) != v.has("balance") {
		v.t.Fatalf("of a purse: %v", err)
	}
	if err != nil {
		return
	}
	minor, err := p.Balance.Minor()
	if err != nil {
		v.t.Error(err)
	}
	v.wantText("balance", strconv.FormatInt(minor, 10))
	v.want("mac", p.MAC[:])
}

func checkTrack2(v *vector) {
	track, err := emv.ParseTrack2(v.hex("in"))
	if !v.read(err) {
		return
	}
	v.wantText("pan", string(track.PAN.Reveal()))
	v.want("expiry", track.Expiry[:])
	v.want("service", track.Service[:])
	v.wantText("discretionary", dash(string(track.Discretionary.Reveal())))
	again, err := track.Append(nil)
	if err != nil {
		v.t.Fatal(err)
	}
	v.want("in", again)
}

func checkPAN(v *vector) {
	pan, err := emv.ParsePAN(v.hex("in"))
	if !v.read(err) {
		return
	}
	v.wantText("digits", string(pan.Reveal()))
	if got, want := pan.Luhn(), v.text("luhn") == "right"; got != want {
		v.t.Errorf("Luhn: got %v", got)
	}
	name := "in"
	if v.has("again") {
		name = "again"
	}
	v.want(name, pan.Append(nil))
}

func checkAmount(v *vector) {
	a, err := emv.ParseAmount(v.hex("in"))
	if !v.read(err) {
		return
	}
	minor, err := a.Minor()
	if err != nil {
		v.t.Fatal(err)
	}
	v.wantText("value", strconv.FormatInt(minor, 10))
	again, err := emv.NewAmount(minor)
	if err != nil {
		v.t.Fatal(err)
	}
	v.want("in", again[:])
}

func checkNumber(v *vector) {
	n, err := emv.ParseNumeric(v.hex("in"))
	if !v.read(err) {
		return
	}
	number, err := n.Number()
	if err != nil {
		v.t.Fatal(err)
	}
	v.wantText("value", strconv.Itoa(number))
	again, err := emv.NewNumeric(number)
	if err != nil {
		v.t.Fatal(err)
	}
	v.want("in", again[:])
}

func checkDate(v *vector) {
	d, err := emv.ParseDate(v.hex("in"))
	if !v.read(err) {
		return
	}
	v.wantText("value", d.String())
	year, month, day, err := d.YMD()
	if err != nil {
		v.t.Fatal(err)
	}
	again, err := emv.NewDate(year, month, day)
	if err != nil {
		v.t.Fatal(err)
	}
	v.want("in", again[:])
}

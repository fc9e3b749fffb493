package nfc_test

import (
	"bytes"
	"testing"
	"time"

	"sotto/link"
	"sotto/link/nfc"
	"sotto/secret"
	"sotto/sim"
	simmem "sotto/sim/mem"
)

// A13: one chip is the display card and a bank card, on either interface.
func TestBeside(t *testing.T) {
	const (
		selectPPSE    = "00A40400 0E 325041592E5359532E4444463031 00"
		ppse          = "6F1E840E325041592E5359532E4444463031A50CBF0C099F3F069F02065F2A02 9000"
		canPay        = "801A0000 0A 83080000000012340156 00"
		nobodyCan     = "6F19840E325041592E5359532E4444463031A507BF0C04DF5001 06 9000"
		selectDisplay = "00A4040C 07 F0736F74746F00"
		begin         = "10DA0100 02 6162"
		end           = "00DA0100 02 6364 00"
		unknown       = "00A40400 05 A000000099 00"
	)
	device, err := sim.Open(simmem.New(), sim.Options{Key: secret.New(bytes.Repeat([]byte{0x2A}, 32)), Random: seeded(), Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	chip := nfc.Beside(nfc.NewCard(cardID, echo(), seeded()), device)
	for _, way := range []link.Interface{link.Contactless, link.Contact} {
		chip.Reset(way)
		for i, step := range []struct{ command, want string }{
			{end, "6E00"}, // a terminal that knows nothing of display cards meets the bank card
			{selectPPSE, ppse},
			{canPay, nobodyCan},
			{selectDisplay, "9000"},
			{canPay, "6E00"},
			{begin, "9000"},
			{end, "72653A2061626364 9000"},
			{begin, "9000"},
			{unknown, "6A82"}, // nothing was selected: the display card stays, and so does its half message
			{end, "72653A2061626364 9000"},
			{begin, "9000"},
			{selectPPSE, ppse}, // this ends the message
			{end, "6E00"},
			{"00A40400 08 F0736F74746F0002 00", "6A82"}, // a version that there is not
			{canPay, nobodyCan},                         // the bank card stays
			{selectDisplay, "9000"},
			{end, "72653A206364 9000"},
			{selectPPSE, ppse},
			{"00A4", "6700"},
		} {
			if got := chip.Transmit(unhex(t, step.command)); !bytes.Equal(got, unhex(t, step.want)) {
				t.Errorf("%v, %d: %s: got %X, want %s", way, i, step.command, got, step.want)
			}
		}
	}
}

// resets counts.
type resets struct {
	says

	n int
}

func (r *resets) Reset(link.Interface) { r.n++ }

// Who is left is reset, so that a debit that is half done is undone.
func TestBesideResetsTheOtherOne(t *testing.T) {
	other := &resets{says: says{map[byte]string{0xA4: "\x90\x00"}}}
	chip := nfc.Beside(nfc.NewCard(cardID, echo(), seeded()), other)
	chip.Reset(link.Contactless)
	chip.Transmit(unhex(t, "00A40400 05 A000000099 00"))
	chip.Transmit(unhex(t, "00A4040C 07 F0736F74746F00"))
	if other.n != 2 {
		t.Errorf("resets: got %d, want 2", other.n)
	}
	chip.Transmit(unhex(t, "00A4040C 07 F0736F74746F00"))
	chip.Transmit(unhex(t, "00DA0100 01 61"))
	if other.n != 2 {
		t.Errorf("resets: got %d, want 2", other.n)
	}
}

// noon is the time on the bank card: one without a clock asks for the day.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

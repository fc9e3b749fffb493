package emv

import (
	"encoding/binary"

	"sotto/apdu"
	"sotto/tlv"
)

// Issuer script commands (Book 3, 6.5; JR/T 0025.5) that this project writes.
const (
	INSPutData            byte = 0xDA
	INSApplicationBlock   byte = 0x1E
	INSApplicationUnblock byte = 0x18
)

// scriptMAC is the length of the MAC behind the data of a script command.
const scriptMAC = 4

// PutData sets a data object of one or two bytes of tag in the card, such as the
// balance of a purse. It has no MAC yet: see SignScript.
func PutData(tag tlv.Tag, value []byte) apdu.Command {
	return apdu.Command{CLA: 0x04, INS: INSPutData, P1: byte(tag >> 8), P2: byte(tag), Data: value}
}

// ApplicationBlock makes the card refuse transactions until ApplicationUnblock.
func ApplicationBlock() apdu.Command {
	return apdu.Command{CLA: 0x84, INS: INSApplicationBlock}
}

// ApplicationUnblock takes ApplicationBlock back.
func ApplicationUnblock() apdu.Command {
	return apdu.Command{CLA: 0x84, INS: INSApplicationUnblock}
}

// scriptCode is the MAC over the header with the length that the whole command
// has, the ATC and the ARQC of the transaction, and the data (Book 2, 9.2.3;
// JR/T 0025.5). Covering both, it can be executed in this transaction alone.
func (k MasterKey) scriptCode(c apdu.Command, data []byte, atc uint16, arqc [8]byte) [4]byte {
	message := make([]byte, 0, 5+2+8+len(data))
	message = append(message, byte(c.CLA), c.INS, c.P1, c.P2, byte(len(data)+scriptMAC))
	message = binary.BigEndian.AppendUint16(message, atc)
	message = append(message, arqc[:]...)
	message = append(message, data...)
	session := k.reveal().messaging(atc, arqc)
	return left4(session.mac(message))
}

// SignScript puts the MAC behind the data of a script command, with a card's MAC
// key. It panics if the command would then need an extended length.
func (k MasterKey) SignScript(c apdu.Command, atc uint16, arqc [8]byte) apdu.Command {
	if len(c.Data)+scriptMAC > apdu.DataMaxShort {
		panic("emv: issuer script command is too long")
	}
	mac := k.scriptCode(c, c.Data, atc, arqc)
	c.Data = append(append(make([]byte, 0, len(c.Data)+scriptMAC), c.Data...), mac[:]...)
	return c
}

// VerifyScript reports, in constant time, whether the bank has sent this command
// in answer to this ARQC, and what stands in front of the MAC: a slice of
// c.Data.
func (k MasterKey) VerifyScript(c apdu.Command, atc uint16, arqc [8]byte) (data []byte, ok bool) {
	n := len(c.Data) - scriptMAC
	if n < 0 || len(c.Data) > apdu.DataMaxShort {
		return nil, false
	}
	mac := k.scriptCode(c, c.Data[:n], atc, arqc)
	if !equal(mac[:], c.Data[n:]) {
		return nil, false
	}
	return c.Data[:n:n], true
}

// scriptsMax is how long the scripts of one answer may be in all (Book 3,
// 10.10).
const scriptsMax = 128

// Script is an issuer script (71 or 72) as a bank answers it: commands for the
// card, in this order (Book 3, 10.10).
type Script struct {
	Tag      tlv.Tag // TagScript1 or TagScript2
	ID       []byte  // 9F18, four bytes or none
	Commands [][]byte
}

// ParseScript reads one script with its tag and length.
func ParseScript(b []byte) (Script, error) {
	o, rest, ok, err := tlv.Next(b)
	if err != nil || !ok || len(rest) > 0 || len(b) > scriptsMax || o.Tag != TagScript1 && o.Tag != TagScript2 {
		return Script{}, ErrScript
	}
	s := Script{Tag: o.Tag}
	for rest = o.Value; len(rest) > 0; {
		if o, rest, _, err = tlv.Next(rest); err != nil {
			return Script{}, ErrScript
		}
		switch {
		case o.Tag == TagScriptID && len(o.Value) == 4 && s.ID == nil && s.Commands == nil:
			s.ID = o.Value
		case o.Tag == TagScriptCommand && len(o.Value) >= 4:
			s.Commands = append(s.Commands, o.Value)
		default:
			return Script{}, ErrScript
		}
	}
	return s, nil
}

// Append writes the script behind dst. What ParseScript would refuse, such as
// more than 128 bytes, is ErrScript.
func (s Script) Append(dst []byte) ([]byte, error) {
	if s.Tag != TagScript1 && s.Tag != TagScript2 {
		return dst, ErrScript
	}
	var inner []byte
	if s.ID != nil {
		inner = tlv.Append(inner, TagScriptID, s.ID)
	}
	for _, c := range s.Commands {
		inner = tlv.Append(inner, TagScriptCommand, c)
	}
	written := tlv.Append(nil, s.Tag, inner)
	if _, err := ParseScript(written); err != nil {
		return dst, err
	}
	return append(dst, written...), nil
}

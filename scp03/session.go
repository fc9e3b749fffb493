package scp03

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"

	"sotto/apdu"
	"sotto/isomac"
	"sotto/secret"
)

// session is what both ends know: keys, and how far they are. The zero session
// is closed.
type session struct {
	open    bool
	awaited bool // the last command has no response yet
	level   Level

	enc, mac, rmac secret.Secret // S-ENC, S-MAC, S-RMAC

	chain    [blockSize]byte // MAC chaining value: the last C-MAC, whole
	commands uint64          // since EXTERNAL AUTHENTICATE: the encryption counter
}

// newSession derives the session keys (Amendment D, 6.2.1). It is not open yet.
func newSession(k Keys, context []byte) session {
	return session{
		enc:  deriveKey(k.enc, forENC, context),
		mac:  deriveKey(k.mac, forMAC, context),
		rmac: deriveKey(k.mac, forRMAC, context),
	}
}

// The bits of a class byte (GPCS 2.3, 11.1.4).
const (
	classMessaging = 0x04 // GlobalPlatform's own secure messaging
	classChannel   = 0x03 // of the logical channels 0 to 3
	classRest      = 0x7F &^ (classMessaging | classChannel)
)

// protectable reports whether c is a plain class that can be protected: 00 to
// 03 and 80 to 83.
//
// Reading: what class the MAC covers on the channels 4 to 19 is not said where
// it says so for 0 to 3, and no card here has as many.
func protectable(c apdu.Class) bool { return c&(classRest|classMessaging) == 0 }

// protected reports whether c is a class that protectable becomes.
func protected(c apdu.Class) bool { return c&(classRest|classMessaging) == classMessaging }

// sign computes the C-MAC of a command whose data is as it will travel, MAC
// excepted (6.2.4). It covers class 04 or 84 on any channel, and Lc as it will
// be; it does not cover Le. The whole of it is the next chaining value.
func (s session) sign(c apdu.Command) session {
	message := make([]byte, 0, blockSize+5+len(c.Data))
	message = append(message, s.chain[:]...)
	message = append(message, byte(c.CLA&^classChannel|classMessaging), c.INS, c.P1, c.P2, byte(len(c.Data)+macSize))
	message = append(message, c.Data...)
	s.chain = [blockSize]byte(isomac.CMAC(newBlock(s.mac), message))
	return s
}

// signed is c with its C-MAC, and with the class that says so.
func (s session) signed(c apdu.Command) (session, apdu.Command) {
	s = s.sign(c)
	c.CLA |= classMessaging
	c.Data = append(bytes.Clone(c.Data), s.chain[:macSize]...)
	return s, c
}

// verified takes the C-MAC off c and compares it. The data aliases c's.
func (s session) verified(c apdu.Command) (session, apdu.Command, bool) {
	n := len(c.Data) - macSize
	if n < 0 || len(c.Data) > apdu.DataMaxShort || c.Ne > apdu.NeMaxShort || c.Extended || !protected(c.CLA) {
		return s, c, false
	}
	given := c.Data[n:]
	c.CLA &^= classMessaging
	c.Data = c.Data[:n:n]
	s = s.sign(c)
	return s, c, subtle.ConstantTimeCompare(given, s.chain[:macSize]) == 1
}

// responseMAC is the R-MAC over the chaining value of the command, the data as
// it travels, and the status (6.2.5).
func (s session) responseMAC(data []byte, status apdu.Status) []byte {
	message := make([]byte, 0, blockSize+len(data)+2)
	message = append(message, s.chain[:]...)
	message = append(message, data...)
	message = append(message, byte(status>>8), byte(status))
	return isomac.CMAC(newBlock(s.rmac), message)[:macSize]
}

// covered reports whether a response with this status has an R-MAC: all but
// errors do, and neither 61xx nor 6Cxx is anything else (6.2.5).
func covered(status apdu.Status) bool { return status.OK() || status.Warning() }

// The first byte of the counter block tells the two directions apart (6.2.6,
// 6.2.7).
const (
	ofCommand  = 0x00
	ofResponse = 0x80
)

// encrypted is data padded and encrypted for the current command or its
// response; no data stays none.
func (s session) encrypted(data []byte, direction byte) []byte {
	if len(data) == 0 {
		return nil
	}
	return encryptCBC(newBlock(s.enc), s.icv(direction), isomac.Pad2(data, blockSize))
}

// decrypted is the reverse. Only after a MAC has been found right may it be
// asked, so that its verdict tells nobody about the padding of his own data.
func (s session) decrypted(data []byte, direction byte) ([]byte, bool) {
	switch {
	case len(data) == 0:
		return nil, true
	case len(data)%blockSize != 0:
		return nil, false
	}
	return unpad(decryptCBC(newBlock(s.enc), s.icv(direction), data))
}

// icv is the counter block, encrypted.
func (s session) icv(direction byte) (icv [blockSize]byte) {
	icv[0] = direction
	binary.BigEndian.PutUint64(icv[blockSize-8:], s.commands)
	newBlock(s.enc).Encrypt(icv[:], icv[:])
	return icv
}

// unpad takes padding method 2 off: at most a block, never the whole of the
// data, since no data is not encrypted.
func unpad(padded []byte) ([]byte, bool) {
	end := len(padded) - 1
	for end > 0 && padded[end] == 0 {
		end--
	}
	if end == 0 || padded[end] != 0x80 || len(padded)-end > blockSize {
		return nil, false
	}
	return padded[:end:end], true
}

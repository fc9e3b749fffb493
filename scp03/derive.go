package scp03

import (
	"encoding/binary"
	"slices"

	"sotto/isomac"
	"sotto/secret"
)

// constant says what is derived (Amendment D, table 4-1).
type constant byte

const (
	forCardCryptogram constant = 0x00
	forHostCryptogram constant = 0x01
	forCardChallenge  constant = 0x02
	forENC            constant = 0x04
	forMAC            constant = 0x06
	forRMAC           constant = 0x07
)

// derive is the KDF in counter mode with CMAC (NIST SP 800-108, 5.1) in the
// form of Amendment D, 4.1.5: size bytes, at most 32, for this purpose and
// context.
func derive(key secret.Secret, purpose constant, context []byte, size int) []byte {
	const separator, length, counter = 12, 13, 15 // offsets; the label ends with the purpose
	input := make([]byte, counter+1, counter+1+len(context))
	input[separator-1] = byte(purpose)
	binary.BigEndian.PutUint16(input[length:], uint16(8*size)) // bits
	input = append(input, context...)

	block := newBlock(key)
	var out []byte
	for len(out) < size {
		input[counter]++
		out = append(out, isomac.CMAC(block, input)...)
	}
	return out[:size]
}

// deriveKey makes a session key as long as the key it comes from (6.2.1).
func deriveKey(key secret.Secret, purpose constant, context []byte) secret.Secret {
	out := derive(key, purpose, context, len(key.Reveal()))
	defer clear(out)
	return secret.New(out)
}

// cryptogram proves to the other end that S-MAC is known (6.2.2.2, 6.2.2.3).
func cryptogram(mac secret.Secret, purpose constant, context []byte) [macSize]byte {
	return [macSize]byte(derive(mac, purpose, context, macSize))
}

// CardChallenge is the challenge of a PseudoRandom card with this sequence
// counter and AID of its security domain (6.2.2.1). A host that knows the
// counter can make commands before it has seen the card.
func CardChallenge(k Keys, sequence uint32, aid []byte) [macSize]byte {
	context := append(sequenceBytes(sequence), aid...)
	return [macSize]byte(derive(k.enc, forCardChallenge, context, macSize))
}

func sequenceBytes(sequence uint32) []byte {
	return []byte{byte(sequence >> 16), byte(sequence >> 8), byte(sequence)}
}

// contextOf is what binds keys and cryptograms to one session.
func contextOf(host, card [macSize]byte) []byte { return slices.Concat(host[:], card[:]) }

package bankapi

import (
	"bytes"
	"crypto/ecdh"
	"testing"

	"sotto/secret"
)

func boxKey(t *testing.T, b byte) *ecdh.PrivateKey {
	t.Helper()
	k, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestPhoneKeyOverHPKE(t *testing.T) {
	const phone = "ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0C"
	key := secret.New(bytes.Repeat([]byte{5}, 32))
	box := boxKey(t, 1)
	sealed, err := SealPhoneKey(box.PublicKey().Bytes(), phone, key)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(sealed), 32+32+16; got != want {
		t.Errorf("%d bytes, want %d: enc, key, tag", got, want)
	}
	if got, err := OpenPhoneKey(box, phone, sealed); err != nil || !got.Equal(key) {
		t.Errorf("another key came out (%v)", err)
	}
	if _, err := OpenPhoneKey(boxKey(t, 2), phone, sealed); err == nil {
		t.Error("another phone's key opened it")
	}
	if _, err := OpenPhoneKey(box, "ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0X", sealed); err == nil {
		t.Error("it opened for another phone id")
	}
	for n := range sealed {
		if _, err := OpenPhoneKey(box, phone, sealed[:n]); err == nil {
			t.Errorf("cut after %d bytes it opened", n)
		}
		flipped := bytes.Clone(sealed)
		flipped[n] ^= 0x40
		if _, err := OpenPhoneKey(box, phone, flipped); err == nil {
			t.Errorf("with byte %d changed it opened", n)
		}
	}
	for name, public := range map[string][]byte{"none": nil, "short": make([]byte, 31), "long": make([]byte, 33), "of low order": make([]byte, 32)} {
		if _, err := SealPhoneKey(public, phone, key); err == nil {
			t.Errorf("sealed to a public key that is %s", name)
		}
	}
}

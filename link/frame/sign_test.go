package frame

import (
	"encoding/hex"
	"testing"
)

func TestSign(t *testing.T) {
	const card = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"
	nonce := [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
	s := NewSign(card, nonce)
	if got, want := hex.EncodeToString(s[:]), "0102030405060708"+"6ba3e56c583cb699"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !s.Of(card) || s.Of(card[:len(card)-1]+"C") || s.Of("") {
		t.Error("a sign is of its card and no other")
	}
	for i := range s {
		changed := s
		changed[i] ^= 1
		if changed.Of(card) {
			t.Errorf("byte %d can be changed", i)
		}
	}
}

package lab

import (
	"crypto/rand"
	"testing"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/phone/vault"
	"sotto/secret"
)

// TestTheRightKeyOpens proves that the thief's tries would succeed with a key
// that fits: a try that could not open anything would show nothing.
func TestTheRightKeyOpens(t *testing.T) {
	card, message, phone := ident.Raw{1}, ident.Raw{2}, ident.Raw{3}
	var b [32]byte
	_, _ = rand.Read(b[:])
	right := secret.New(b[:])
	body := dyncode.NewInner(right, card).Seal(nil, dyncode.CardSealed, message, 7, make([]byte, 64))
	d := bankapi.Dispatch{
		ID: ident.Text(ident.Dispatch, message), Kind: bankapi.DispatchCode, Profile: uint8(dyncode.CardSealed),
		Card: ident.Text(ident.Card, card), Body: body,
	}
	id := vault.Identity{Phone: ident.Text(ident.Phone, phone)}
	got := tryAll([]key{{"right", right}, {"wrong", secret.New(make([]byte, 32))}}, d, id)
	if got.Keys[0].Opened == 0 {
		t.Error("the card's own key does not open its code")
	}
	if got.Keys[1].Opened != 0 || got.Opened != got.Keys[0].Opened {
		t.Errorf("a wrong key opens it: %+v", got)
	}
}

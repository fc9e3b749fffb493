package scp03_test

import (
	"bytes"
	"fmt"

	"sotto/apdu"
	"sotto/scp03"
	"sotto/secret"
)

// A bank puts a key into a card. Challenges come from a random source, and the
// sequence counter from the card's store.
func Example() {
	static := secret.New(bytes.Repeat([]byte{0x40}, 16))
	keys, err := scp03.NewKeys(static, static, static)
	if err != nil {
		fmt.Println(err)
		return
	}
	domain := scp03.Domain{
		Keys: keys, KeyVersion: 1,
		Option: scp03.PseudoRandom | scp03.ResponseMAC | scp03.ResponseENC,
		AID:    []byte{0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00},
	}
	challenge, sequence := [8]byte{0xC0, 0xFF, 0xEE}, uint32(7)

	// INITIALIZE UPDATE: host to card, and back.
	offer, r := domain.Answer(scp03.InitializeUpdate(1, challenge), sequence, [8]byte{})
	answer, err := scp03.ParseAnswer(r)
	if err != nil {
		fmt.Println(err)
		return
	}

	// EXTERNAL AUTHENTICATE. The card stores the counter before it answers.
	level := scp03.CMAC | scp03.CDEC | scp03.RMAC | scp03.RENC
	opening, command, err := scp03.Authenticate(keys, challenge, answer, level)
	if err != nil {
		fmt.Println(err)
		return
	}
	card, sequence, r := offer.Accept(command)
	host, err := opening.Confirm(r)
	fmt.Println("opened:", err, "- next counter:", sequence)

	// STORE DATA with a key that is hidden once more.
	key, _ := keys.Encrypt(secret.New(bytes.Repeat([]byte{0x2B}, 16)))
	host, command, _ = host.Wrap(apdu.Command{CLA: 0x80, INS: 0xE2, P1: 0x80, Data: key})
	card, got, status := card.Unwrap(command)
	fmt.Printf("on the air: class %02X and %d bytes; the card: %v, %d bytes\n", byte(command.CLA), len(command.Data), status.String(), len(got.Data))

	_, r = card.Wrap(apdu.Response{Status: apdu.StatusOK})
	_, r, err = host.Unwrap(r)
	fmt.Println("answer:", r.Status.String(), err)

	// Output:
	// opened: <nil> - next counter: 8
	// on the air: class 84 and 40 bytes; the card: 9000 success, 16 bytes
	// answer: 9000 success <nil>
}

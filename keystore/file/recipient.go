package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// EncryptTo encrypts plain to an age recipient ("age1…") as armored text: how
// secrets leave the bank for a personalising station.
func EncryptTo(recipient string, plain []byte) (string, error) {
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return "", errors.New("the recipient is no age recipient; take the line that 'sotto card new' prints")
	}
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	sealed, err := age.Encrypt(armored, to)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	for _, step := range []func() error{
		func() error { _, err := io.Copy(sealed, bytes.NewReader(plain)); return err },
		sealed.Close, armored.Close,
	} {
		if err := step(); err != nil {
			return "", fmt.Errorf("encrypt: %w", err)
		}
	}
	return out.String(), nil
}

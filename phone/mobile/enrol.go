package mobile

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/dyncode"
	"sotto/phone/vault"
)

// Enrolment makes a folder a phone of the bank: set what is known and call
// Enrol. At least one key source is needed (A3); they are fixed from then on,
// and only a digest of them is kept.
type Enrolment struct {
	Dir    string // the phone's folder, which is made; closed to other users
	Ticket string // from the bank

	DeviceID    string // the device's own identifier, or "random" to draw one
	Account     []byte // an account datum
	Fingerprint []byte // a template, as the device's own sensor gives it
	Face        []byte

	SafeNetwork bool // allow http to other machines, where the network itself encrypts
}

// enrolMax is how long the bank may take.
const enrolMax = time.Minute

// Enrol redeems the ticket and writes the folder. It returns the phone's id. A
// ticket works once; what may fail here does so before it is spent.
func (e *Enrolment) Enrol() (string, error) {
	ticket, err := bankapi.ParseTicket(e.Ticket)
	if err != nil {
		return "", err
	}
	digest, err := e.digest()
	if err != nil {
		return "", err
	}
	v, err := vault.Prepare(e.Dir)
	if err != nil {
		return "", err
	}
	defer v.Close()
	var options []client.Option
	if e.SafeNetwork {
		options = append(options, client.SafeNetwork())
	}
	ctx, cancel := context.WithTimeout(context.Background(), enrolMax)
	defer cancel()
	got, err := client.Enrol(ctx, ticket, digest, rand.Reader, options...)
	if err != nil {
		return "", err
	}
	return got.Phone, v.Enrol(vault.Identity{
		Phone: got.Phone, Bank: ticket.URL, Bus: got.Bus, CA: got.CA, Seed: got.Seed, Key: got.Key, KeySource: digest,
	})
}

func (e *Enrolment) digest() ([32]byte, error) {
	k := dyncode.KeySource{Device: []byte(e.DeviceID), Account: e.Account, Fingerprint: e.Fingerprint, Face: e.Face}
	if e.DeviceID == "random" {
		var b [16]byte
		if _, err := rand.Read(b[:]); err != nil {
			return [32]byte{}, fmt.Errorf("draw a device identifier: %w", err)
		}
		k.Device = hex.AppendEncode(nil, b[:])
	}
	if len(k.Device)+len(k.Account)+len(k.Fingerprint)+len(k.Face) == 0 {
		return [32]byte{}, errKeySource
	}
	return k.Digest()
}

var errKeySource = errors.New("a phone needs a key source: set DeviceID, Account, Fingerprint or Face")

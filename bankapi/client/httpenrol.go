package client

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"sotto/bankapi"
	"sotto/secret"
)

// Enrolled is what a phone keeps of its enrolment.
type Enrolled struct {
	Phone string
	Bus   string        // URL of the bus
	CA    string        // PEM of its certificate authority; empty is the system's roots
	Seed  secret.Secret // of the phone's Ed25519 key, for the bus
	Key   secret.Secret // opens what the bank seals for this phone
}

// Errors of an enrolment that the ticket's maker has to mend.
var (
	errPin   = errors.New("the bank's certificate is not the one in the ticket: ask the issuer for a new ticket, over another way")
	errBus   = errors.New("the bank names no bus over TLS: ask the issuer to configure tls:// or wss://")
	errPhone = errors.New("the bank's answer is for another phone: ask the issuer for a new ticket")
)

// Enrol redeems a ticket for a phone with this key source. The phone's keys
// come from random, and only their public halves leave.
func Enrol(ctx context.Context, t bankapi.Ticket, keySource [32]byte, random io.Reader, options ...Option) (Enrolled, error) {
	c, err := New(t.URL, secret.Secret{}, options...)
	if err != nil {
		return Enrolled{}, err
	}
	seed, err := draw(random)
	if err != nil {
		return Enrolled{}, err
	}
	busKey, err := BusKeyOfSeed(seed)
	if err != nil {
		return Enrolled{}, err
	}
	boxSeed, err := draw(random)
	if err != nil {
		return Enrolled{}, err
	}
	defer boxSeed.Wipe()
	box, err := ecdh.X25519().NewPrivateKey(boxSeed.Reveal())
	if err != nil {
		return Enrolled{}, fmt.Errorf("make the phone's key: %w", err)
	}
	answer, err := c.EnrolPhone(ctx, bankapi.EnrolPhone{
		Ticket:    t.SecretText(),
		PublicKey: busKey,
		BoxKey:    base64.StdEncoding.EncodeToString(box.PublicKey().Bytes()),
		KeySource: base64.StdEncoding.EncodeToString(keySource[:]),
	})
	if err != nil {
		return Enrolled{}, fmt.Errorf("redeem the ticket: %w", err)
	}
	return accept(t, answer, box, seed)
}

func draw(random io.Reader) (secret.Secret, error) {
	var b [32]byte
	defer clear(b[:])
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return secret.Secret{}, fmt.Errorf("draw a key: %w", err)
	}
	return secret.New(b[:]), nil
}

// accept checks the bank's answer against the ticket and opens the phone key.
func accept(t bankapi.Ticket, a bankapi.Enrolment, box *ecdh.PrivateKey, seed secret.Secret) (Enrolled, error) {
	if a.Phone != t.Phone {
		return Enrolled{}, errPhone
	}
	if err := checkCA(a.CA, t.Pin); err != nil {
		return Enrolled{}, err
	}
	if !overTLS(a.Bus) {
		return Enrolled{}, errBus
	}
	sealed, err := base64.StdEncoding.DecodeString(a.PhoneKey)
	if err != nil {
		return Enrolled{}, bankapi.ErrBox
	}
	key, err := bankapi.OpenPhoneKey(box, a.Phone, sealed)
	if err != nil {
		return Enrolled{}, err
	}
	if len(key.Reveal()) != 32 {
		return Enrolled{}, bankapi.ErrBox
	}
	return Enrolled{Phone: a.Phone, Bus: a.Bus, CA: a.CA, Seed: seed, Key: key}, nil
}

// checkCA compares the one certificate in text with the pin. Without a pin any
// certificate will do, and none is the system's roots.
func checkCA(text string, pin []byte) error {
	if text == "" && len(pin) == 0 {
		return nil
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) != 0 {
		return errPin
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return errPin
	}
	digest := sha256.Sum256(block.Bytes)
	if len(pin) != 0 && !bytes.Equal(digest[:], pin) {
		return errPin
	}
	return nil
}

// overTLS reports whether each of the URLs asks for TLS.
func overTLS(urls string) bool {
	for one := range strings.SplitSeq(urls, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" || (u.Scheme != "tls" && u.Scheme != "wss") {
			return false
		}
	}
	return true
}

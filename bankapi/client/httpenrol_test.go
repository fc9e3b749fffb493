package client_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"sotto/bankapi"
	"sotto/bankapi/client"
	"sotto/secret"
)

const phoneText = "ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0C"

// newCA makes a certificate and its pin.
func newCA(t *testing.T) (text string, pin []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(der)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), digest[:]
}

func ticket(pin []byte) bankapi.Ticket {
	return bankapi.Ticket{URL: "https://bank.example", Phone: phoneText, Secret: secret.New(bytes.Repeat([]byte{7}, 32)), Pin: pin}
}

// enrolBank answers as the bank does, then lets change spoil it.
func enrolBank(t *testing.T, ca string, key secret.Secret, change func(*bankapi.Enrolment)) transport {
	t.Helper()
	return func(r *http.Request) reply {
		var in bankapi.EnrolPhone
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		if in.Ticket != ticket(nil).SecretText() || r.Header.Get("Authorization") != "" || r.URL.Path != "/v1/phones/enrol" {
			t.Errorf("ticket %q, path %s; want the ticket's secret and no key", in.Ticket, r.URL.Path)
		}
		box, err := base64.StdEncoding.DecodeString(in.BoxKey)
		if err != nil {
			t.Error(err)
		}
		sealed, err := bankapi.SealPhoneKey(box, phoneText, key)
		if err != nil {
			t.Error(err)
		}
		out := bankapi.Enrolment{
			Phone: phoneText, Bus: "tls://bank.example:4222", CA: ca,
			PhoneKey: base64.StdEncoding.EncodeToString(sealed),
		}
		if change != nil {
			change(&out)
		}
		b, err := json.Marshal(out)
		if err != nil {
			t.Error(err)
		}
		return object(string(b))
	}
}

func TestEnrol(t *testing.T) {
	ca, pin := newCA(t)
	other, _ := newCA(t)
	key := secret.New(bytes.Repeat([]byte{5}, 32))
	cases := []struct {
		name   string
		pin    []byte
		change func(*bankapi.Enrolment)
		want   string // in the error
	}{
		{"as it should be", pin, nil, ""},
		{"without a pin", nil, nil, ""},
		{"without a certificate or pin", nil, func(e *bankapi.Enrolment) { e.CA = "" }, ""},
		{"over WebSocket too", pin, func(e *bankapi.Enrolment) { e.Bus = "tls://a.example:1, wss://b.example:2" }, ""},
		{"another certificate", pin, func(e *bankapi.Enrolment) { e.CA = other }, "not the one in the ticket"},
		{"a second certificate", pin, func(e *bankapi.Enrolment) { e.CA = ca + other }, "not the one in the ticket"},
		{"no certificate", pin, func(e *bankapi.Enrolment) { e.CA = "" }, "not the one in the ticket"},
		{"no certificate but text", nil, func(e *bankapi.Enrolment) { e.CA = "hello" }, "not the one in the ticket"},
		{"a key for a certificate", nil, func(e *bankapi.Enrolment) { e.CA = strings.ReplaceAll(ca, "CERTIFICATE", "PRIVATE KEY") }, "not the one in the ticket"},
		{"a bus in clear", pin, func(e *bankapi.Enrolment) { e.Bus = "nats://bank.example:4222" }, "no bus over TLS"},
		{"one bus in clear", pin, func(e *bankapi.Enrolment) { e.Bus = "tls://a.example:1,ws://b.example:2" }, "no bus over TLS"},
		{"no bus", pin, func(e *bankapi.Enrolment) { e.Bus = "" }, "no bus over TLS"},
		{"another phone", pin, func(e *bankapi.Enrolment) { e.Phone = "ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0X" }, "another phone"},
		{"another's key", pin, func(e *bankapi.Enrolment) { e.PhoneKey = base64.StdEncoding.EncodeToString(make([]byte, 80)) }, "not sealed to this phone"},
		{"no key", pin, func(e *bankapi.Enrolment) { e.PhoneKey = "" }, "not sealed to this phone"},
		{"a key that is no base64", pin, func(e *bankapi.Enrolment) { e.PhoneKey = "!" }, "not sealed to this phone"},
	}
	for _, c := range cases {
		got, err := client.Enrol(t.Context(), ticket(c.pin), [32]byte{3}, mathrand.NewChaCha8([32]byte{1}),
			client.Transport(enrolBank(t, ca, key, c.change)))
		switch {
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want == "" && (!got.Key.Equal(key) || got.Phone != phoneText || len(got.Seed.Reveal()) != 32):
			t.Errorf("%s: another key or phone", c.name)
		}
	}
}

// The answer may be lost: the same phone asks again, with the same keys.
func TestEnrolAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := secret.New(bytes.Repeat([]byte{5}, 32))
		right := enrolBank(t, "", key, nil)
		asked := 0
		_, err := client.Enrol(t.Context(), ticket(nil), [32]byte{3}, mathrand.NewChaCha8([32]byte{1}),
			client.Transport(transport(func(r *http.Request) reply {
				if asked++; asked < 3 {
					return reply{err: errors.New("reset")}
				}
				return right(r)
			})))
		if err != nil || asked != 3 {
			t.Errorf("%d requests (%v), want 3", asked, err)
		}
	})
}

// A spent ticket is the bank's to explain.
func TestEnrolRefused(t *testing.T) {
	_, err := client.Enrol(t.Context(), ticket(nil), [32]byte{3}, mathrand.NewChaCha8([32]byte{1}),
		client.Transport(transport(func(*http.Request) reply {
			return problem(bankapi.NewProblem(bankapi.Forbidden, "ask the issuer for a new ticket"))
		})))
	var p *bankapi.Problem
	if !errors.As(err, &p) || !strings.Contains(err.Error(), "ask the issuer for a new ticket") {
		t.Errorf("got %v, want the bank's problem", err)
	}
}

package bankhttp_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/nats-io/nkeys"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
)

// enrol invites a phone and redeems its ticket.
func (w *world) enrol(name string) bankapi.Phone {
	w.t.Helper()
	var p bankapi.Phone
	w.must(201, w.issuer, "/v1/phones", bankapi.InvitePhone{Name: name}, &p)
	request, box := enrolment(w.t, p.Ticket)
	var e bankapi.Enrolment
	w.must(200, "", "/v1/phones/enrol", request, &e)
	sealed, err := base64.StdEncoding.DecodeString(e.PhoneKey)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := bankapi.OpenPhoneKey(box, p.ID, sealed)
	if err != nil {
		w.t.Fatal(err)
	}
	if want := dyncode.PhoneKey(w.keys.PhoneTransport, raw(w.t, ident.Phone, p.ID)); !key.Equal(want) {
		w.t.Error("the phone got another key than its own")
	}
	if e.Phone != p.ID || e.Bus != "tls://127.0.0.1:4222" || e.CA != "PEM" {
		w.t.Errorf("got enrolment %s %s %s", e.Phone, e.Bus, e.CA)
	}
	return p
}

func enrolment(t testing.TB, ticket string) (bankapi.EnrolPhone, *ecdh.PrivateKey) {
	t.Helper()
	parsed, err := bankapi.ParseTicket(ticket)
	if err != nil {
		t.Fatal(err)
	}
	box, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return bankapi.EnrolPhone{
		Ticket: parsed.SecretText(), PublicKey: public,
		BoxKey:    base64.StdEncoding.EncodeToString(box.PublicKey().Bytes()),
		KeySource: base64.StdEncoding.EncodeToString(make([]byte, 32)),
	}, box
}

func TestATicketWorksOnceAndForTheSamePhoneAgain(t *testing.T) {
	w := newWorld(t)
	var p bankapi.Phone
	w.must(201, w.issuer, "/v1/phones", bankapi.InvitePhone{Name: "second"}, &p)
	ticket, err := bankapi.ParseTicket(p.Ticket)
	if err != nil {
		t.Fatal(err)
	}
	if ticket.URL != w.url || ticket.Phone != p.ID || !bytes.Equal(ticket.Pin, bytes.Repeat([]byte{0xAB}, 32)) {
		t.Errorf("got ticket for %s at %s with pin %x", ticket.Phone, ticket.URL, ticket.Pin)
	}
	mine, _ := enrolment(t, p.Ticket)
	w.must(200, "", "/v1/phones/enrol", mine, nil)
	w.must(200, "", "/v1/phones/enrol", mine, nil) // its answer may have been lost
	thief, _ := enrolment(t, p.Ticket)
	if r := w.post("", "/v1/phones/enrol", thief); r.problem(t).Reason() != bankapi.Forbidden {
		t.Errorf("a second phone: %s", r.body)
	}
	thief.PublicKey = mine.PublicKey // which is no secret
	if r := w.post("", "/v1/phones/enrol", thief); r.problem(t).Reason() != bankapi.Forbidden {
		t.Errorf("another box key: %s", r.body)
	}
}

func TestAnEnrolmentThatCannotWorkLeavesTheTicket(t *testing.T) {
	w := newWorld(t)
	var p bankapi.Phone
	w.must(201, w.issuer, "/v1/phones", bankapi.InvitePhone{Name: "second"}, &p)
	good, _ := enrolment(t, p.Ticket)
	for field, spoil := range map[string]func(*bankapi.EnrolPhone){
		"public_key": func(e *bankapi.EnrolPhone) { e.PublicKey = "U" + strings.Repeat("A", 55) },
		"box_key":    func(e *bankapi.EnrolPhone) { e.BoxKey = base64.StdEncoding.EncodeToString(make([]byte, 32)) },
		"key_source": func(e *bankapi.EnrolPhone) { e.KeySource = base64.StdEncoding.EncodeToString(make([]byte, 31)) },
	} {
		bad := good
		spoil(&bad)
		r := w.post("", "/v1/phones/enrol", bad)
		if got := r.problem(t); got.Reason() != bankapi.Invalid || got.Field != field {
			t.Errorf("%s: got %s", field, r.body)
		}
	}
	w.must(200, "", "/v1/phones/enrol", good, nil)
}

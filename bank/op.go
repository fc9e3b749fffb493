package bank

import (
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"sotto/bankapi"
	"sotto/ident"
)

// Actor is on whose behalf an op is done.
type Actor struct {
	Role     bankapi.Role
	Merchant string // of RoleMerchant
}

// Roles besides those of API keys.
const (
	rolePayer bankapi.Role = "payer" // on the code page, which knows the payment's id
	rolePhone bankapi.Role = "phone"
	roleBank  bankapi.Role = "bank"
)

// The actors that hold no API key.
var (
	Payer  = Actor{Role: rolePayer}
	Self   = Actor{Role: roleBank}
	Issuer = Actor{Role: bankapi.RoleIssuer}
)

// PhoneActor is an enrolled phone on the bus.
func PhoneActor(id string) Actor { return Actor{Role: rolePhone, Merchant: id} }

// Op is one thing the bank is asked to do. It is pure: names tells which rows
// it needs (asked again after each load, until it names nothing new), and apply
// does it to them.
type Op interface {
	names(v *View, n *names)
	apply(o *opContext) Answer
}

// Answer is an op's outcome: a reason when the bank says no, and in either case
// the JSON body as it is sent, stored and replayed.
type Answer struct {
	Reason   bankapi.Reason
	Body     []byte
	Replayed bool
	// RetryAfter is in seconds, for Paced and Busy.
	RetryAfter int
}

// OK reports whether the bank did what it was asked.
func (a Answer) OK() bool { return a.Reason == "" }

// Problem reads the body of an answer that is not OK.
func (a Answer) Problem() *bankapi.Problem {
	var p bankapi.Problem
	if a.OK() {
		return nil
	}
	if err := json.Unmarshal(a.Body, &p); err != nil {
		panic("bank: a problem of its own cannot be read: " + err.Error())
	}
	return &p
}

// done answers with v.
func done(v any) Answer {
	if p, ok := v.(bankapi.Payment); ok {
		return Answer{Body: appendPayment(make([]byte, 0, paymentSize), &p)}
	}
	body, err := json.Marshal(v)
	if err != nil {
		panic("bank: an answer cannot be marshalled: " + err.Error())
	}
	return Answer{Body: body}
}

// paymentSize is room for a payment as JSON, unless its texts are long.
const paymentSize = 768

// no answers with a problem.
func no(r bankapi.Reason, detail string) Answer { return refuse(bankapi.NewProblem(r, detail)) }

// invalid answers that the value of a field is not allowed.
func invalid(field, detail string) Answer {
	p := bankapi.NewProblem(bankapi.Invalid, detail)
	p.Field = field
	return refuse(p)
}

func refuse(p *bankapi.Problem) Answer {
	a := done(p)
	a.Reason, a.RetryAfter = p.Reason(), p.RetryAfter
	return a
}

// wait answers that it is too early, and for how long.
func wait(r bankapi.Reason, detail string, millis int64) Answer {
	p := bankapi.NewProblem(r, detail)
	p.RetryAfter = int((millis + 999) / 1000)
	return refuse(p)
}

// names collects the rows that ops ask for.
type names struct {
	view  *View
	below *View // rows found there need not be asked of the store
	actor Actor
	want  []Key
	seen  map[Key]struct{}
}

func (n *names) row(kind Kind, id string) {
	if id == "" {
		return
	}
	k := Key{kind, id}
	if _, ok := n.seen[k]; ok || n.view.Has(k) {
		return
	}
	if n.below != nil && n.below.Has(k) {
		n.view.inherit(k, n.below)
		return
	}
	if !storable(id) {
		n.view.putNone(k)
		return
	}
	n.seen[k] = struct{}{}
	n.want = append(n.want, k)
}

// storable reports whether every store can be asked for this text. What cannot
// be text in one of them is no row's id, and asking would fail the whole batch.
func storable(id string) bool { return utf8.ValidString(id) && strings.IndexByte(id, 0) < 0 }

// opContext is all that apply may touch.
type opContext struct {
	*View
	now    int64 // Unix milliseconds
	random io.Reader
	keys   *Keys
	policy Policy
	actor  Actor
	events []bankapi.Event
	sent   []Dispatch // to be handed to the bus after the commit
	log    []Transfer // for the audit link
}

// draw fills b with randomness. A source that fails is no bank to work in.
func (o *opContext) draw(b []byte) {
	if _, err := io.ReadFull(o.random, b); err != nil {
		panic("bank: the random source failed: " + err.Error())
	}
}

func (o *opContext) newID(kind ident.Kind) string {
	var random [10]byte
	o.draw(random[:])
	return ident.Make(kind, o.now, random)
}

// newDispatchID is the id of a message, in both forms. Like every id it begins
// with its time, by which a phone knows which of two codes is the newer.
func (o *opContext) newDispatchID() (string, ident.Raw) {
	id := o.newID(ident.Dispatch)
	return id, mustRaw(ident.Dispatch, id)
}

func (o *opContext) draw12() (b [12]byte) {
	o.draw(b[:])
	return b
}

// emit records that something happened.
func (o *opContext) emit(kind, merchant, object string, amount int64, currency string) {
	if !bankapi.IsEventType(kind) {
		panic("bank: " + kind + " is not among bankapi.EventTypes")
	}
	o.events = append(o.events, bankapi.Event{
		Type: kind, At: bankapi.Time(o.now), Merchant: merchant, Object: object, Amount: amount, Currency: currency,
	})
}

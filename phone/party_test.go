package phone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// What the tests of this package stand on: state in memory that can fail, a
// bank that seals, a link that is a function.

var start = time.UnixMilli(1_800_000_000_000)

const (
	phoneText = "ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0C"
	cardText  = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"
	otherCard = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0X"
)

var (
	phoneRaw, _ = ident.Parse(ident.Phone, phoneText)
	cardRaw, _  = ident.Parse(ident.Card, cardText)
	phoneKey    = secret.New(fill(0x22))
)

func fill(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// dispatchID is the n-th id made so long after the start.
func dispatchID(after time.Duration, n byte) string {
	return ident.Make(ident.Dispatch, start.Add(after).UnixMilli(), [10]byte{n})
}

func rawOf(dispatch string) ident.Raw {
	r, err := ident.Parse(ident.Dispatch, dispatch)
	if err != nil {
		panic(err)
	}
	return r
}

// disk is a State. fail is asked at each Save: whether it fails, and whether it
// was kept all the same.
type disk struct {
	mu    sync.Mutex
	kept  map[string]Binding
	fail  func() (fails, kept bool)
	saves int
}

func (d *disk) Bindings() (map[string]Binding, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.kept), nil
}

func (d *disk) Save(card string, b Binding) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saves++
	fails, kept := false, true
	if d.fail != nil {
		fails, kept = d.fail()
	}
	if kept && b.Empty() {
		delete(d.kept, card)
	} else if kept {
		if d.kept == nil {
			d.kept = map[string]Binding{}
		}
		d.kept[card] = b
	}
	if fails {
		return errors.New("disk full")
	}
	return nil
}

// inUse is a disk with one card bound in this profile.
func inUse(p dyncode.Profile) *disk {
	return &disk{kept: map[string]Binding{cardText: {Active: Pairing{
		Dispatch: dispatchID(-time.Hour, 0), Profile: p, Secret: secret.New(fill(0xA1)),
	}}}}
}

// reach is a link.Reach.
type reach func(card string, message []byte) ([]byte, error)

func (f reach) Exchange(_ context.Context, card string, message []byte) ([]byte, error) {
	return f(card, message)
}

// sender is a Sender.
type sender func(bankapi.Report) error

func (f sender) Send(_ context.Context, body []byte) ([]byte, error) {
	r, err := bankapi.ParseReport(body)
	if err != nil {
		return nil, err
	}
	return []byte("{}"), f(r)
}

// rig is a phone whose clock is turned by hand.
type rig struct {
	*Phone
	now     time.Time
	sent    [][]byte // messages to cards, copied
	reports []bankapi.Report
	notes   []string // "state reason"
}

func newRig(t *testing.T, d *disk, answer reach) *rig {
	t.Helper()
	r := &rig{now: start}
	p, err := New(Config{
		ID: phoneText, Key: phoneKey, KeySource: [32]byte(fill(0x33)), State: d,
		Reach: reach(func(card string, m []byte) ([]byte, error) {
			r.sent = append(r.sent, bytes.Clone(m))
			return answer(card, m)
		}),
		Bank: sender(func(report bankapi.Report) error {
			r.reports = append(r.reports, report)
			return nil
		}),
		Now: func() time.Time { return r.now }, Random: rand.NewChaCha8([32]byte{1}),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.desk.note = func(state, _, _, reason string) {
		if reason != "" {
			state += " " + reason
		}
		r.notes = append(r.notes, state)
	}
	r.Phone = p
	return r
}

// give hands a dispatch in and does what is due.
func (r *rig) give(t *testing.T, d bankapi.Dispatch) {
	t.Helper()
	b, err := d.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Dispatch(t.Context(), d.ID, b); err != nil {
		t.Errorf("not taken: %v", err)
	}
	r.Turn(t.Context())
}

// shown is a card that answers every message with a bare receipt.
func shown(_ string, message []byte) ([]byte, error) {
	m, err := dyncode.Parse(message)
	if err != nil {
		return nil, err
	}
	return dyncode.AppendBareReceipt(nil, dyncode.Receipt{Result: dyncode.Shown, Message: m.ID}), nil
}

// paymentContent has every fact at a size.
func paymentContent(code string) dyncode.Content {
	return dyncode.Content{
		Kind: dyncode.Payment, Code: []byte(code), Lifetime: 180, ExpiresAt: uint64(start.Unix()) + 180,
		Amount: 12800, Currency: []byte("CNY"), Payee: []byte("Green Hill Tea"),
		Platform: []byte("shop.example"), Order: []byte("A-1001"),
		Description: []byte("Green tea, 250 g"), Account: []byte("621700******0001"),
	}
}

func padded(c dyncode.Content) []byte {
	b, err := c.Append(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// boxed seals plain for this phone, card and dispatch.
func boxed(dispatch string, plain []byte) []byte {
	return dyncode.NewBox(phoneKey, phoneRaw).Seal(nil, [12]byte{7}, cardRaw, rawOf(dispatch), plain)
}

// codeDispatch is a right one in this profile.
func codeDispatch(p dyncode.Profile, id, code string) bankapi.Dispatch {
	inner := dyncode.NewInner(secret.New(fill(0x11)), cardRaw)
	content := padded(paymentContent(code))
	d := bankapi.Dispatch{
		ID: id, Kind: bankapi.DispatchCode, Profile: uint8(p), Card: cardText,
		ExpiresAt: start.Add(3 * time.Minute).UnixMilli(),
	}
	switch p {
	case dyncode.CardSealed:
		d.Body = inner.Seal(nil, p, rawOf(id), 1, content)
	case dyncode.PhoneSealed:
		d.Body = boxed(id, dyncode.AppendClear(nil, 1, content))
	case dyncode.Plain:
		d.Body = boxed(id, content)
	}
	return d
}

// textLog writes what follows time, level and the word "dispatch".
func textLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}}))
}

package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/card"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link/mem"
	"sotto/phone"
	"sotto/phone/vault"
	"sotto/secret"
)

// The parties of the whole-way tests: a bank that seals and checks receipts, a
// real card on ideal air, and a real phone with its real folder. Time is the
// bubble's of testing/synctest.

const (
	cardText  = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"
	phoneText = "ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0C"
	payee     = "Green Hill Tea"
)

func raw(kind ident.Kind, text string) ident.Raw {
	r, err := ident.Parse(kind, text)
	if err != nil {
		panic(err)
	}
	return r
}

func fill(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// bank is the issuer's side of one card and one phone.
type bank struct {
	t       *testing.T
	profile dyncode.Profile
	inner   dyncode.Inner
	box     dyncode.Box
	counter uint64
	source  [32]byte

	mu      sync.Mutex
	down    bool           // reports do not arrive
	deaf    int            // reports that arrive without the phone hearing so
	reports map[string]int // how often a dispatch was reported
	answers map[string][]byte
}

func newBank(t *testing.T, p dyncode.Profile) *bank {
	t.Helper()
	b := &bank{t: t, profile: p, reports: map[string]int{}, answers: map[string][]byte{}}
	b.inner = dyncode.NewInner(secret.New(fill(0x11)), raw(ident.Card, cardText))
	b.box = dyncode.NewBox(secret.New(fill(0x22)), raw(ident.Phone, phoneText))
	copy(b.source[:], fill(0x33))
	return b
}

// Send implements phone.Sender.
func (b *bank) Send(_ context.Context, body []byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, errors.New("no bank")
	}
	r, err := bankapi.ParseReport(body)
	if err != nil {
		return nil, err
	}
	b.reports[r.Dispatch]++
	if was, ok := b.answers[r.Dispatch]; ok && !bytes.Equal(was, r.Answer) {
		b.t.Errorf("dispatch %s was answered twice, differently", r.Dispatch)
	}
	b.answers[r.Dispatch] = bytes.Clone(r.Answer)
	if b.deaf > 0 {
		b.deaf--
		return nil, errors.New("the answer was lost")
	}
	return []byte("{}"), nil
}

// told is how often a dispatch was reported.
func (b *bank) told(dispatch string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reports[dispatch]
}

// result is what was reported of a dispatch, authentic if the card can be.
func (b *bank) result(dispatch string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	answer, ok := b.answers[dispatch]
	if !ok {
		return "nothing"
	}
	if r, err := dyncode.ParseRefusal(answer); err == nil {
		return "refused: " + r.Reason.String()
	}
	verify := b.inner.Verify
	if b.profile == dyncode.Plain {
		verify = dyncode.ParseReceipt
	}
	r, err := verify(answer)
	if err != nil || r.Message != raw(ident.Dispatch, dispatch) {
		return "no receipt of ours"
	}
	return map[dyncode.Result]string{dyncode.Shown: "shown", dyncode.Bound: "bound", dyncode.Released: "released"}[r.Result]
}

func (b *bank) set(down bool, deaf int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down, b.deaf = down, deaf
}

// dispatch makes one as the bank does, with the parts its kind wants.
func (b *bank) dispatch(kind bankapi.DispatchKind, life time.Duration, pairing []byte, c dyncode.Content) (id string, body []byte) {
	var entropy [10]byte
	var nonce [12]byte
	rand.Read(entropy[:])
	rand.Read(nonce[:])
	now := time.Now()
	id = ident.Make(ident.Dispatch, now.UnixMilli(), entropy)
	message := raw(ident.Dispatch, id)
	c.ExpiresAt, c.Lifetime = uint64(now.Add(life).Unix()), uint16(life/time.Second)
	content, err := c.Append(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.counter++
	part := content
	if b.profile != dyncode.Plain {
		part = b.inner.Seal(nil, b.profile, message, b.counter, content)
	}
	if b.profile == dyncode.PhoneSealed && kind == bankapi.DispatchCode {
		part = dyncode.AppendClear(nil, b.counter, content)
	}
	boxed := func(plain []byte) []byte {
		return b.box.Seal(nil, nonce, raw(ident.Card, cardText), message, plain)
	}
	switch {
	case kind == bankapi.DispatchPair:
		part = boxed(bankapi.Pairing{Secret: pairing, BankPart: part}.Append(nil))
	case b.profile == dyncode.Plain || (b.profile == dyncode.PhoneSealed && kind == bankapi.DispatchCode):
		part = boxed(part)
	}
	body, err = bankapi.Dispatch{
		ID: id, Kind: kind, Profile: uint8(b.profile), Card: cardText,
		ExpiresAt: now.Add(life).UnixMilli(), Body: part,
	}.Append(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return id, body
}

func (b *bank) pair(pairing byte, code string) (string, []byte) {
	return b.dispatch(bankapi.DispatchPair, 10*time.Minute, fill(pairing), dyncode.Content{
		Kind: dyncode.Bind, Code: []byte(code), PhoneName: []byte("Mei's phone"),
		Phone: raw(ident.Phone, phoneText), Pairing: fill(pairing), KeySource: b.source[:],
	})
}

func (b *bank) code(code string) (string, []byte) {
	return b.dispatch(bankapi.DispatchCode, 3*time.Minute, nil, dyncode.Content{
		Kind: dyncode.Payment, Code: []byte(code), Amount: 12800, Currency: []byte("CNY"), Payee: []byte(payee),
		Platform: []byte("shop.example"), Order: []byte("A-1001"), Account: []byte("621700******0001"),
	})
}

func (b *bank) release() (string, []byte) {
	return b.dispatch(bankapi.DispatchRelease, 10*time.Minute, nil, dyncode.Content{Kind: dyncode.Release})
}

// glass is a prompt that counts what it shows.
type glass struct {
	mu    sync.Mutex
	codes []string
}

func (g *glass) Show(v card.View) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if v.Code != "" {
		g.codes = append(g.codes, v.Code)
	}
	return nil
}

func (*glass) Clear() {}

func (g *glass) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return fmt.Sprint(g.codes)
}

// memory is a card's store.
type memory struct{}

func (memory) Save([]byte) error { return nil }

// journal is a log that can be read while it is written.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// room is everything in one place.
type room struct {
	t     *testing.T
	bank  *bank
	card  *card.Device
	glass *glass
	air   *mem.Air
	dir   string
	log   *journal

	vault *vault.Vault
	phone *phone.Phone
	stop  func()
}

func newRoom(t *testing.T, p dyncode.Profile) *room {
	t.Helper()
	r := &room{t: t, bank: newBank(t, p), glass: &glass{}, air: mem.New(mem.Config{}), dir: t.TempDir() + "/phone", log: &journal{}}
	who := dyncode.Personalization{Card: raw(ident.Card, cardText), Holder: "LIN MEI", Language: "en", Profile: p}
	if p != dyncode.Plain {
		who.Key = secret.New(fill(0x11))
	}
	r.card = card.New(card.NewMemory(who), memory{}, r.glass, time.Now)
	r.air.Put(cardText, r.card)
	v, err := vault.Prepare(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	err = v.Enrol(vault.Identity{
		Phone: phoneText, Bank: "https://bank.example", Bus: "tls://bank.example:4222",
		Seed: secret.New(fill(0x44)), Key: secret.New(fill(0x22)), KeySource: r.bank.source,
	})
	if err := errors.Join(err, v.Close()); err != nil {
		t.Fatal(err)
	}
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *room) start() {
	var err error
	if r.vault, err = vault.Open(r.dir); err != nil {
		r.t.Fatal(err)
	}
	id := r.vault.Identity()
	r.phone, err = phone.New(phone.Config{
		ID: id.Phone, Key: id.Key, KeySource: id.KeySource, State: r.vault, Reach: r.air, Bank: r.bank,
		Now: time.Now, After: time.After, Random: rand.Reader,
		Log: slog.New(slog.NewTextHandler(r.log, nil)),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { r.phone.Run(ctx) })
	r.stop = func() {
		cancel()
		serving.Wait()
		r.vault.Close()
	}
}

// restart ends the phone and starts it again from its folder.
func (r *room) restart() {
	r.stop()
	r.start()
}

// give hands a dispatch to the phone as the bus would.
func (r *room) give(id string, body []byte) {
	r.t.Helper()
	if err := r.phone.Dispatch(r.t.Context(), id, body); err != nil {
		r.t.Errorf("dispatch %s was not taken: %v", id, err)
	}
}

func (r *room) want(dispatch, result string) {
	r.t.Helper()
	if got := r.bank.result(dispatch); got != result {
		r.t.Errorf("reported %q, want %q\n%s", got, result, r.log)
	}
}

func (r *room) wantCodes(want string) {
	r.t.Helper()
	if got := r.glass.String(); got != want {
		r.t.Errorf("the card showed %s, want %s\n%s", got, want, r.log)
	}
}

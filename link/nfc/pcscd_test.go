package nfc_test

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"sotto/bankapi"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link"
	"sotto/link/nfc"
	"sotto/link/pcsc"
	"sotto/link/pcsc/pcscdtest"
	"sotto/link/vpcd"
	"sotto/phone"
	"sotto/secret"
)

// insert puts a chip into a virtual reader of pcscd until the test ends.
func insert(t *testing.T, slot pcscdtest.Slot, c link.Chip) (remove func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- vpcd.Run(ctx, slot.Address, c, vpcd.Options{}) }()
	remove = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(remove)
	return remove
}

// state is the phone's, in memory.
type state struct {
	mu   sync.Mutex
	kept map[string]phone.Binding
}

func (s *state) Bindings() (map[string]phone.Binding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.kept), nil
}

func (s *state) Save(card string, b phone.Binding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[card] = b
	return nil
}

// outbox is the bank, as far as the phone sees it.
type outbox chan bankapi.Report

func (o outbox) Send(_ context.Context, body []byte) ([]byte, error) {
	r, err := bankapi.ParseReport(body)
	o <- r
	return []byte("{}"), err
}

// From the bank's sealed words to the card's screen and back to the bank, with
// the phone's code, pcscd, and the card's code; the chip is pulled before it, and
// another card lies in the other reader.
func TestDeliveryThroughPcscd(t *testing.T) {
	v := vectorOf(t, worked)
	b := newBoard(t, v)
	d := pcscdtest.Start(t)
	insert(t, d.Slots[1], nfc.NewCard(cardID, echo(), seeded()))
	insert(t, d.Slots[0], nfc.NewCard(cardID, echo(), seeded()))() // and gone again

	reader := pcsc.Daemon{Socket: d.Socket}.Reader(d.Slots[0].Reader)
	reports := make(outbox, 1)
	p, err := phone.New(phone.Config{
		ID: ident.Text(ident.Phone, ident.Raw(v.hex(t, "phone"))), Key: secret.New(make([]byte, dyncode.KeySize)),
		KeySource: [32]byte(v.hex(t, "key-source-digest")),
		State: &state{kept: map[string]phone.Binding{b.id: {Active: phone.Pairing{
			Dispatch: ident.Make(ident.Dispatch, 0, [10]byte{}), Profile: dyncode.CardSealed, Secret: secret.New(v.hex(t, "pairing")),
		}}}},
		Reach: nfc.NewReach(reader, nfc.Config{}), Bank: reports,
		Now: func() time.Time { return b.now }, After: time.After, Random: seeded(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	defer running.Wait()
	defer cancel()

	message := ident.Raw(v.hex(t, "id"))
	dispatch := bankapi.Dispatch{
		ID: ident.Text(ident.Dispatch, message), Kind: bankapi.DispatchCode, Profile: uint8(dyncode.CardSealed),
		Card: b.id, ExpiresAt: b.now.Add(3 * time.Minute).UnixMilli(), Body: v.hex(t, "bank-part"),
	}
	body, err := dispatch.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Dispatch(ctx, dispatch.ID, body); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // the phone waits; then the card is held to it
	insert(t, d.Slots[0], b)

	select {
	case r := <-reports:
		receipt, err := dyncode.NewInner(dyncode.CardKey(secret.New(v.hex(t, "master")), ident.Raw(v.hex(t, "card"))),
			ident.Raw(v.hex(t, "card"))).Verify(r.Answer)
		if err != nil || receipt.Result != dyncode.Shown || receipt.Message != message {
			t.Errorf("receipt: got %+v, %v", receipt, err)
		}
	case <-ctx.Done():
		t.Fatal("no receipt came")
	}
	view := b.device.View()
	if view.Code != v["code"] || view.Payee != v["payee"] {
		t.Errorf("the card shows %+v", view)
	}
	if p.Screen() != "" {
		t.Error("the phone shows something")
	}
}

// Anybody's tool can bring a prepared message: here opensc-tool, which knows
// nothing of cards of ours.
func TestOpenscToolDelivers(t *testing.T) {
	v := vectorOf(t, worked)
	b := newBoard(t, v)
	d := pcscdtest.Start(t)
	slot := d.Slots[0]
	insert(t, slot, b)
	waitFor(t, d, slot)
	message, answer := v.hex(t, "message"), v.hex(t, "answer")
	half := len(message) / 2
	put := func(class byte, data []byte) string {
		return hex.EncodeToString(append([]byte{class, 0xDA, 0x01, 0x00, byte(len(data))}, data...))
	}
	said, err := d.Command("opensc-tool", "--reader", slot.Reader,
		"--send-apdu", "00A4040007F0736F74746F0000",
		"--send-apdu", put(0x10, message[:half]),
		"--send-apdu", put(0x00, message[half:]),
		"--send-apdu", "00C0000000").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if want := strings.ToUpper(hex.EncodeToString(answer)); lastDump(string(said)) != want {
		t.Errorf("want %s at the end of\n%s", want, said)
	}
	if view := b.device.View(); view.Code != v["code"] {
		t.Errorf("the card shows %+v", view)
	}
}

// lastDump is the last response that opensc-tool prints, 16 bytes a line with the
// same as text beside them.
func lastDump(said string) string {
	const columns = 3 * 16
	_, dump, _ := strings.Cut(said[strings.LastIndex(said, "Received"):], "\n")
	var out strings.Builder
	for line := range strings.Lines(dump) {
		out.WriteString(strings.ReplaceAll(line[:min(columns, len(line))], " ", ""))
	}
	return strings.TrimSpace(out.String())
}

// waitFor waits until pcscd has seen the chip.
func waitFor(t *testing.T, d *pcscdtest.Daemon, slot pcscdtest.Slot) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := pcsc.Daemon{Socket: d.Socket}.Reader(slot.Reader).Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// pcscd dies, and a reader that there is not: out of reach, at once.
func TestNoPcscd(t *testing.T) {
	for _, reader := range []*pcsc.Reader{
		pcsc.Daemon{Socket: t.TempDir() + "/none"}.Reader(""),
		pcsc.Daemon{Socket: pcscdtest.Start(t).Socket}.Reader("no such reader"),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		began := time.Now()
		_, err := nfc.NewReach(reader, nfc.Config{}).Exchange(ctx, cardID, []byte("hello"))
		if !errors.Is(err, link.ErrOutOfReach) || time.Since(began) > 5*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		cancel()
	}
}

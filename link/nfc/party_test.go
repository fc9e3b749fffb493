package nfc_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sotto/card"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link"
	"sotto/link/nfc"
	"sotto/secret"
)

const cardID = "card_01JD3Z9Q8VXK4M2N7T5R6W8Y0B"

func seeded() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{1}) }

func echo() link.Handler {
	return link.HandlerFunc(func(m []byte) []byte { return append([]byte("re: "), m...) })
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// slot is a reader with a chip in it, which can be pulled.
type slot struct {
	chip link.Chip
	way  link.Interface
	// cut is asked before each command and before each response.
	cut   func(command int, response bool) bool
	sent  int
	heard [][]byte
}

func (s *slot) Connect(ctx context.Context) (link.Connection, error) {
	if s.chip == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	s.chip.Reset(s.way)
	return &presence{slot: s}, nil
}

type presence struct {
	*slot

	gone bool
}

func (p *presence) Interface() link.Interface { return p.way }
func (p *presence) Close() error              { p.gone = true; return nil }

func (p *presence) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := p.sent
	p.sent++
	if p.gone || p.cut != nil && p.cut(n, false) {
		p.gone = true
		return nil, link.ErrGone
	}
	p.heard = append(p.heard, bytes.Clone(command))
	response := p.chip.Transmit(command)
	if p.cut != nil && p.cut(n, true) {
		p.gone = true
		return nil, link.ErrGone
	}
	return response, nil
}

// vector is one of the test vectors of dynamic data.
type vector map[string]string

// vectorOf reads one by its name.
func vectorOf(t testing.TB, name string) vector {
	t.Helper()
	text, err := os.ReadFile("../../dyncode/testdata/dynamic-data.txt")
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		v := vector{}
		for line := range strings.Lines(block) {
			if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok && !strings.HasPrefix(line, "#") {
				v[name] = value
			}
		}
		if v["vector"] == name {
			return v
		}
	}
	t.Fatalf("there is no vector %q", name)
	return nil
}

func (v vector) hex(t testing.TB, name string) []byte {
	t.Helper()
	return unhex(t, v[name])
}

func (v vector) number(name string) int64 {
	n, _ := strconv.ParseInt(v[name], 10, 64)
	return n
}

// worked is the vector that the document works through.
const worked = "card-sealed payment, all details"

// board is a display card with flash that outlives its power.
type board struct {
	id     string
	now    time.Time
	memory []byte
	view   card.View
	shown  []string // codes, in their order
	device *card.Device
	chip   *nfc.Card
}

// newBoard makes the card that a vector speaks of.
func newBoard(t testing.TB, v vector) *board {
	t.Helper()
	id := ident.Raw(v.hex(t, "card"))
	m := card.NewMemory(dyncode.Personalization{Card: id, Holder: "A Holder", Language: "en", Profile: dyncode.CardSealed})
	m.Identity.Key = dyncode.CardKey(secret.New(v.hex(t, "master")), id)
	m.BankCounter = uint64(v.number("bank-counter-seen"))
	m.Active = card.Pairing{
		Phone: ident.Raw(v.hex(t, "phone")), Secret: secret.New(v.hex(t, "pairing")),
		KeySource: [32]byte(v.hex(t, "key-source-digest")), Counter: uint64(v.number("phone-counter-seen")),
	}
	b := &board{id: ident.Text(ident.Card, id), now: time.Unix(v.number("now"), 0)}
	encoded, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	b.memory = encoded
	b.power(t)
	return b
}

// power switches the card on, after its battery was pulled or for the first time.
func (b *board) power(t testing.TB) {
	t.Helper()
	m, err := card.ParseMemory(b.memory)
	if err != nil {
		t.Fatal(err)
	}
	b.view = card.View{}
	b.device = card.New(m, b, b, func() time.Time { return b.now })
	b.chip = nfc.NewCard(b.id, b.device, seeded())
}

func (b *board) Save(encoded []byte) error { b.memory = bytes.Clone(encoded); return nil }
func (b *board) Clear()                    { b.view = card.View{} }
func (b *board) Show(v card.View) error {
	b.view = v
	if v.Code != "" {
		b.shown = append(b.shown, v.Code)
	}
	return nil
}

// Reset and Transmit are those of the chip that has power now.
func (b *board) Reset(i link.Interface)         { b.chip.Reset(i) }
func (b *board) Transmit(command []byte) []byte { return b.chip.Transmit(command) }

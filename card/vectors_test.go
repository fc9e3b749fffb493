package card_test

import (
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sotto/card"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// The card answers every message of the protocol's test vectors as they say
// (docs/protocol/dynamic-data.md): what it shows, what it refuses, and why.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../dyncode/testdata/dynamic-data.txt")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for block := range strings.SplitSeq(string(text), "\n\n") {
		v := vector{}
		for line := range strings.Lines(block) {
			if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok && !strings.HasPrefix(line, "#") {
				v[name] = value
			}
		}
		if v["op"] != "read" {
			continue
		}
		read++
		t.Run(v["vector"], func(t *testing.T) {
			prompt := &seen{}
			device := card.New(v.memory(t), kept{}, prompt, func() time.Time { return time.Unix(v.number("now"), 0) })
			if got, want := hex.EncodeToString(device.Handle(v.hex(t, "message"))), v["answer"]; got != want {
				t.Errorf("answer:\ngot  %s\nwant %s", got, want)
			}
			if v["expect"] == "show" && prompt.code != v["code"] || v["expect"] != "show" && prompt.code != "" {
				t.Errorf("expect %s, and %d digits are shown", v["expect"], len(prompt.code))
			}
		})
	}
	if read < 40 {
		t.Errorf("only %d messages were read", read)
	}
}

type vector map[string]string

func (v vector) hex(t *testing.T, name string) []byte {
	t.Helper()
	b, err := hex.DecodeString(v[name])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (v vector) number(name string) int64 {
	n, _ := strconv.ParseInt(v[name], 10, 64)
	return n
}

// memory is that of a card which knows what the vector says.
func (v vector) memory(t *testing.T) card.Memory {
	t.Helper()
	p, _ := dyncode.ParseProfile(v["profile"])
	id := ident.Raw(v.hex(t, "card"))
	m := card.NewMemory(dyncode.Personalization{Card: id, Holder: "A Holder", Language: "en", Profile: p})
	if p == dyncode.Plain {
		return m
	}
	m.Identity.Key = dyncode.CardKey(secret.New(v.hex(t, "master")), id)
	m.BankCounter = uint64(v.number("bank-counter-seen"))
	if v["pairing"] != "" {
		m.Active = card.Pairing{
			Phone: ident.Raw(v.hex(t, "phone")), Secret: secret.New(v.hex(t, "pairing")),
			KeySource: [32]byte(v.hex(t, "key-source-digest")), Counter: uint64(v.number("phone-counter-seen")),
		}
	}
	return m
}

// seen is a prompt that keeps the code it was last given.
type seen struct{ code string }

func (s *seen) Show(v card.View) error { s.code = v.Code; return nil }
func (s *seen) Clear()                 { s.code = "" }

// kept is a store that never fails.
type kept struct{}

func (kept) Save([]byte) error { return nil }

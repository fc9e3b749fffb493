package dyncode

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"sotto/ident"
	"sotto/secret"
)

func somebodysCard() Personalization {
	return Personalization{
		Card: ident.Raw(bytes.Repeat([]byte{0xCA}, 16)), Holder: "LIN MEI", Language: "en",
		Profile: CardSealed, Key: secret.New(bytes.Repeat([]byte{0x4B}, KeySize)),
	}
}

func TestPersonalizationForm(t *testing.T) {
	got, err := somebodysCard().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "eb47" + "800101" + "810101" + "8210" + strings.Repeat("ca", 16) +
		"8307" + hex.EncodeToString([]byte("LIN MEI")) + "8402656e" + "8520" + strings.Repeat("4b", 32)
	if hex.EncodeToString(got) != want {
		t.Errorf("got  %x\nwant %s", got, want)
	}
	p, err := ParsePersonalization(got)
	if err != nil || p.Card != somebodysCard().Card || p.Holder != "LIN MEI" || p.Language != "en" ||
		p.Profile != CardSealed || !p.Key.Equal(somebodysCard().Key) {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestPersonalizationThatIsNone(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Personalization)
	}{
		{"no card", func(p *Personalization) { p.Card = ident.Raw{} }},
		{"no holder", func(p *Personalization) { p.Holder = "" }},
		{"long holder", func(p *Personalization) { p.Holder = strings.Repeat("m", HolderMax+1) }},
		{"holder is no UTF-8", func(p *Personalization) { p.Holder = "\xFF" }},
		{"language", func(p *Personalization) { p.Language = "EN" }},
		{"profile", func(p *Personalization) { p.Profile = 4 }},
		{"no key", func(p *Personalization) { p.Key = secret.Secret{} }},
		{"short key", func(p *Personalization) { p.Key = secret.New([]byte("short")) }},
		{"plain with a key", func(p *Personalization) { p.Profile = Plain }},
	}
	for _, tt := range tests {
		p := somebodysCard()
		tt.change(&p)
		if _, err := p.Append(nil); err == nil {
			t.Errorf("%s: got no error", tt.name)
		}
	}
	plain := somebodysCard()
	plain.Profile, plain.Key = Plain, secret.Secret{}
	if _, err := plain.Append(nil); err != nil {
		t.Errorf("plain without a key: %v", err)
	}
}

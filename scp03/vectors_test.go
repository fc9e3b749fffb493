package scp03_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/scp03"
	"sotto/secret"
)

// line is one line of a transcript.
type line struct {
	name  string
	value []byte
}

// transcript is what testdata/scp03.txt has of one session.
type transcript struct {
	name  string
	lines []line
}

func (v transcript) value(name string) []byte {
	for _, l := range v.lines {
		if l.name == name {
			return l.value
		}
	}
	return nil
}

func (v transcript) command(t *testing.T, name string) apdu.Command {
	t.Helper()
	return command(t, v.value(name))
}

func (v transcript) keys(t *testing.T) scp03.Keys {
	t.Helper()
	k, err := scp03.NewKeys(secret.New(v.value("enc")), secret.New(v.value("mac")), secret.New(v.value("dek")))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (v transcript) answer(t *testing.T) scp03.Answer {
	t.Helper()
	a, err := scp03.ParseAnswer(apdu.Response{Data: v.value("answer"), Status: apdu.StatusOK})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestHostKeepsToTheTranscripts(t *testing.T) {
	for _, v := range readTranscripts(t) {
		t.Run(v.name, func(t *testing.T) { playHost(t, v) })
	}
}

func playHost(t *testing.T, v transcript) {
	t.Helper()
	update, answer := v.command(t, "update"), v.answer(t)
	channel := update.CLA & 3
	challenge := [8]byte(update.Data)
	first := scp03.InitializeUpdate(update.P1, challenge)
	first.CLA |= channel
	want(t, "INITIALIZE UPDATE", first.Bytes(), v.value("update"))
	if answer.Option.Allows(scp03.CMAC|scp03.RMAC) != (v.value("answer")[12]&0x20 != 0) {
		t.Error("R-MAC is or is not among the card's options")
	}

	level := scp03.Level(v.value("authenticate")[2])
	opening, second, err := scp03.Authenticate(v.keys(t), challenge, answer, level)
	if err != nil {
		t.Fatal(err)
	}
	second.CLA |= channel
	want(t, "EXTERNAL AUTHENTICATE", second.Bytes(), v.value("authenticate"))
	host, err := opening.Confirm(apdu.Response{Status: apdu.StatusOK})
	if err != nil || host.Level() != level {
		t.Fatal(err, host.Level())
	}

	var plain, wrapped apdu.Command
	var response []byte
	for _, l := range v.lines {
		switch l.name {
		case "command":
			plain = command(t, l.value)
		case "wrapped":
			if host, wrapped, err = host.Wrap(plain); err != nil {
				t.Fatal(err)
			}
			want(t, l.name, wrapped.Bytes(), l.value)
		case "response":
			response = l.value
		case "sealed":
			var r apdu.Response
			if host, r, err = host.Unwrap(parseResponse(t, l.value)); err != nil {
				t.Fatal(err)
			}
			want(t, "response", r.Bytes(), response)
		}
	}
}

func TestCardKeepsToTheTranscripts(t *testing.T) {
	played := 0
	for _, v := range readTranscripts(t) {
		if v.answer(t).Sequence != 0 && v.value("aid") == nil {
			continue // the challenge cannot be made again
		}
		played++
		t.Run(v.name, func(t *testing.T) { playCard(t, v) })
	}
	if played < 15 {
		t.Errorf("played only %d transcripts", played)
	}
}

func playCard(t *testing.T, v transcript) {
	t.Helper()
	a := v.answer(t)
	domain := scp03.Domain{
		Keys: v.keys(t), KeyVersion: a.KeyVersion, Diversification: a.Diversification,
		Option: a.Option, AID: v.value("aid"),
	}
	random := a.Challenge
	if a.Option&scp03.PseudoRandom != 0 {
		random = [8]byte{1, 2, 3} // not to be used
	}
	offer, r := domain.Answer(v.command(t, "update"), a.Sequence, random)
	want(t, "answer", r.Bytes(), append(v.value("answer"), 0x90, 0x00))

	card, next, r := offer.Accept(v.command(t, "authenticate"))
	want(t, "response to EXTERNAL AUTHENTICATE", r.Bytes(), []byte{0x90, 0x00})
	counted := a.Sequence
	if a.Option&scp03.PseudoRandom != 0 {
		counted++
	}
	if next != counted || card.Level() != scp03.Level(v.value("authenticate")[2]) || !card.Open() {
		t.Errorf("next counter %d, level %02X, open %v", next, card.Level(), card.Open())
	}

	var expected, response []byte
	for _, l := range v.lines {
		switch l.name {
		case "command":
			expected = l.value
		case "wrapped":
			var plain apdu.Command
			var status apdu.Status
			if card, plain, status = card.Unwrap(command(t, l.value)); !status.OK() {
				t.Fatal(status)
			}
			want(t, "command", plain.Bytes(), expected)
		case "response":
			response = l.value
		case "sealed":
			card, r = card.Wrap(parseResponse(t, response))
			want(t, l.name, r.Bytes(), l.value)
		}
	}
}

func TestSensitiveData(t *testing.T) {
	played := 0
	for _, v := range readTranscripts(t) {
		if v.value("sensitive") == nil {
			continue
		}
		played++
		k := v.keys(t)
		hidden, err := k.Encrypt(secret.New(v.value("sensitive")))
		if err != nil {
			t.Fatal(err)
		}
		want(t, v.name, hidden, v.value("hidden"))
		shown, err := k.Decrypt(hidden)
		if err != nil || !shown.Equal(secret.New(v.value("sensitive"))) {
			t.Errorf("%s: decrypted to something else: %v", v.name, err)
		}
	}
	if played == 0 {
		t.Error("no vector")
	}
	k := keysOf(t, 16)
	for _, n := range []int{0, 1, 15, 17} {
		if _, err := k.Encrypt(secret.New(make([]byte, n))); !errors.Is(err, scp03.ErrData) {
			t.Errorf("%d bytes: encrypted, %v", n, err)
		}
		if _, err := k.Decrypt(make([]byte, n)); !errors.Is(err, scp03.ErrData) {
			t.Errorf("%d bytes: decrypted, %v", n, err)
		}
	}
}

func readTranscripts(t testing.TB) (all []transcript) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "scp03.txt"))
	if err != nil {
		t.Fatal(err)
	}
	known := []string{
		"enc", "mac", "dek", "aid", "update", "answer", "authenticate",
		"sensitive", "hidden", "command", "wrapped", "response", "sealed",
	}
	for text := range strings.Lines(string(text)) {
		text = strings.TrimSuffix(text, "\n")
		if text == "" || text[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(text, ": ")
		if name == "vector" {
			all = append(all, transcript{name: value})
			continue
		}
		b, err := hex.DecodeString(value)
		if !ok || err != nil || !slices.Contains(known, name) {
			t.Fatalf("not a line of a transcript: %q", text)
		}
		v := &all[len(all)-1]
		v.lines = append(v.lines, line{name, b})
	}
	if len(all) < 18 {
		t.Fatalf("only %d transcripts", len(all))
	}
	return all
}

func command(t testing.TB, b []byte) apdu.Command {
	t.Helper()
	c, err := apdu.Parse(b)
	if err != nil {
		t.Fatalf("%X: %v", b, err)
	}
	return c
}

func parseResponse(t testing.TB, b []byte) apdu.Response {
	t.Helper()
	r, err := apdu.ParseResponse(b)
	if err != nil {
		t.Fatalf("%X: %v", b, err)
	}
	return r
}

func want(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\ngot  %X\nwant %X", what, got, want)
	}
}

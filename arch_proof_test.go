package sotto_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// sound is a small house that keeps every rule, also by using what only looks
// like a breach.
var sound = map[string]string{
	"tlv/tlv.go":             "// Package tlv reads.\npackage tlv\nimport \"errors\"\nvar Err = errors.New(\"x\")",
	"tlv/tlv_test.go":        "package tlv_test\nimport (\"os\"; \"time\"; _ \"sotto/link\")\nvar _ = os.Getenv(time.Now().String())",
	"emv/emv.go":             "// Package emv speaks.\npackage emv\nimport (_ \"sotto/tlv\"; \"time\")\nvar T time.Time",
	"link/link.go":           "// Package link joins.\npackage link\nimport _ \"sotto/emv\"",
	"bank/bank.go":           "// Package bank rules.\npackage bank\nimport _ \"sotto/tlv\"\nfunc f() { go f() }",
	"bank/bank_test.go":      "package bank_test\nimport (_ \"sotto/bank/sqlite\"; _ \"sotto/link/mem\")",
	"bank/sqlite/s.go":       "// Package sqlite keeps.\npackage sqlite\nimport (_ \"sotto/bank\"; _ \"database/sql\"; \"time\")\nvar T = time.Now()",
	"bank/sqlite/s_test.go":  "package sqlite_test\nimport (_ \"sotto/bank/storetest\"; _ \"sotto/phone\")",
	"bank/sqlite/sub/s.go":   "// Package sub is a part.\npackage sub\nimport _ \"sotto/bank/sqlite\"",
	"bank/sqlite/t.go":       "package sqlite\nimport _ \"sotto/bank/sqlite/sub\"",
	"bank/storetest/s.go":    "// Package storetest tests.\npackage storetest\nimport _ \"sotto/bank\"",
	"phone/phone.go":         "// Package phone passes on.\npackage phone\nimport \"strings\"\ntype clock struct{ Now func() string }\nfunc f(time clock) { strings.ToUpper(time.Now()) }",
	"card/card.go":           "// Package card shows.\npackage card\nimport (_ \"sotto/tlv\"; _ \"crypto/aes\")",
	"card/card_test.go":      "package card\nimport _ \"fmt\"",
	"card/screen/s.go":       "// Package screen draws.\npackage screen\nimport (_ \"sotto/card\"; _ \"image\")",
	"link/mem/m.go":          "// Package mem joins.\npackage mem\nimport _ \"sotto/link\"",
	"lab/lab.go":             "// Package lab shows all.\npackage lab\nimport (_ \"sotto/bank/sqlite\"; _ \"sotto/phone\"; _ \"sotto/lab/web\")",
	"lab/web/w.go":           "// Package web serves.\npackage web",
	"cmd/sotto/main.go":      "// Sotto does it all.\npackage main\nimport (\"os\"; _ \"sotto/lab\")\nfunc main() { os.Exit(len(os.Getenv(\"X\"))) }",
	"cmd/sotto/main_test.go": "package main\nimport _ \"sotto/bank\"",
}

// For each rule: a file that is added to the sound house, and what is found.
var breaches = []struct {
	rule, file, text, want string
}{
	{"every folder has a floor", "util/u.go", "// Package util is.\npackage util", "util: no floor"},
	{"every folder has a floor", "cmd/c.go", "// Package cmd is.\npackage cmd", "cmd: no floor"},
	{"every folder has a floor", "tlv/more/m.go", "// Package more is.\npackage more", "tlv/more: no floor"},
	{"every folder has a floor", "keystore/k.go", "// Package keystore is.\npackage keystore", "keystore: no floor"},

	{"imports go down", "tlv/a.go", "package tlv\nimport _ \"sotto/emv\"", "tlv/a.go imports emv"},
	{"imports go down", "tlv/a.go", "package tlv\nimport _ \"sotto/money\"", "tlv/a.go imports money"},
	{"imports go down", "emv/a.go", "package emv\nimport _ \"sotto/bank\"", "emv/a.go imports bank"},
	{"imports go down", "emv/a_test.go", "package emv\nimport _ \"sotto/bank\"", "emv/a_test.go imports bank"},
	{"imports go down", "bank/a.go", "package bank\nimport _ \"sotto/phone\"", "bank/a.go imports phone"},
	{"imports go down", "bank/a.go", "package bank\nimport _ \"sotto/bank/sqlite\"", "bank/a.go imports bank/sqlite"},
	{"imports go down", "bank/a.go", "package bank\nimport _ \"sotto/link/mem\"", "bank/a.go imports link/mem"},
	{"imports go down", "bank/a_test.go", "package bank\nimport _ \"sotto/phone\"", "bank/a_test.go imports phone"},
	{"imports go down", "bank/a_test.go", "package bank\nimport _ \"sotto/card/screen\"", "bank/a_test.go imports card/screen"},
	{"imports go down", "bank/a_test.go", "package bank\nimport _ \"sotto/lab\"", "bank/a_test.go imports lab"},
	{"imports go down", "bank/sqlite/a.go", "package sqlite\nimport _ \"sotto/phone\"", "bank/sqlite/a.go imports phone"},
	{"imports go down", "bank/sqlite/a.go", "package sqlite\nimport _ \"sotto/bank/storetest\"", "bank/sqlite/a.go imports bank/storetest"},
	{"imports go down", "bank/sqlite/sub/a.go", "package sub\nimport _ \"sotto/bank/storetest\"", "bank/sqlite/sub/a.go imports bank/storetest"},
	{"imports go down", "bank/sqlite/a.go", "package sqlite\nimport _ \"sotto/lab\"", "bank/sqlite/a.go imports lab"},
	{"imports go down", "bank/sqlite/a_test.go", "package sqlite\nimport _ \"sotto/lab\"", "bank/sqlite/a_test.go imports lab"},
	{"imports go down", "lab/a.go", "package lab\nimport _ \"sotto/world\"", "lab/a.go imports world"},
	{"imports go down", "lab/a.go", "package lab\nimport _ \"sotto/cmd/sotto\"", "lab/a.go imports cmd/sotto"},
	{"imports go down", "tlv/a_test.go", "package tlv\nimport _ \"sotto/util\"", "tlv/a_test.go imports util"},
	{"imports go down", "lab/a_test.go", "package lab\nimport _ \"sotto/util\"", "lab/a_test.go imports util"},
	{"imports go down", "lab/a.go", "package lab\nimport _ \"sotto/util\"", "lab/a.go imports util"},

	{"only programs read the environment or exit", "lab/a.go", "package lab\nimport \"os\"\nvar X = os.Getenv(\"X\")", "lab/a.go uses os.Getenv"},
	{"only programs read the environment or exit", "lab/a.go", "package lab\nimport o \"os\"\nvar X = o.Environ", "lab/a.go uses os.Environ"},
	{"only programs read the environment or exit", "bank/sqlite/a.go", "package sqlite\nimport \"os\"\nfunc f() { os.Exit(1) }", "bank/sqlite/a.go uses os.Exit"},
	{"only programs read the environment or exit", "bank/sqlite/a.go", "package sqlite\nimport \"log\"\nfunc f() { log.Fatalf(\"x\") }", "bank/sqlite/a.go uses log.Fatalf"},

	{"words are pure", "tlv/a.go", "package tlv\nimport _ \"os\"", "tlv/a.go imports os"},
	{"words are pure", "tlv/a.go", "package tlv\nimport _ \"net/http\"", "tlv/a.go imports net/http"},
	{"words are pure", "tlv/a.go", "package tlv\nimport _ \"log\"", "tlv/a.go imports log"},
	{"words are pure", "tlv/a.go", "package tlv\nimport _ \"log/slog\"", "tlv/a.go imports log/slog"},
	{"words are pure", "tlv/a.go", "package tlv\nimport _ \"crypto/rand\"", "tlv/a.go imports crypto/rand"},
	{"words are pure", "tlv/a.go", "package tlv\nimport _ \"math/rand/v2\"", "tlv/a.go imports math/rand/v2"},
	{"words are pure", "tlv/a.go", "package tlv\nimport \"time\"\nvar T = time.Now()", "tlv/a.go uses time.Now"},
	{"words are pure", "tlv/a.go", "package tlv\nimport x \"time\"\nfunc f() { x.Sleep(1) }", "tlv/a.go uses time.Sleep"},
	{"words are pure", "tlv/a.go", "package tlv\nfunc f() { go f() }", "tlv/a.go starts a goroutine"},

	{"rooms are handed time, randomness and the world", "bank/a.go", "package bank\nimport \"time\"\nvar T = time.Now()", "bank/a.go uses time.Now"},
	{"rooms are handed time, randomness and the world", "bank/a.go", "package bank\nimport \"time\"\nvar T = time.After", "bank/a.go uses time.After"},
	{"rooms are handed time, randomness and the world", "bank/a.go", "package bank\nimport _ \"crypto/rand\"", "bank/a.go imports crypto/rand"},
	{"rooms are handed time, randomness and the world", "bank/a.go", "package bank\nimport _ \"database/sql\"", "bank/a.go imports database/sql"},
	{"rooms are handed time, randomness and the world", "bank/a.go", "package bank\nimport _ \"os\"", "bank/a.go imports os"},

	{"a card builds for a microcontroller", "card/a.go", "package card\nimport _ \"fmt\"", "card/a.go is built into a card and imports fmt"},
	{"a card builds for a microcontroller", "card/screen/a.go", "package screen\nimport _ \"image/png\"", "card/screen/a.go is built into a card and imports image/png"},
	{"a card builds for a microcontroller", "card/screen/a.go", "package screen\nimport \"time\"\nvar T = time.Now()", "card/screen/a.go uses time.Now"},
	{"a card builds for a microcontroller", "tlv/a.go", "package tlv\nimport _ \"encoding/json\"", "tlv/a.go is built into a card and imports encoding/json"},

	{"every package has a comment", "pos/a.go", "package pos", "pos: no package comment"},
	{"every package has a comment", "pos/a.go", "// Something else.\npackage pos", "pos: no package comment"},
	{"every package has a comment", "cmd/other/a.go", "package main", "cmd/other: no package comment"},

	{"no dot imports", "tlv/a.go", "package tlv\nimport . \"strings\"", "tlv/a.go: dot import"},
}

func build(t *testing.T, files map[string]string) house {
	t.Helper()
	var h house
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h = append(h, parse(t, name, files[name]))
	}
	return h
}

func TestTheSoundHouseHasNoBreach(t *testing.T) {
	h := build(t, sound)
	for _, r := range rules {
		if found := r.check(h); len(found) != 0 {
			t.Errorf("%s: %q", r.name, found)
		}
	}
}

func TestEveryRuleFindsItsBreach(t *testing.T) {
	proved := map[string]bool{}
	for _, b := range breaches {
		at := slices.IndexFunc(rules, func(r rule) bool { return r.name == b.rule })
		if at < 0 {
			t.Fatalf("no rule is called %q", b.rule)
		}
		files := maps.Clone(sound)
		files[b.file] = b.text
		found := rules[at].check(build(t, files))
		if len(found) != 1 || !strings.Contains(found[0], b.want) {
			t.Errorf("%s, %s: got %q, want %q", b.rule, b.file, found, b.want)
		}
		proved[b.rule] = true
	}
	for _, r := range rules {
		if !proved[r.name] {
			t.Errorf("nothing proves the rule %q", r.name)
		}
	}
}

// An exception that nothing needs any more is a hole in the wall.
func TestExceptionsAreNeeded(t *testing.T) {
	used := map[string]bool{}
	for _, f := range readHouse(t, ".") {
		for _, imported := range f.imports() {
			if to, ours := strings.CutPrefix(imported, module+"/"); ours && !f.test {
				used[f.dir+" "+to] = true
			}
		}
	}
	for pair, reason := range exceptions {
		if !used[pair] {
			t.Errorf("%q (%s) is not imported", pair, reason)
		}
	}
}

package sotto_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// soundMap and soundTap fit each other. Single quotes stand for back quotes.
const soundMap = `# Clauses

Read 'emv.ParseDOL' first, and 'package.Function' as it stands.

## EMV 4.4 Book 3

| clause | what it says | where | test | reading, deviation |
|---|---|---|---|---|
| 5.4 | lists | 'emv.DOL' 'emv.ParseDOL' | 'emv.TestDOL' | filled twice |
| 10.9 to 10.11 | the end | 'emv.DOL.End' | 'emv/testdata/end.txt' | |
| Annex C5 | results | 'emv.TVR' | 'emv.TestDOL' | |

## Others

| clause | what it says | where | test | reading, deviation |
|---|---|---|---|---|
| ISO/IEC 7816-4, 5.6 | status words | 'emv.StatusOK' | 'emv.FuzzDOL' | |
`

var soundTap = map[string]string{
	"emv/dol.go": `// Package emv speaks EMV 4.4.
package emv

// DOL is a list (EMV 4.4 Book 3, 5.4, steps 2c and 2d).
type DOL []byte

// ParseDOL reads one.
//
// Reading: 5.4 does not forbid that a tag stands twice.
func ParseDOL() {}

// End ends it (Book 3, 10.9 and 10.10; ISO/IEC
// 7816-4:2020, 5.6, 3).
func (d *DOL) End() {
	// (10.11)
}

type (
	TVR int // Book 3, annex C5, of 0.5 bytes
)

const StatusOK = 0x9000
`,
	"emv/dol_test.go":  "package emv_test\nfunc TestDOL() {} // Book 3, 99.9\nfunc FuzzDOL() {}\nfunc helper() {}",
	"bank/payment.go":  "package bank\n\n// pay pays online (Book 3, 99.9).\nfunc pay() {}",
	"bank/doc_test.go": "package bank\nimport _ \"sotto/emv\"",
}

// For each rule: a change of the map, or a file that is added to the sound tap,
// and what is found.
var mapBreaches = []struct {
	rule, old, new, file, text, want string
}{
	{rule: "every row can be read", old: "| 5.4 |", new: "| five |", want: "line 9: a row names"},
	{rule: "every row can be read", old: "'emv.FuzzDOL'", new: "a fuzzer", want: "line 17: a row names"},
	{rule: "every row can be read", old: "'emv.DOL' 'emv.ParseDOL'", new: "emv.DOL", want: "line 9: a row names"},
	{rule: "every row can be read", old: "| filled twice |", new: "|", want: "line 9: a row has five"},
	{rule: "every row can be read", old: "| lists |", new: "| lists | and more |", want: "line 9: a row has five"},

	{rule: "what the map names is there", old: "'emv.DOL.End'", new: "'emv.DOL.Begin'", want: "line 10: emv.DOL.Begin is no function"},
	{rule: "what the map names is there", old: "'emv.DOL.End'", new: "'emv.End'", want: "line 10: emv.End is no function"},
	{rule: "what the map names is there", old: "'emv.StatusOK'", new: "'emv.TestDOL'", want: "line 17: emv.TestDOL is no function"},
	{rule: "what the map names is there", old: "'emv.FuzzDOL'", new: "'emv.TestStatus'", want: "line 17: emv.TestStatus is no test"},
	{rule: "what the map names is there", old: "'emv.FuzzDOL'", new: "'emv.helper'", want: "line 17: emv.helper is no test"},
	{rule: "what the map names is there", old: "end.txt", new: "start.txt", want: "line 10: emv/testdata/start.txt is no file"},
	{rule: "what the map names is there", old: "Read 'emv.ParseDOL'", new: "Read 'emv.ReadDOL'", want: "emv.ReadDOL is not there"},

	{rule: "every clause that is cited has a row", old: "| 5.4 |", new: "| 5.5 |", want: "emv/dol.go cites EMV Book 3, 5.4,"},
	{rule: "every clause that is cited has a row", old: "Annex C5", new: "Annex C6", want: "emv/dol.go cites EMV Book 3, C5,"},
	{rule: "every clause that is cited has a row", old: "10.9 to 10.11", new: "10.9 and 10.10", want: "emv/dol.go cites (10.11)"},
	{rule: "every clause that is cited has a row", old: "10.9 to 10.11", new: "10.9, 10.11", want: "emv/dol.go cites EMV Book 3, 10.10,"},
	{rule: "every clause that is cited has a row", old: "7816-4, 5.6", new: "7816-4, 5.7", want: "emv/dol.go cites ISO/IEC 7816-4, 5.6,"},
	{rule: "every clause that is cited has a row", file: "tlv/t.go", text: "package tlv\n// A tag (ISO/IEC 8825-1, 8.1.2).\nvar Tag int", want: "tlv/t.go cites ISO/IEC 8825-1, 8.1.2,"},
	{rule: "every clause that is cited has a row", file: "tlv/t.go", text: "package tlv\n// A tag of JR/T 0025.12.\nvar Tag int", want: "tlv/t.go cites JR/T 0025.12,"},
	{rule: "every clause that is cited has a row", file: "emv/t.go", text: "package emv\n// A tag (EMV Contactless Book B,\n// table A-2).\nvar Tag int", want: "emv/t.go cites EMV Contactless Book B, table A-2,"},
	{rule: "every clause that is cited has a row", file: "emv/t.go", text: "package emv\nfunc f() {\n\t// 10.12, 3: the end\n}", want: "emv/t.go cites (10.12)"},
	{rule: "every clause that is cited has a row", file: "tlv/t.go", text: "package tlv\n// Of another book (5.4).\nvar Tag int", want: "tlv/t.go cites (5.4)"},
	{rule: "every clause that is cited has a row", file: "bank/tap.go", text: "package bank\nimport _ \"sotto/emv\"\n// A tap (GPCS 2.3, table 11-4).\nvar Tap int", want: "bank/tap.go cites GlobalPlatform Card Specification, table 11-4,"},

	{rule: "every reading has a row", old: "| filled twice |", new: "|  |", want: "emv/dol.go: the reading of ParseDOL"},
	{rule: "every reading has a row", old: "'emv.DOL' 'emv.ParseDOL'", new: "'emv.DOL'", want: "emv/dol.go: the reading of ParseDOL"},
	{rule: "every reading has a row", file: "emv/t.go", text: "package emv\nfunc (d DOL) f() {\n\t// Reading: nobody says.\n}", want: "emv/t.go: the reading of DOL.f"},
	{rule: "every reading has a row", file: "emv/t.go", text: "package emv\nconst (\n\tA = 1\n\tB = 2 // Reading: or 3.\n)", want: "emv/t.go: the reading of B "},
}

func readSound(change func(string) string) specMap {
	return readMap(strings.ReplaceAll(change(soundMap), "'", "`"), func(path string) bool { return path == "emv/testdata/end.txt" })
}

func TestTheSoundMapHasNoBreach(t *testing.T) {
	m := readSound(func(s string) string { return s })
	for _, r := range mapRules {
		if found := r.check(m, build(t, soundTap)); len(found) != 0 {
			t.Errorf("%s: %q", r.name, found)
		}
	}
}

func TestEveryRuleOfTheMapFindsItsBreach(t *testing.T) {
	proved := map[string]bool{}
	for _, b := range mapBreaches {
		at := slices.IndexFunc(mapRules, func(r mapRule) bool { return r.name == b.rule })
		if at < 0 {
			t.Fatalf("no rule is called %q", b.rule)
		}
		files := maps.Clone(soundTap)
		if b.file != "" {
			files[b.file] = b.text
		}
		m := readSound(func(s string) string { return strings.Replace(s, b.old, b.new, 1) })
		found := mapRules[at].check(m, build(t, files))
		if !slices.ContainsFunc(found, func(breach string) bool { return strings.Contains(breach, b.want) }) {
			t.Errorf("%s, %q for %q, %s: got %q, want %q", b.rule, b.new, b.old, b.file, found, b.want)
		}
		proved[b.rule] = true
	}
	for _, r := range mapRules {
		if !proved[r.name] {
			t.Errorf("nothing proves the rule %q", r.name)
		}
	}
}

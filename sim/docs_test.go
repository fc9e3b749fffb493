package sim_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	apduBlock = regexp.MustCompile("(?ms)^```apdu\n(.*?)^```")
	comment   = regexp.MustCompile(`  .*`)
)

// docs/tap.md walks through a tap that was recorded: byte for byte this one.
func TestTheTapOfTheDocs(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "amount-first.apdu"))
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for line := range strings.Lines(string(golden)) {
		if strings.HasPrefix(line, "> ") || strings.HasPrefix(line, "< ") {
			want.WriteString(bare(line[:2] + comment.ReplaceAllString(line[2:], "")))
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "tap.md"))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, block := range apduBlock.FindAllStringSubmatch(string(page), -1) {
		got.WriteString(bare(block[1]))
	}
	if got.String() != want.String() || want.Len() < 1000 {
		t.Errorf("the page has\n%s\nand the transcript\n%s", got.String(), want.String())
	}
}

// bare is a transcript without blanks.
func bare(s string) string { return strings.Join(strings.Fields(s), "") }

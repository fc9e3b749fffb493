package sotto_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// floorRow is a row of the table of floors: its name, and packages in backquotes.
var floorRow = regexp.MustCompile(`(?m)^\| (words|rooms|adapters|doors) \|([^|]*)\|`)

// ARCHITECTURE.md places every package on the floor that it is on, and names none
// that is not there. What is below an adapter's family or a door is part of it.
func TestTheDocumentKnowsEveryPackage(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]string{}
	for _, row := range floorRow.FindAllStringSubmatch(string(text), -1) {
		for _, token := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
			for _, dir := range spread(token[1]) {
				written[dir] = row[1]
			}
		}
	}
	floors := map[floor]string{word: "words", room: "rooms", adapter: "adapters", door: "doors", entrance: "doors"}
	seen := map[string]bool{}
	for _, dir := range readHouse(t, ".").dirs() {
		if dir == "." {
			continue
		}
		want := floors[floorOf(dir)]
		switch floorOf(dir) {
		case adapter:
			dir = family(dir)
		case door:
			if household(dir) != "phone" {
				dir = household(dir)
			}
		case unknown, word, room, entrance:
		}
		seen[dir] = true
		if written[dir] != want {
			t.Errorf("%s: ARCHITECTURE.md has it among %q, want %s", dir, written[dir], want)
		}
	}
	for dir := range written {
		if !seen[dir] {
			t.Errorf("ARCHITECTURE.md has %s, which is not there", dir)
		}
	}
}

// spread is a/{b,c} as a/b and a/c.
func spread(token string) []string {
	start, rest, some := strings.Cut(token, "{")
	if !some {
		return []string{token}
	}
	var all []string
	for name := range strings.SplitSeq(strings.TrimSuffix(rest, "}"), ",") {
		all = append(all, start+name)
	}
	slices.Sort(all)
	return all
}

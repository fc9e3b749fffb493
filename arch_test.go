// Package sotto_test keeps the rules of the house (ARCHITECTURE.md): which
// package may import which, who may read a clock or the environment, and what
// may go into a card. Each rule is a function from sources to breaches, and
// TestEveryRuleFindsItsBreach proves each of them on a house that breaks it.
package sotto_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

type rule struct {
	name  string
	check func(house) []string
}

var rules = []rule{
	{"every folder has a floor", everyFolderHasAFloor},
	{"imports go down", importsGoDown},
	{"only programs read the environment or exit", onlyProgramsReadAndExit},
	{"words are pure", wordsArePure},
	{"rooms are handed time, randomness and the world", roomsAreHandedTheWorld},
	{"a card builds for a microcontroller", cardsStaySmall},
	{"every package has a comment", everyPackageHasAComment},
	{"no dot imports", noDotImports},
}

func everyFolderHasAFloor(h house) (breaches []string) {
	for _, dir := range h.dirs() {
		if dir != "." && floorOf(dir) == unknown {
			breaches = append(breaches, dir+": no floor of its own; place it in arch_test.go")
		}
	}
	return breaches
}

func importsGoDown(h house) (breaches []string) {
	for _, f := range h {
		allowed := mayImport
		if f.test {
			allowed = testMayImport
		}
		for _, imported := range f.imports() {
			to, ours := strings.CutPrefix(imported, module+"/")
			if ours && f.dir != "." && !allowed(f.dir, to) {
				breaches = append(breaches, fmt.Sprintf("%s imports %s", f.path, to))
			}
		}
	}
	return breaches
}

var environmentAndExits = map[string][]string{
	"os":      {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv", "Exit"},
	"syscall": {"Getenv", "Environ", "Setenv", "Exit"},
	"log":     {"Fatal", "Fatalf", "Fatalln"},
}

func onlyProgramsReadAndExit(h house) (breaches []string) {
	for _, f := range h {
		program := household(f.dir) == "examples" && f.tree.Name.Name == "main"
		if !f.test && floorOf(f.dir) != entrance && !program {
			breaches = append(breaches, f.uses(environmentAndExits)...)
		}
	}
	return breaches
}

// clock is what reads the time or waits for it. Types of package time are free.
var clock = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
}

// The world outside, by import path or, with a closing slash, by its start.
var (
	outside    = []string{"os", "os/", "net", "net/http", "net/http/", "net/rpc", "syscall", "database/", "log", "plugin", "unsafe"}
	randomness = []string{"crypto/rand", "math/rand", "math/rand/"}
	logging    = []string{"log/"}
)

func wordsArePure(h house) (breaches []string) {
	for _, f := range h {
		if f.test || floorOf(f.dir) != word {
			continue
		}
		breaches = append(breaches, f.importsAny(outside, randomness, logging)...)
		breaches = append(breaches, f.uses(clock)...)
		breaches = append(breaches, f.goroutines()...)
	}
	return breaches
}

func roomsAreHandedTheWorld(h house) (breaches []string) {
	for _, f := range h {
		if f.test || floorOf(f.dir) != room {
			continue
		}
		breaches = append(breaches, f.importsAny(outside, randomness)...)
		breaches = append(breaches, f.uses(clock)...)
	}
	return breaches
}

// cardRoots are built into a card, with everything of the module they import.
var cardRoots = []string{"card", "card/screen", "card/voice", "card/flash/slot"}

// cardMayImport is all that these may import from outside the module. Of time
// only the types: see clock.
var cardMayImport = []string{
	"bytes", "cmp", "embed", "encoding/binary", "errors", "io", "iter", "math", "math/bits", "slices",
	"strconv", "strings", "sync", "time", "unicode", "unicode/utf8",
	"crypto/aes", "crypto/cipher", "crypto/hkdf", "crypto/hmac", "crypto/sha256", "crypto/subtle",
	"image", "image/color", "golang.org/x/image/font", "golang.org/x/image/math/fixed",
	"github.com/hajimehoshi/bitmapfont/v3",
}

func cardsStaySmall(h house) (breaches []string) {
	seen := map[string]bool{}
	for todo := slices.Clone(cardRoots); len(todo) > 0; todo = todo[1:] {
		dir := todo[0]
		if seen[dir] {
			continue
		}
		seen[dir] = true
		for _, f := range h {
			if f.dir != dir || f.test {
				continue
			}
			breaches = append(breaches, f.uses(clock)...)
			for _, imported := range f.imports() {
				if to, ours := strings.CutPrefix(imported, module+"/"); ours {
					todo = append(todo, to)
				} else if !slices.Contains(cardMayImport, imported) {
					breaches = append(breaches, fmt.Sprintf("%s is built into a card and imports %s", f.path, imported))
				}
			}
		}
	}
	return breaches
}

func everyPackageHasAComment(h house) (breaches []string) {
	commented := map[string]bool{}
	for _, f := range h {
		doc := f.tree.Doc.Text()
		good := strings.HasPrefix(doc, "Package "+f.tree.Name.Name+" ") ||
			f.tree.Name.Name == "main" && doc != ""
		commented[f.dir] = commented[f.dir] || good
	}
	for _, dir := range h.dirs() {
		if !commented[dir] {
			breaches = append(breaches, dir+": no package comment that begins with its name")
		}
	}
	return breaches
}

func noDotImports(h house) (breaches []string) {
	for _, f := range h {
		for _, spec := range f.tree.Imports {
			if spec.Name != nil && spec.Name.Name == "." {
				breaches = append(breaches, f.path+": dot import, which hides whose name is used")
			}
		}
	}
	return breaches
}

func TestTheHouseKeepsItsRules(t *testing.T) {
	h := readHouse(t, ".")
	// A test that looked at nothing would pass too.
	for _, dir := range []string{"tlv", "secret", "ident", "money", "apdu"} {
		if !slices.Contains(h.dirs(), dir) {
			t.Errorf("package %s was not looked at", dir)
		}
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, breach := range r.check(h) {
				t.Error(breach)
			}
		})
	}
}

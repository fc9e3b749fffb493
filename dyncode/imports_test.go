package dyncode_test

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The package also runs in a card: nothing that formats by reflection, opens
// files or knows the time.
func TestImports(t *testing.T) {
	allowed := []string{
		"crypto/aes", "crypto/cipher", "crypto/hkdf", "crypto/hmac", "crypto/sha256",
		"encoding/binary", "errors", "io", "slices", "unicode/utf8",
		"sotto/ident", "sotto/secret", "sotto/tlv",
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		read++
		for _, one := range file.Imports {
			if path, _ := strconv.Unquote(one.Path.Value); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
	if read == 0 {
		t.Error("no file was looked at")
	}
}

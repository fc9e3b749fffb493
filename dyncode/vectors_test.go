package dyncode_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

var update = flag.Bool("update", false, "write testdata/dynamic-data.txt anew")

const vectorFile = "testdata/dynamic-data.txt"

// vector is one block of the file: lines "name: value", each name once.
type vector struct {
	names  []string
	values map[string]string
}

func (v vector) String() string {
	var b strings.Builder
	for _, name := range v.names {
		fmt.Fprintf(&b, "%s: %s\n", name, v.values[name])
	}
	return b.String()
}

// The file is what the vectors of makeVectors are.
func TestVectorFileIsCurrent(t *testing.T) {
	var b strings.Builder
	b.WriteString(vectorHeader)
	for _, v := range makeVectors(t) {
		b.WriteString("\n" + v.String())
	}
	if *update {
		if err := os.WriteFile(vectorFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Errorf("%s is not what the package writes now; if that is meant, run: go test ./dyncode -run Vector -update", vectorFile)
	}
}

// Everything in the file is derived again from the inputs that stand in it, as
// an implementation in another language would.
func TestVectors(t *testing.T) {
	all := readVectors(t)
	if len(all) < 40 {
		t.Fatalf("only %d vectors", len(all))
	}
	seen := map[string]vector{}
	for _, v := range all {
		name := v.values["vector"]
		if _, ok := seen[name]; ok {
			t.Errorf("two vectors are called %q", name)
		}
		seen[name] = v
		t.Run(name, func(t *testing.T) {
			in := &inputs{t: t, v: v, used: map[string]bool{"vector": true, "op": true, "note": true}}
			check, ok := map[string]func(*inputs, map[string]vector){
				"keys": checkKeys, "key-source": checkKeySource, "code-mac": checkCodeMAC,
				"phone-box": checkBox, "personalization": checkPersonalization,
				"read": checkRead, "receipt": checkReceipt,
			}[v.values["op"]]
			if !ok {
				t.Fatalf("unknown op %q", v.values["op"])
			}
			check(in, seen)
			for _, name := range v.names {
				if !in.used[name] {
					t.Errorf("%s is there and was not checked", name)
				}
			}
		})
	}
}

// The same file is checked by an implementation that shares no code with this
// one, and runs on Node.js alone.
func TestVectorsElsewhere(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is not installed; on Debian: apt-get install nodejs")
	}
	// The script is read here and handed over, so that the go command counts it
	// among the inputs of the test.
	script, err := os.ReadFile(filepath.FromSlash("../docs/protocol/check.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	check := exec.Command(node, "--input-type=module", "-", vectorFile)
	check.Stdin = bytes.NewReader(script)
	out, err := check.CombinedOutput()
	if err != nil {
		t.Fatalf("check.mjs: %v\n%s", err, out)
	}
	if want := fmt.Sprintf("%d vectors hold\n", len(readVectors(t))); string(out) != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// What the documentation works through is one of the vectors.
func TestDocumentedExampleIsAVector(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../docs/protocol/dynamic-data.md"))
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	for _, one := range readVectors(t) {
		if one.values["vector"] == "card-sealed payment, all details" {
			v = one
		}
	}
	for _, name := range []string{"padded", "bank-part", "message", "answer"} {
		_, rest, found := strings.Cut(string(text), "<!-- "+name+" -->\n```\n")
		block, _, closed := strings.Cut(rest, "```")
		if !found || !closed {
			t.Errorf("the documentation has no block %s", name)
			continue
		}
		var digits strings.Builder
		for line := range strings.Lines(block) {
			code, _, _ := strings.Cut(line, "  ") // what follows two spaces explains
			digits.WriteString(strings.ToLower(strings.ReplaceAll(strings.TrimSpace(code), " ", "")))
		}
		if digits.String() != v.values[name] {
			t.Errorf("%s in the documentation is not that of the vector:\n%s\n%s", name, digits.String(), v.values[name])
		}
	}
}

func readVectors(t *testing.T) (all []vector) {
	t.Helper()
	text, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(text), "\n\n") {
		v := vector{values: map[string]string{}}
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(line, "#") {
				continue
			}
			if line == "" {
				continue
			}
			name, value, ok := strings.Cut(line, ": ")
			if _, twice := v.values[name]; !ok || twice {
				t.Fatalf("not a line of a vector, or its second: %q", line)
			}
			v.names = append(v.names, name)
			v.values[name] = value
		}
		if len(v.names) > 0 {
			all = append(all, v)
		}
	}
	return all
}

// inputs reads the values of one vector, and remembers which were read.
type inputs struct {
	t    *testing.T
	v    vector
	used map[string]bool
}

func (in *inputs) has(name string) bool { _, ok := in.v.values[name]; return ok }

func (in *inputs) text(name string) string {
	in.used[name] = true
	return in.v.values[name]
}

func (in *inputs) hex(name string) []byte {
	b, err := hex.DecodeString(in.text(name))
	if err != nil {
		in.t.Fatalf("%s: %v", name, err)
	}
	return b
}

func (in *inputs) id(name string) (r ident.Raw) {
	if n := copy(r[:], in.hex(name)); n != len(r) && in.has(name) {
		in.t.Fatalf("%s has %d bytes", name, n)
	}
	return r
}

func (in *inputs) secret(name string) secret.Secret { return secret.New(in.hex(name)) }

func (in *inputs) number(name string) uint64 {
	if !in.has(name) {
		return 0
	}
	n, err := strconv.ParseUint(in.text(name), 10, 64)
	if err != nil {
		in.t.Fatalf("%s: %v", name, err)
	}
	return n
}

func (in *inputs) bytes(name string) []byte {
	if !in.has(name) {
		return nil
	}
	return []byte(in.text(name))
}

func (in *inputs) profile() dyncode.Profile {
	p, ok := dyncode.ParseProfile(in.text("profile"))
	if !ok {
		in.t.Fatal("unknown profile")
	}
	return p
}

func (in *inputs) inner() dyncode.Inner {
	return dyncode.NewInner(dyncode.CardKey(in.secret("master"), in.id("card")), in.id("card"))
}

func (in *inputs) outer() dyncode.Outer {
	return dyncode.NewOuter(in.secret("pairing"), in.id("card"), in.id("phone"), [32]byte(in.hex("key-source-digest")))
}

// want compares what was derived with what the file says.
func (in *inputs) want(name string, got []byte) {
	in.t.Helper()
	if want := in.hex(name); !bytes.Equal(got, want) {
		in.t.Errorf("%s:\ngot  %x\nwant %x", name, got, want)
	}
}

func (in *inputs) expect(got string) {
	in.t.Helper()
	if want := in.text("expect"); got != want {
		in.t.Errorf("expect: got %s, want %s", got, want)
	}
}

package cps_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sotto/emv/cps"
)

var update = flag.Bool("update", false, "write "+vectorFile+" anew")

const vectorFile = "testdata/cps.txt"

const vectorHeader = `# Test vectors of personalization (EMV Card Personalization Specification 1.1, in
# the form that the package document gives it).
#
# A vector is a block of lines "name: value"; an empty line ends it, and a line
# that begins with # explains. Values are hexadecimal, but for labels and kinds.
#
#   vector           its name
#   aid .. priority  what INSTALL says of the applet
#   0101 .. 9104     the groups, in clear; what is absent has no line
#   file             the file in which the bank hands the applet out
#   block 0 ..       P1, P2 and data of the STORE DATA blocks of at most 239
#                    bytes, key groups padded and encrypted with AES-128 in CBC
#                    mode, ICV zero, under the key 03 sixteen times
#
# Certificates are made with keys of the vectors of oda: ca-1408, issuer-1408 and
# icc-1024; under a large CA key ca-1984 and icc-1024-3; with remainders, and with
# one certificate, issuer-1152; with a short key part icc-1024-short. All keys here
# are public: they are for tests.
`

// ids are all groups, in ascending order.
var ids = []cps.ID{
	cps.IssuerRecord, cps.ICCRecord, cps.LastRecord, cps.ContactRecord, cps.ContactICCRecord, cps.AccountData, cps.CardKeys,
	cps.KeyQInv, cps.KeyDQ, cps.KeyDP, cps.KeyQ, cps.KeyP, cps.CheckValues, cps.FCI, cps.Processing,
}

func makeVector(t *testing.T, name string, p cps.Profile) string {
	t.Helper()
	a := must[cps.Applet](t)(p.Applet())
	var b strings.Builder
	line := func(name string, value []byte) { fmt.Fprintf(&b, "%s: %x\n", name, value) }
	fmt.Fprintf(&b, "vector: %s\n", name)
	line("aid", a.AID)
	fmt.Fprintf(&b, "label: %s\nkind: %v\n", a.Label, a.Kind)
	line("priority", []byte{a.Priority})
	for _, id := range ids {
		if data := dataOf(a, id); data != nil {
			line(id.String(), data)
		}
	}
	line("file", must[[]byte](t)(a.Append(nil)))
	hidden := must[[]cps.Group](t)(cps.Encrypt(a.Groups, channel(t).Encrypt))
	for i, block := range must[[]cps.Block](t)(cps.Blocks(hidden, 239)) {
		line(fmt.Sprint("block ", i), append([]byte{block.P1, block.P2}, block.Data...))
	}
	return b.String()
}

// The file is what the package makes of the samples now.
func TestVectorFileIsCurrent(t *testing.T) {
	text := vectorHeader
	all := samples(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text += "\n" + makeVector(t, name, all[name])
	}
	if *update {
		if err := os.WriteFile(vectorFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := must[[]byte](t)(os.ReadFile(vectorFile)); string(got) != text {
		t.Errorf("%s is not what the package writes now; if that is meant, run: go test ./emv/cps -run Vector -update", vectorFile)
	}
}

// What stands in the file is read: the file of each vector, and its blocks.
func TestVectors(t *testing.T) {
	all := readBlocks(t, vectorFile)
	if len(all) < 10 {
		t.Fatalf("only %d vectors", len(all))
	}
	for _, v := range all {
		t.Run(v["vector"], func(t *testing.T) {
			a := must[cps.Applet](t)(cps.ParseApplet(unhex(t, v["file"])))
			if a.Label != v["label"] || a.Kind.String() != v["kind"] || !bytes.Equal(a.AID, unhex(t, v["aid"])) || a.Priority != unhex(t, v["priority"])[0] {
				t.Error("the file says otherwise")
			}
			if _, err := a.Profile(); err != nil {
				t.Error(err)
			}
			for _, id := range ids {
				if got := hex.EncodeToString(dataOf(a, id)); got != v[id.String()] {
					t.Errorf("%v: got %s", id, got)
				}
			}
			var card cps.Assembly
			for i := 0; !card.Done(); i++ {
				b := unhex(t, v[fmt.Sprint("block ", i)])
				if len(b) < 2 {
					t.Fatalf("no block %d", i)
				}
				card = must[cps.Assembly](t)(card.Add(cps.Block{P1: b[0], P2: b[1], Data: b[2:]}))
			}
			if groups := must[[]cps.Group](t)(cps.Decrypt(card.Groups(), channel(t).Decrypt)); !same(groups, a.Groups) {
				t.Error("the blocks say otherwise")
			}
		})
	}
}

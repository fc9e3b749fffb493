package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sotto/secret"
)

type holder struct {
	Exported secret.Secret
	inner    secret.Secret
	pointer  *secret.Secret
}

// Every verb, nested and not, and both slog handlers: the bytes stay inside, in
// clear, hex and decimal form.
func TestNothingPrintsASecret(t *testing.T) {
	clearText := "4711 0815"
	s := secret.New([]byte(clearText))
	h := holder{Exported: s, inner: s, pointer: &s}

	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%p"} {
		fmt.Fprintf(&printed, verb+verb+verb, s, h, &h)
	}
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("m", "s", s, "h", h)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("m", "s", s, "h", h)
	if err := json.NewEncoder(&printed).Encode(h); err != nil {
		t.Fatal(err)
	}

	for _, leak := range []string{clearText, fmt.Sprintf("%x", clearText), fmt.Sprintf("%X", clearText), strings.Trim(fmt.Sprint([]byte(clearText)), "[]")} {
		if strings.Contains(printed.String(), leak) {
			t.Errorf("a secret was printed as %q", leak)
		}
	}
	if !strings.Contains(printed.String(), "[secret]") {
		t.Error("nothing was printed at all: the test looked at nothing")
	}
}

func TestEqualAndWipe(t *testing.T) {
	given := []byte{1, 2, 3}
	a, b, other := secret.New(given), secret.New([]byte{1, 2, 3}), secret.New([]byte{1, 2})
	given[0] = 9
	if !a.Equal(b) || a.Equal(other) || (secret.Secret{}).Equal(a) {
		t.Error("Equal disagrees with the bytes")
	}
	a.Wipe()
	if !a.Equal(secret.New([]byte{0, 0, 0})) || a.Equal(b) {
		t.Error("Wipe left bytes behind")
	}
	if !(secret.Secret{}).Empty() || b.Empty() {
		t.Error("Empty is wrong")
	}
}

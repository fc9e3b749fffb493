package mem_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/sim"
	"sotto/sim/mem"
)

func content(t *rapid.T, s *mem.Store, prefix string) string {
	var b strings.Builder
	err := s.View(func(r sim.Reader) error {
		return r.Walk([]byte(prefix), func(key, value []byte) error {
			fmt.Fprintf(&b, "%s=%s ", key, value)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The store against a map: updates that succeed and that fail, copies, and walks
// by prefix.
func TestStoreAgainstModel(t *testing.T) {
	broken := errors.New("broken")
	rapid.Check(t, func(t *rapid.T) {
		s, model := mem.New(), map[string]string{}
		key := rapid.StringMatching("[ab]{1,3}")
		for range rapid.IntRange(1, 20).Draw(t, "updates") {
			next := maps.Clone(model)
			fails := rapid.Bool().Draw(t, "fails")
			err := s.Update(func(w sim.Writer) error {
				for range rapid.IntRange(0, 4).Draw(t, "changes") {
					k, v := key.Draw(t, "key"), rapid.StringMatching("[0-9]{1,2}").Draw(t, "value")
					if rapid.Bool().Draw(t, "remove") {
						delete(next, k)
						if err := w.Remove([]byte(k)); err != nil {
							t.Fatal(err)
						}
						continue
					}
					next[k] = v
					if err := w.Save([]byte(k), []byte(v)); err != nil {
						t.Fatal(err)
					}
					if got := w.Load([]byte(k)); string(got) != v {
						t.Fatalf("an update does not see itself: got %q, want %q", got, v)
					}
				}
				if fails {
					return broken
				}
				return nil
			})
			if fails != errors.Is(err, broken) {
				t.Fatal(err)
			}
			if !fails {
				model = next
			}
			prefix := rapid.StringMatching("[ab]{0,2}").Draw(t, "prefix")
			want := ""
			for _, k := range slices.Sorted(maps.Keys(model)) {
				if strings.HasPrefix(k, prefix) {
					want += k + "=" + model[k] + " "
				}
			}
			if got := content(t, s, prefix); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			if got := content(t, s.Clone(), prefix); got != want || s.Len() != len(model) {
				t.Fatalf("the copy: got %q, want %q", got, want)
			}
		}
	})
}

func TestEmptyValues(t *testing.T) {
	s := mem.New()
	for _, pair := range [][2]string{{"", "1"}, {"a", ""}} {
		err := s.Update(func(w sim.Writer) error { return w.Save([]byte(pair[0]), []byte(pair[1])) })
		if err == nil {
			t.Errorf("%q was taken", pair)
		}
	}
}

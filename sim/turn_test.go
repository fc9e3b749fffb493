package sim

import (
	"errors"
	"testing"

	"sotto/apdu"
)

// table is a store that only a test inside the room needs.
type table struct {
	values  map[string][]byte
	commits int
	broken  error
}

func (s *table) View(f func(Reader) error) error { return f(s) }

func (s *table) Update(f func(Writer) error) error {
	s.commits++
	if s.broken != nil {
		return s.broken
	}
	return f(s)
}

func (s *table) Load(key []byte) []byte { return s.values[string(key)] }

func (s *table) Walk(prefix []byte, f func(key, value []byte) error) error {
	for key, value := range s.values {
		if len(key) >= len(prefix) && key[:len(prefix)] == string(prefix) {
			if err := f([]byte(key), value); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *table) Save(key, value []byte) error { s.values[string(key)] = value; return nil }
func (s *table) Remove(key []byte) error      { delete(s.values, string(key)); return nil }

// zeros is randomness that a test can live with; dry has none.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type dry struct{}

var errDry = errors.New("no randomness")

func (dry) Read([]byte) (int, error) { return 0, errDry }

// Whatever a command has prepared, a refusal keeps nothing of it, in the store or
// in the session, unless it insists; and nor does a fault.
func TestRefusalKeepsNothing(t *testing.T) {
	tests := []struct {
		name   string
		end    func(*turn) apdu.Status
		broken error
		random bool
		want   apdu.Status
		kept   bool
	}{
		{"success", func(*turn) apdu.Status { return apdu.StatusOK }, nil, true, apdu.StatusOK, true},
		{"a warning", func(*turn) apdu.Status { return apdu.StatusFileInvalidated }, nil, true, apdu.StatusFileInvalidated, true},
		{"a refusal", func(*turn) apdu.Status { return apdu.StatusConditions }, nil, true, apdu.StatusConditions, false},
		{"a refusal that insists", func(t *turn) apdu.Status { t.insist = true; return apdu.StatusWrongMAC }, nil, true, apdu.StatusWrongMAC, true},
		{"a fault", func(t *turn) apdu.Status { t.fail(ErrDamaged); return apdu.StatusOK }, nil, true, apdu.StatusMemoryFailure, false},
		{"a store that fails", func(*turn) apdu.Status { return apdu.StatusOK }, errors.New("full"), true, apdu.StatusMemoryFailure, false},
		{"no randomness", func(*turn) apdu.Status { return apdu.StatusOK }, nil, false, apdu.StatusMemoryFailure, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &table{values: map[string][]byte{}, broken: tt.broken}
			d := &Device{vault: newVault(s, make([]byte, keySize), make([]byte, keySize)), own: newAEAD(make([]byte, keySize))}
			d.options.Random = zeros{}
			if !tt.random {
				d.options.Random = dry{}
			}
			r, _ := d.carryOut(func(t *turn) apdu.Response {
				t.saveSettings(settings{policy: PolicyFixed})
				t.session.selected = selected{fileApplet, "x"}
				return status(tt.end(t))
			})
			if r.Status != tt.want {
				t.Errorf("got %v, want %v", r.Status, tt.want)
			}
			if got := len(s.values) > 0; got != tt.kept {
				t.Errorf("kept in the store: got %v, want %v", got, tt.kept)
			}
			if got := d.session.selected.file == fileApplet; got != tt.kept {
				t.Errorf("kept in the session: got %v, want %v", got, tt.kept)
			}
		})
	}
}

// After a commit that failed nobody knows what was kept: the transaction that was
// under way is over.
func TestFailedCommitEndsTheTransaction(t *testing.T) {
	s := &table{values: map[string][]byte{}, broken: errors.New("full")}
	d := &Device{vault: newVault(s, make([]byte, keySize), make([]byte, keySize)), own: newAEAD(make([]byte, keySize))}
	d.options.Random = zeros{}
	d.session.phase = phaseOffered
	d.carryOut(func(t *turn) apdu.Response {
		t.saveSettings(settings{})
		return answer(nil)
	})
	if d.session.phase != phaseNone {
		t.Errorf("got phase %d", d.session.phase)
	}
}

// An object opens under its own AID, name and version, and under no other.
func TestSafe(t *testing.T) {
	random := &entropy{source: zeros{}}
	s := safe{newAEAD(make([]byte, keySize)), []byte("applet")}
	first := s.seal(random, nil, []byte("10.00"), []byte("name"))
	second := s.seal(random, first, []byte("9.00"), []byte("name"))
	if versionOf(first) != 1 || versionOf(second) != 2 {
		t.Errorf("got versions %d and %d", versionOf(first), versionOf(second))
	}
	older := append(append([]byte(nil), second[:versionSize]...), first[versionSize:]...)
	tests := []struct {
		what  string
		s     safe
		value []byte
		name  string
		want  string
	}{
		{"as it was", s, second, "name", "9.00"},
		{"an older one under the new version", s, older, "name", ""},
		{"under another name", s, second, "game", ""},
		{"of another applet", safe{s.aead, []byte("banana")}, second, "name", ""},
		{"cut", s, second[:len(second)-1], "name", ""},
		{"nothing", s, nil, "name", ""},
	}
	for _, tt := range tests {
		got, err := tt.s.open(nil, tt.value, []byte(tt.name))
		if string(got) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: got %q, %v", tt.what, got, err)
		}
	}
}

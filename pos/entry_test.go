package pos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sotto/pos"
	"sotto/pos/mem"
)

type contextType = context.Context

func containsPAN(b []byte) bool {
	return bytes.Contains(b, []byte("6228480000000000")) || bytes.Contains(bytes.ToUpper(b), []byte("5A09622848"))
}

// entries are some of every kind.
func entries(t testing.TB) (list []pos.Entry) {
	t.Helper()
	values := map[uint64][]byte{}
	keep := func(w *world) {
		if err := w.journal.Each(func(number uint64, value []byte) error {
			if number > 0 {
				values[uint64(len(values))] = bytes.Clone(value)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	keep(torn(t, yuan(1_234), newPurse(1, 5_000)))
	w := newWorld(t, nil, newPurse(1, 5_000), newAccount(2, 9_000))
	w.ends(yuan(10), pos.OfflineProved)
	w.ends(yuan(6_000), pos.BankApproved)
	w.fake().applets[1].balance, w.bank.deaf = 9_000, 1
	w.ends(yuan(6_000), pos.NoAnswer)
	keep(w)
	for number, value := range values {
		e, err := pos.ParseEntry(number, value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	if len(list) != 4 {
		t.Fatalf("%d entries", len(list))
	}
	return list
}

func TestAnEntryComesBackFromTheJournal(t *testing.T) {
	for _, e := range entries(t) {
		got, err := pos.Reread(e)
		if err != nil {
			t.Fatal(err)
		}
		if (e.Chip == nil) != (got.Chip == nil) || e.Chip != nil && e.Chip.Hex() != got.Chip.Hex() {
			t.Errorf("%s: chip data differ", e.State)
		}
		e.Chip, got.Chip = nil, nil
		if !reflect.DeepEqual(e, got) {
			t.Errorf("got %+v\nwant %+v", got, e)
		}
	}
}

// An entry can be printed whole without telling a card number.
func TestAnEntryPrintsNoCardNumber(t *testing.T) {
	for _, e := range entries(t) {
		text := fmt.Sprintf("%v %+v %#v %v", e, e, e, e.Chip)
		b, err := json.Marshal(e.Receipt)
		if err != nil {
			t.Fatal(err)
		}
		if containsPAN([]byte(text)) || containsPAN(b) {
			t.Errorf("%s tells its card number", e.State)
		}
	}
}

// A journal that this version does not understand is not begun with.
func TestAForeignJournalIsRefused(t *testing.T) {
	for _, value := range []string{"", "{}", "null", `{"version":2}`, `{"version":1,"state":"open"}`, "x"} {
		for _, number := range []uint64{0, 1} {
			var j mem.Journal
			if err := j.Save(pos.Change{Number: number, Value: []byte(value)}); err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, nil)
			if _, err := pos.New(optionsOf(w, &j)); !errors.Is(err, pos.ErrEntry) {
				t.Errorf("%q as %d: got %v", value, number, err)
			}
		}
	}
}

// optionsOf are the usual options with another journal.
func optionsOf(w *world, j pos.Journal) (out pos.Options) {
	w.options = func(o *pos.Options) { out = *o }
	w.start()
	out.Journal = j
	return out
}

func FuzzParseEntry(f *testing.F) {
	for _, e := range entries(f) {
		again, err := json.Marshal(e.Receipt)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(again)
	}
	w := torn(f, yuan(1_234), newPurse(1, 5_000))
	_ = w.journal.Each(func(_ uint64, value []byte) error { f.Add(value); return nil })
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := pos.ParseEntry(1, b)
		if err != nil {
			if !errors.Is(err, pos.ErrEntry) || strings.ContainsAny(err.Error(), "{}") {
				t.Fatalf("error %v", err)
			}
			return
		}
		if _, err := pos.Reread(e); err != nil {
			t.Fatalf("written again it is not understood: %v", err)
		}
	})
}

package mem_test

import (
	"fmt"
	"testing"

	"sotto/pos"
	"sotto/pos/mem"
)

// What is given and taken is copied, and the numbers come in order.
func TestJournalIsAsFarAwayAsADisk(t *testing.T) {
	var j mem.Journal
	value := []byte("one")
	if err := j.Save(pos.Change{Number: 7, Value: []byte("seven")}, pos.Change{Number: 1, Value: value}, pos.Change{Number: 3}); err != nil {
		t.Fatal(err)
	}
	clear(value)
	for range 2 {
		got := ""
		if err := j.Each(func(number uint64, value []byte) error {
			got += fmt.Sprintf("%d=%s ", number, value)
			clear(value)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got != "1=one 7=seven " {
			t.Errorf("got %q", got)
		}
	}
}

package main

import (
	"strings"
	"testing"
)

// The help says how long an order number is known, which a cash register that
// counts anew each day depends on.
func TestHelpSaysHowLongAnOrderIsKnown(t *testing.T) {
	help := strings.Join(strings.Fields(command(t, t.TempDir(), "", "pos", "pay", "--help")), " ")
	for _, words := range []string{"not debited again until its batch is settled", "behind that its number is free"} {
		if !strings.Contains(help, words) {
			t.Errorf("the help does not say %q", words)
		}
	}
}

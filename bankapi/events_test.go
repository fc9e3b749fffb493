package bankapi

import "testing"

func TestEventTypesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range EventTypes() {
		if seen[e.Name] || e.About == "" || !IsEventType(e.Name) {
			t.Errorf("%s: twice, without a word, or not known", e.Name)
		}
		seen[e.Name] = true
	}
	if IsEventType("payment.awaiting_code") || IsEventType("") {
		t.Error("a type is known that is not listed")
	}
}

package subject_test

import (
	"strings"
	"testing"

	"sotto/bankapi/subject"
)

func TestValid(t *testing.T) {
	for token, want := range map[string]bool{
		"ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0B":         true,
		"a-B_9":                                 true,
		"":                                      false,
		"a.b":                                   false,
		"*":                                     false,
		">":                                     false,
		"a b":                                   false,
		"a\r\nPUB x 0":                          false,
		"é":                                     false,
		strings.Repeat("a", subject.TokenMax):   true,
		strings.Repeat("a", subject.TokenMax+1): false,
		"ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0B\x00":     false,
		"phone.ph_01JD3Z9Q8VXK4M2N7T5R6W8Y0B.box": false,
	} {
		if got := subject.Valid(token); got != want {
			t.Errorf("%q: got %v", token, got)
		}
	}
}

func TestAcknowledged(t *testing.T) {
	for _, c := range []struct {
		in, phone, dispatch string
		ok                  bool
	}{
		{subject.Ack("ph_1", "dsp_1"), "ph_1", "dsp_1", true},
		{"bank.ph_1.ack.", "ph_1", "", false},
		{"bank.ph_1.ack.a.b", "ph_1", "a.b", false},
		{"bank.ph_1.out", "ph_1", "", false},
		{"bank.ph_1", "", "", false},
		{"bank..ack.x", "", "", false},
		{"phone.ph_1.ack.x", "", "", false},
		{"", "", "", false},
	} {
		phone, dispatch, ok := subject.Acknowledged(c.in)
		if ok != c.ok || ok && (phone != c.phone || dispatch != c.dispatch) {
			t.Errorf("%q: got %q %q %v", c.in, phone, dispatch, ok)
		}
	}
}

func TestAnswerable(t *testing.T) {
	for reply, want := range map[string]bool{
		subject.Box("ph_1") + ".x":   true,
		subject.Box("ph_1") + ".x.y": true,
		subject.Box("ph_1"):          false,
		subject.Box("ph_1") + ".":    false,
		subject.Box("ph_2") + ".x":   false,
		subject.In("ph_1"):           false,
		subject.In("ph_2"):           false,
		"":                           false,
		subject.Box("ph_1") + ".*":   false,
		subject.Box("ph_1") + "." + strings.Repeat("x", 200): false,
		"$SYS.REQ.USER.AUTH": false,
	} {
		if got := subject.Answerable("ph_1", reply); got != want {
			t.Errorf("%q: got %v", reply, got)
		}
	}
}

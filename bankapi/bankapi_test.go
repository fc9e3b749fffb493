package bankapi_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/bankapi"
)

func TestTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := bankapi.Time(rapid.Int64Range(1, 253_402_300_799_999).Draw(t, "milliseconds"))
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got bankapi.Time
		if err := got.UnmarshalText(text); err != nil || got != want || string(text) != want.String() {
			t.Fatalf("%d is written %s and read %d, %v", want, text, got, err)
		}
	})
	for in, want := range map[string]bankapi.Time{
		"":                              0,
		"1970-01-01T00:00:00.001Z":      1,
		"2026-01-01T00:03:00Z":          1_767_225_780_000,
		"2026-01-01T08:03:00.000+08:00": 1_767_225_780_000,
	} {
		var got bankapi.Time
		if err := got.UnmarshalText([]byte(in)); err != nil || got != want {
			t.Errorf("%q: got %d, %v", in, got, err)
		}
	}
	for _, bad := range []string{"2026-01-01", "now", "1767225780", "2026-13-01T00:00:00Z"} {
		var got bankapi.Time
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read as %v", bad, got)
		}
	}
}

// What has not happened is not written, not even as a zero.
func TestPaymentInJSON(t *testing.T) {
	b, err := json.Marshal(bankapi.Payment{ID: "pay_1", Status: bankapi.AwaitingCode, CreatedAt: 1_767_225_600_000})
	if err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]bool{
		`"created_at":"2026-01-01T00:00:00.000Z"`: true,
		`"ended_at"`: false,
		`"reason"`:   false,
		`"code"`:     false,
	} {
		if got := strings.Contains(string(b), part); got != want {
			t.Errorf("%s in %s: got %v", part, b, got)
		}
	}
}

// Every reason has one status of its class, and a sentence of its own.
func TestProblems(t *testing.T) {
	titles := map[string]bankapi.Reason{}
	reasons := bankapi.Reasons()
	for _, r := range reasons {
		p := bankapi.NewProblem(r, "do this")
		if p.Reason() != r || p.Type != bankapi.ProblemType+string(r) {
			t.Errorf("%s: reads back as %q", r, p.Reason())
		}
		if p.Status < 400 || p.Status > 599 || p.Status != r.Status() {
			t.Errorf("%s: status %d", r, p.Status)
		}
		if p.Title == "" || strings.HasSuffix(p.Title, ".") || p.Error() != p.Title+": do this" {
			t.Errorf("%s: title %q, error %q", r, p.Title, p.Error())
		}
		if other, ok := titles[p.Title]; ok {
			t.Errorf("%s and %s have one title", r, other)
		}
		titles[p.Title] = r
	}
	for _, r := range []bankapi.Reason{bankapi.WrongCode, bankapi.Paced, bankapi.OutcomeUnknown} {
		if !slices.Contains(reasons, r) {
			t.Errorf("%s is not among the reasons", r)
		}
	}
	if got := bankapi.NewProblem(bankapi.NotFound, "").Error(); got != bankapi.NotFound.Title() {
		t.Errorf("with no detail: got %q", got)
	}
	if got := (&bankapi.Problem{Type: "about:blank"}).Reason(); got != "" {
		t.Errorf("another's problem: got reason %q", got)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"sotto/lab"
)

func TestLabRunOnline(t *testing.T) {
	var out, words bytes.Buffer
	if code := run(t.Context(), []string{"lab", "--run", "online", "--link", "ble", "--distance", "25m", "--seed", "7", "--json"}, nil, &out, &words); code != 0 {
		t.Fatalf("exit code %d: %s", code, &words)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, line := range lines[:len(lines)-1] {
		var s struct {
			Phone map[string]string `json:"phone"`
			Card  lab.CardFace      `json:"card"`
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		if screen, ok := s.Phone["screen"]; !ok || screen != "" {
			t.Errorf("the phone's screen has %q, want it there and empty: %s", screen, line)
		}
		if len(s.Card.Lines) == 0 {
			t.Errorf("the card has no lines: %s", line)
		}
	}
	var paid lab.Step
	if err := json.Unmarshal([]byte(lines[len(lines)-2]), &paid); err != nil || paid.Link == nil ||
		paid.Link.Name != "ble" || paid.Link.Distance != 25 || paid.Link.Fragments < 30 || paid.Link.Lost == 0 {
		t.Errorf("link %+v (%v), want Bluetooth over 25 m with losses", paid.Link, err)
	}
	var end lab.Outcome
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || !end.OK || end.Moved.Minor != 12800 {
		t.Errorf("outcome %+v (%v), want CNY 128.00 moved", end, err)
	}
	if words.Len() > 0 {
		t.Errorf("a run without trouble says %q on standard error", &words)
	}
}

func TestLabRunOnlineForPeople(t *testing.T) {
	var out, words bytes.Buffer
	if code := run(t.Context(), []string{"lab", "--run", "online"}, nil, &out, &words); code != 0 {
		t.Fatalf("exit code %d: %s", code, &words)
	}
	for _, want := range []string{
		"phone (dark)\n", "link  Bluetooth over 3 m: 25 fragments, 0 of them lost, ", "Pay  CNY 128.00\n", "ok CNY 128.00 moved, and the phone showed nothing.\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("what is no terminal gets colours")
	}
}

func TestLabRunTap(t *testing.T) {
	var out, words bytes.Buffer
	if code := run(t.Context(), []string{"lab", "--run", "tap", "--json"}, nil, &out, &words); code != 0 {
		t.Fatalf("exit code %d: %s", code, &words)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for _, line := range lines[:len(lines)-1] {
		var s struct {
			Phone map[string]string `json:"phone"`
			SIM   lab.SIMFace       `json:"sim"`
		}
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		if screen, ok := s.Phone["screen"]; !ok || screen != "" || len(s.SIM.Applets) != 4 {
			t.Errorf("want a dark phone with four applets in its SIM: %s", line)
		}
	}
	var end lab.Outcome
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || !end.OK || end.Moved.Minor != 2500 {
		t.Errorf("outcome %+v (%v), want CNY 25.00 moved", end, err)
	}
	if words.Len() > 0 {
		t.Errorf("a run without trouble says %q on standard error", &words)
	}
}

func TestLabRunTapForPeople(t *testing.T) {
	var out, words bytes.Buffer
	if code := run(t.Context(), []string{"lab", "--run", "tap"}, nil, &out, &words); code != 0 {
		t.Fatalf("exit code %d: %s", code, &words)
	}
	for _, want := range []string{
		"phone (dark)\n", "SIM   Bus purse        CNY 3.00  preferred\n", "till  CNY 25.00  APPROVED  Metro purse\n",
		"ok CNY 25.00 moved, and the phone showed nothing.\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
}

func TestLabRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"lab", "--json"}, "add --run online"},
		{[]string{"lab", "--listen", "0.0.0.0:0", "--data", "mem"}, "--listen-anywhere"},
		{[]string{"lab", "--distance", "3 leagues", "--data", "mem"}, "give one as in 3m or 2cm"},
		{[]string{"lab", "--distance", "NaNm", "--data", "mem"}, "give one as in 3m or 2cm"},
		{[]string{"lab", "--run", "online", "--link", "nfc", "--distance", "2m"}, "does not reach the card by nfc"},
		{[]string{"lab", "--listen", "nowhere", "--data", "mem"}, "--listen HOST:PORT"},
	} {
		var out, words bytes.Buffer
		if code := run(t.Context(), c.args, nil, &out, &words); code != 1 {
			t.Errorf("%q: exit code %d, want 1", c.args, code)
		}
		if got := words.String(); !strings.Contains(got, c.want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%q: got %q, want one sentence with %q", c.args, got, c.want)
		}
	}
}

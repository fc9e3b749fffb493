package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sotto/dyncode"
)

// The program, as it stands: enrolled with a ticket of a real bank, running
// beside two cards, it carries a payment through and prints nothing of it.
func TestProgramIsAPhone(t *testing.T) {
	w := newTown(t)
	other, mine := w.card(dyncode.CardSealed), w.card(dyncode.CardSealed)
	phone, ticket := w.ticket()
	dir := filepath.Join(t.TempDir(), "phone")
	var enrolled bytes.Buffer
	if err := run(t.Context(), []string{"enrol", dir, ticket}, &enrolled); err != nil {
		t.Fatal(err)
	}
	if got, want := enrolled.String(), "enrolled "+phone+"\n"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	printed := make(chan []byte, 1)
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"run", dir, other.address, mine.address}, in)
		in.Close()
	}()
	go func() {
		b, _ := io.ReadAll(out)
		printed <- b
	}()
	w.bind(mine, phone)
	code := w.pay(mine)
	if other.device.View().Code != "" {
		t.Error("the other card shows something")
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	text := <-printed
	if got, want := string(text), "ready "+phone+"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	wantNothing(t, "standard output", text, code)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files in the phone's folder, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 0 {
			wantNothing(t, filepath.Base(file), b, code)
		}
	}
	mine.mu.Lock()
	defer mine.mu.Unlock()
	for _, b := range mine.seen {
		wantNothing(t, "the link", b, code)
	}
}

func TestProgramSaysHowItIsUsed(t *testing.T) {
	for _, args := range [][]string{nil, {"enrol"}, {"run", "x"}, {"walk", "a", "b"}} {
		if err := run(t.Context(), args, io.Discard); err == nil || !strings.Contains(err.Error(), "use: phone") {
			t.Errorf("%q: got %v", args, err)
		}
	}
	if err := run(t.Context(), []string{"run", t.TempDir() + "/none", "127.0.0.1:1"}, io.Discard); err == nil {
		t.Error("a folder that is not there: got no error")
	}
}

// What the documentation prints is this program.
func TestDocumentationIsTheProgram(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../../docs/phone-library.md"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```go\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("the page has %d blocks of Go", len(blocks))
	}
	for _, b := range blocks {
		code, _, _ := strings.Cut(b, "```")
		if !strings.Contains(string(program), code) {
			t.Errorf("this is not in main.go:\n%s", code)
		}
	}
}

//go:build unix

package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sotto/bank"
	"sotto/bank/sqlite"
)

const (
	rounds     = 10
	crashPath  = "SOTTO_CRASH_PATH"
	crashSeed  = "SOTTO_CRASH_SEED"
	crashLimit = "SOTTO_CRASH_LIMIT" // bytes a file may grow to
)

// TestMain is the child too: a bank under load that tells what it has answered,
// until it is killed.
func TestMain(m *testing.M) {
	path := os.Getenv(crashPath)
	if path == "" {
		os.Exit(m.Run())
	}
	if err := beKilled(path, os.Getenv(crashSeed), os.Getenv(crashLimit)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestKill kills a bank under load again and again. Whatever it has answered
// must be there when its file is opened anew, and the whole must add up.
func TestKill(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "bank.db")
	answered := map[string]string{} // payment → the last status that was answered
	for round := range rounds {
		child, lines := start(t, path, fmt.Sprint(seed+uint64(round)), "0")
		for range 20 + random.IntN(600) {
			if !lines.Scan() {
				t.Fatalf("round %d: the bank ended by itself: %s", round, child.Stderr)
			}
			note(t, answered, lines.Text())
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // answered before the kill
			note(t, answered, lines.Text())
		}
		_ = child.Wait() // it was killed, and says so
		inspect(t, path, answered)
	}
	if len(answered) < 20*rounds/2 {
		t.Errorf("only %d payments were made", len(answered))
	}
}

// start runs the child and reads its answers.
func start(t *testing.T, path, seed, limit string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashPath+"="+path, crashSeed+"="+seed, crashLimit+"="+limit)
	child.Stderr = &strings.Builder{}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child, bufio.NewScanner(out)
}

// note takes an answer: a payment and its status.
func note(t *testing.T, answered map[string]string, line string) {
	t.Helper()
	payment, status, ok := strings.Cut(line, " ")
	if !ok {
		t.Fatalf("the child says %q", line)
	}
	if answered[payment] != "succeeded" {
		answered[payment] = status
	}
}

func inspect(t *testing.T, path string, answered map[string]string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for id, status := range answered {
		p, err := s.Payment(t.Context(), id)
		if err != nil {
			t.Fatalf("payment %s was answered %s: %v", id, status, err)
		}
		if p.Status != status && status == "succeeded" {
			t.Errorf("payment %s was answered %s and is %s", id, status, p.Status)
		}
	}
	report, err := bank.Verify(context.Background(), s, crashKeys, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range report.Faults {
		t.Error(fault)
	}
}

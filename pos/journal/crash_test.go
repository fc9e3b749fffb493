package journal_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"sotto/pos/journal"
)

// A process that is killed at any moment has lost nothing of what it had said is
// saved. The child is this test binary.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	if dir := os.Getenv("SOTTO_JOURNAL_CHILD"); dir != "" {
		child(dir)
		return
	}
	dir := t.TempDir()
	for round := range 8 {
		saved := runChild(t, dir, time.Duration(20+17*round)*time.Millisecond)
		j := open(t, dir)
		got := contents(t, j)[1]
		j.Close()
		n, err := strconv.Atoi(got)
		if err != nil || n < saved || n > saved+1 {
			t.Fatalf("round %d: %d was acknowledged, %q is there", round, saved, got)
		}
	}
}

// runChild lets a child save numbers, kills it, and returns the last one that it
// acknowledged.
func runChild(t *testing.T, dir string, after time.Duration) (saved int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingAcknowledgedIsLost$")
	cmd.Env = append(os.Environ(), "SOTTO_JOURNAL_CHILD="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the child says nothing")
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	for ok := true; ok; ok = lines.Scan() {
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			saved = n
		}
	}
	_ = cmd.Wait() // it was killed
	return saved
}

func child(dir string) {
	j, err := journal.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	n := 0
	if j.Each(func(_ uint64, value []byte) error { n, err = strconv.Atoi(string(value)); return err }) != nil {
		return
	}
	for fmt.Println(n); ; fmt.Println(n) {
		n++
		if j.Save(put(1, strconv.Itoa(n)+"")) != nil {
			return
		}
	}
}

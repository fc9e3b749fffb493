package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Idle is the memory of a process that has nothing to do, in bytes.
type Idle struct {
	Role      string `json:"role"`
	Resident  int64  `json:"resident"`  // VmRSS
	Anonymous int64  `json:"anonymous"` // RssAnon: without the pages of the program's file
	Threads   int    `json:"threads"`
}

// MeasureIdle runs one role of the program in an empty folder, waits until it
// has settled, and looks at its memory.
func MeasureIdle(ctx context.Context, program, role string, settle time.Duration) (_ Idle, err error) {
	dir, err := os.MkdirTemp("", "sotto-idle-")
	if err != nil {
		return Idle{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	data := filepath.Join(dir, role)
	args := []string{"--log-level", "warn", role, "--data", data, "--listen", "127.0.0.1:0"}
	if role == "bank" {
		made := exec.CommandContext(ctx, program, "bank", "init", "--data", data) //nolint:gosec // this program itself
		if out, err := made.CombinedOutput(); err != nil {
			return Idle{}, fmt.Errorf("make a bank: %w: %s", err, out)
		}
		args = append(args, "--bus-listen", "127.0.0.1:0")
	}
	child := exec.CommandContext(ctx, program, args...) //nolint:gosec // this program itself
	child.Cancel = func() error { return child.Process.Signal(os.Interrupt) }
	child.WaitDelay = 10 * time.Second
	out, err := child.StdoutPipe()
	if err != nil {
		return Idle{}, err
	}
	var said strings.Builder
	child.Stderr = &said
	if err := child.Start(); err != nil {
		return Idle{}, err
	}
	found, err := settled(ctx, role, child.Process.Pid, out, settle)
	_ = child.Process.Signal(os.Interrupt)
	if err = errors.Join(err, child.Wait()); err != nil {
		return Idle{}, fmt.Errorf("%w: %s", err, said.String())
	}
	return found, nil
}

// settled waits for the first line, and then for the memory to settle.
func settled(ctx context.Context, role string, pid int, out io.Reader, settle time.Duration) (Idle, error) {
	lines := bufio.NewReader(out)
	if _, err := lines.ReadString('\n'); err != nil {
		return Idle{}, fmt.Errorf("it did not say that it is ready: %w", err)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	wait(ctx, time.Now().Add(settle))
	if err := ctx.Err(); err != nil {
		return Idle{}, err
	}
	return lookAt(role, pid)
}

func lookAt(role string, pid int) (Idle, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return Idle{}, err
	}
	i := Idle{Role: role, Resident: kilobytes(text, "VmRSS:"), Anonymous: kilobytes(text, "RssAnon:")}
	i.Threads, _ = strconv.Atoi(field(string(text), "Threads:"))
	if i.Resident == 0 {
		return i, errors.New("the system does not tell its memory")
	}
	return i, nil
}

func kilobytes(status []byte, name string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(field(string(status), name), " kB"), 10, 64)
	return n * 1024
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// built is the folder with the program that these tests run.
var built string

func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sotto-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "sotto"), ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build sotto: %v\n%s", err, out)
		return 1
	}
	built = dir
	return m.Run()
}

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")

// Every command of these pages works as it is printed. They name fixed ports, so
// each page runs in a network namespace of its own, where all ports are free.
func TestDocs(t *testing.T) {
	for _, page := range []string{"integrate.md", "run-separately.md"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
			if err != nil {
				t.Fatal(err)
			}
			blocks := shellBlock.FindAllStringSubmatch(string(text), -1)
			if len(blocks) < 3 {
				t.Fatalf("the page has %d blocks of commands", len(blocks))
			}
			script := "set -euo pipefail\nip link set lo up\ntrap 'kill $(jobs -p); wait' EXIT\n"
			for _, b := range blocks {
				script += b[1]
			}
			shell(t, t.TempDir(), script)
		})
	}
}

// shell runs a script in a network namespace of its own, and ends all that it
// has started.
func shell(t *testing.T, dir, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+built+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, logs(dir))
	}
	return string(out)
}

// logs are the files in which the parts have said what went wrong.
func logs(dir string) string {
	var all strings.Builder
	names, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil {
			all.WriteString(filepath.Base(name) + ":\n" + string(text))
		}
	}
	return all.String()
}

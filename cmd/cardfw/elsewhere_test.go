package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// The room's own tests, built for the other machine and run on it: the vectors
// of the protocol, what the card answers to them, every golden picture bit for
// bit, and every sample of what is said.
func TestRoomsOwnTestsOnAnotherMachine(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dir, run string
		passes   int // tests and subtests, at least
	}{
		{"dyncode", "^TestVectors$", 40},
		{"card", "^(TestVectors|TestLossOfPowerAtEveryEffect|TestOpeningAllocatesNothing)$", 40},
		{"card/screen", "^TestGolden$", 15},
		{"card/voice", "^(TestAmountsAreSaidAsPeopleSayThem|TestClipsAreThoseOfTheLists)$", 2},
	} {
		t.Run(tt.dir, func(t *testing.T) {
			file := filepath.Join(built, strings.ReplaceAll(tt.dir, "/", "-")+".wasm")
			forWASI(t, "test", "-c", "-ldflags=-s -w", "-o", file, "sotto/"+tt.dir)
			var out bytes.Buffer
			status, err := newMachine(t, file).run(context.Background(), wazero.NewModuleConfig().
				WithArgs("test", "-test.v", "-test.run", tt.run).WithStdout(&out).WithStderr(&out).
				WithEnv("PWD", "/"+tt.dir).WithSysWalltime().WithSysNanotime().WithSysNanosleep().
				WithFSConfig(wazero.NewFSConfig().WithReadOnlyDirMount(root, "/")))
			passes := strings.Count(out.String(), "--- PASS")
			if err != nil || status != 0 || passes < tt.passes {
				t.Errorf("status %d, %v, %d passes, want %d:\n%s", status, err, passes, tt.passes, last(out.String(), 3000))
			}
			t.Logf("%d passes", passes)
		})
	}
	if _, err := os.Stat(filepath.Join(built, "dyncode.wasm")); err != nil {
		t.Error("nothing was built")
	}
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

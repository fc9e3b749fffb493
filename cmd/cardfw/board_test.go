package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"sotto/card"
)

// built is where the tests put what they build for the other machine.
var built string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cardfw-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	built = dir
	return m.Run()
}

// forWASI runs the go command for the other machine.
func forWASI(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "../../scripts/cardgo.sh", args...).CombinedOutput(); err != nil {
		t.Fatalf("cardgo.sh %v: %v\n%s", args, err, out)
	}
}

// machine is the other machine: wazero, with a program that was compiled once.
type machine struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	module   []byte
}

func newMachine(t *testing.T, file string) *machine {
	t.Helper()
	module, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	m := &machine{runtime: wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCloseOnContextDone(true)), module: module}
	t.Cleanup(func() { m.runtime.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, m.runtime)
	if m.compiled, err = m.runtime.CompileModule(ctx, module); err != nil {
		t.Fatal(err)
	}
	return m
}

// run runs the program to its end and returns its status.
func (m *machine) run(ctx context.Context, c wazero.ModuleConfig) (uint32, error) {
	mod, err := m.runtime.InstantiateModule(ctx, m.compiled, c.WithName(""))
	if mod != nil {
		mod.Close(ctx)
	}
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// firmwareOn builds the firmware and puts it on a machine.
var firmwareOnce sync.Once

func firmwareOn(t *testing.T) *machine {
	t.Helper()
	file := filepath.Join(built, "cardfw.wasm")
	firmwareOnce.Do(func() { forWASI(t, "build", "-ldflags=-s -w", "-o", file, ".") })
	return newMachine(t, file)
}

// board is the firmware at work on a machine, with a flash that outlives it.
type board struct {
	t     *testing.T
	on    *machine
	flash string // folder with the flash's file

	in     *io.PipeWriter
	out    *io.PipeReader
	status chan uint32
	cancel context.CancelFunc
}

func newBoard(t *testing.T, on *machine) *board {
	t.Helper()
	b := &board{t: t, on: on, flash: t.TempDir()}
	b.powerOn()
	t.Cleanup(b.powerOff)
	return b
}

func (b *board) powerOn() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	b.cancel = cancel
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	b.in, b.out, b.status = inWrite, outRead, make(chan uint32, 1)
	config := wazero.NewModuleConfig().WithArgs("cardfw", "/flash").WithStdin(inRead).WithStdout(outWrite).WithStderr(os.Stderr).
		WithFSConfig(wazero.NewFSConfig().WithDirMount(b.flash, "/"))
	status := b.status
	go func() {
		n, err := b.on.run(ctx, config)
		if err != nil {
			b.t.Errorf("the machine: %v", err)
		}
		outWrite.Close()
		inRead.Close()
		status <- n
	}()
}

// powerOff pulls the battery between two messages.
func (b *board) powerOff() {
	b.in.Close()
	<-b.status
	b.status <- 0
	b.cancel()
}

// ask sends a frame and returns its answer; alive is false when the power went.
func (b *board) ask(op byte, body ...byte) (answer []byte, alive bool) {
	b.t.Helper()
	frame := append([]byte{op, byte(len(body) >> 8), byte(len(body))}, body...)
	if _, err := b.in.Write(frame); err != nil {
		return nil, false
	}
	var head [3]byte
	if _, err := io.ReadFull(b.out, head[:]); err != nil {
		return nil, false
	}
	answer = make([]byte, binary.BigEndian.Uint16(head[1:]))
	if _, err := io.ReadFull(b.out, answer); err != nil {
		b.t.Fatalf("an answer was cut: %v", err)
	}
	if head[0] != op {
		b.t.Fatalf("%c was answered %c % x", op, head[0], answer)
	}
	return answer, true
}

// must asks of a machine that has power.
func (b *board) must(op byte, body ...byte) []byte {
	b.t.Helper()
	answer, alive := b.ask(op, body...)
	if !alive {
		b.t.Fatalf("the machine stopped at %c", op)
	}
	return answer
}

func (b *board) load(m card.Memory) {
	b.t.Helper()
	encoded, err := m.Append(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.must('L', encoded...)
}

func timed(at time.Time, message []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli())), message...)
}

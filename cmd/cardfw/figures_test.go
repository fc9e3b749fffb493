package main

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"sotto/card"
	"sotto/card/screen"
	"sotto/card/screen/font"
	"sotto/dyncode"
)

var figuresFlag = flag.Bool("figures", false, "write what was measured to bench/cardfw.json")

const figuresFile = "../../bench/cardfw.json"

// figures are what the card's core costs. Sizes are of the module for wasip1,
// stripped: Go's runtime, the rules, the screen and the font. A bare program, which
// only has the runtime, is there to compare with. Heap is what one payment takes on
// that machine, from its frame to its answer, and none of it stays; it is in use
// after a collection, with nothing under way. Times are of one core of this
// machine, the best of some rounds.
type figures struct {
	Go                  string  `json:"go"`
	CPU                 string  `json:"cpu"`
	ModuleBytes         int     `json:"module_bytes"`
	CodeBytes           int     `json:"code_bytes"`
	DataBytes           int     `json:"data_bytes"`
	BareCodeBytes       int     `json:"bare_program_code_bytes"`
	BareDataBytes       int     `json:"bare_program_data_bytes"`
	FontBytes           int     `json:"font_bytes"`
	OpenAllocations     float64 `json:"open_allocations"`
	RenderAllocations   float64 `json:"render_allocations"`
	MessageAllocations  uint64  `json:"message_allocations"`
	MessageHeapBytes    uint64  `json:"message_heap_bytes"`
	HeapInUseBytes      uint64  `json:"heap_in_use_bytes"`
	OpenMicroseconds    float64 `json:"open_us"`
	RenderMicroseconds  float64 `json:"render_us"`
	MessageMicroseconds float64 `json:"message_wasm_us"`
	FlashPageBytes      int     `json:"flash_page_bytes"`
}

// Figures are printed by make card; go test -run Figures -figures writes them down.
func TestFigures(t *testing.T) {
	on := firmwareOn(t)
	f := figures{Go: runtime.Version(), CPU: runtime.GOARCH, ModuleBytes: len(on.module), FlashPageBytes: pageSize}
	f.CodeBytes, f.DataBytes = sections(t, on.module)
	f.BareCodeBytes, f.BareDataBytes = sections(t, bare(t))
	face, err := font.Pack(font.Of)
	if err != nil {
		t.Fatal(err)
	}
	f.FontBytes = len(face)
	f.heap(t, on)
	open, render := opener(t), renderer()
	f.OpenAllocations = testing.AllocsPerRun(100, open)
	f.RenderAllocations = testing.AllocsPerRun(100, render)
	f.OpenMicroseconds, f.RenderMicroseconds = microseconds(2000, open), microseconds(300, render)
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
	if f.CodeBytes < f.BareCodeBytes || f.DataBytes < f.BareDataBytes+f.FontBytes || f.CodeBytes+f.DataBytes > f.ModuleBytes {
		t.Error("these are not the sizes of a card's firmware")
	}
	// With the six faces of the module it would be 1.9 MB more.
	if most := f.BareDataBytes + f.FontBytes + 700_000; f.DataBytes > most {
		t.Errorf("data: got %d bytes, want at most %d", f.DataBytes, most)
	}
	if f.OpenAllocations != 0 || f.MessageAllocations > 25 || f.HeapInUseBytes > 200_000 {
		t.Errorf("the heap: got %.0f allocations to open a message, %d for all of it, %d bytes in use; want none, 25 and 200,000 at most",
			f.OpenAllocations, f.MessageAllocations, f.HeapInUseBytes)
	}
	if *figuresFlag {
		if err := os.WriteFile(figuresFile, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f.compare(t)
}

// compare holds the committed figures against those of now, so that nobody reads
// others: sizes and heap within a twentieth. Times are this machine's own.
func (f figures) compare(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(figuresFile)
	if err != nil {
		t.Fatal(err)
	}
	var kept figures
	if err := json.Unmarshal(b, &kept); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name      string
		kept, now int
	}{
		{"code", kept.CodeBytes, f.CodeBytes}, {"data", kept.DataBytes, f.DataBytes}, {"module", kept.ModuleBytes, f.ModuleBytes},
		{"font", kept.FontBytes, f.FontBytes}, {"heap of a message", int(kept.MessageHeapBytes), int(f.MessageHeapBytes)},
		{"allocations", int(kept.MessageAllocations), int(f.MessageAllocations)},
	} {
		if 20*max(x.now-x.kept, x.kept-x.now) > x.kept {
			t.Errorf("%s: got %d, and %s has %d; go test ./cmd/cardfw -run Figures -figures writes it anew", x.name, x.now, figuresFile, x.kept)
		}
	}
}

// microseconds is how long one of n takes, to a hundredth, in the best of ten
// rounds: what disturbs only ever adds.
func microseconds(n int, do func()) float64 {
	best := time.Duration(math.MaxInt64)
	for range 10 {
		begin := time.Now()
		for range n {
			do()
		}
		best = min(best, time.Since(begin))
	}
	return math.Round(100*float64(best.Nanoseconds())/1000/float64(n)) / 100
}

// bare builds a program that does nothing.
func bare(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "main.go")
	if err := os.WriteFile(file, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	forWASI(t, "build", "-ldflags=-s -w", "-o", filepath.Join(dir, "bare.wasm"), file)
	module, err := os.ReadFile(filepath.Join(dir, "bare.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// sections finds the sizes of a module's code and data (WebAssembly 1.0, 5.5).
func sections(t *testing.T, module []byte) (code, data int) {
	t.Helper()
	for rest := module[8:]; len(rest) > 0; {
		size, n := binary.Uvarint(rest[1:])
		switch rest[0] {
		case 10:
			code = int(size)
		case 11:
			data = int(size)
		}
		rest = rest[1+n+int(size):]
	}
	return code, data
}

// heap measures what payments take from the heap, once the card is warm.
func (f *figures) heap(t *testing.T, on *machine) {
	t.Helper()
	const warm, rounds, count = 20, 10, 20
	x, b := newIssuer(dyncode.CardSealed, "en"), newBoard(t, on)
	b.load(x.bound())
	pay := func(n int) time.Duration {
		messages := make([][]byte, n)
		for i := range messages {
			messages[i] = timed(start, x.pay(start, 0, "482913", "Blue Kiln Ceramics", 12800))
		}
		begin := time.Now()
		for _, m := range messages {
			if _, err := x.inner.Verify(b.must('M', m...)); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(begin)
	}
	read := func() (n [3]uint64) {
		for i, answer := 0, b.must('H'); i < 3; i++ {
			n[i] = binary.BigEndian.Uint64(answer[8*i:])
		}
		return n
	}
	pay(warm)
	before, best := read(), time.Hour
	for range rounds {
		best = min(best, pay(count))
	}
	after := read()
	const all = rounds * count
	f.MessageAllocations, f.MessageHeapBytes, f.HeapInUseBytes = (after[0]-before[0])/all, (after[1]-before[1])/all, after[2]
	f.MessageMicroseconds = math.Round(float64(best.Microseconds()) / count)
}

// opener opens a message, from the bytes of a link to what both seals hid.
func opener(tb testing.TB) func() {
	tb.Helper()
	x := newIssuer(dyncode.CardSealed, "en")
	message := x.pay(start, 0, "482913", "Blue Kiln Ceramics", 12800)
	var first, second [dyncode.BufferMax]byte
	return func() {
		m, err := dyncode.Parse(message)
		if err != nil {
			tb.Fatal(err)
		}
		outer, err := x.outer[0].Open(first[:0], m)
		if err != nil {
			tb.Fatal(err)
		}
		part, err := dyncode.ParseBankPart(outer)
		if err != nil {
			tb.Fatal(err)
		}
		padded, err := x.inner.Open(second[:0], m.Profile, m.ID, part)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := dyncode.ParseContent(padded); err != nil {
			tb.Fatal(err)
		}
	}
}

// renderer draws the first page of a view.
func renderer() func() {
	v := card.View{
		Scene: card.ScenePayment, Code: "482913", Amount: "CNY 128.00", Payee: "杭州青瓷 Blue Kiln Ceramics",
		Details: []card.Detail{{Kind: card.DetailOrder, Text: "2026-0417-8831"}}, CardID: "SC-4821", Holder: "Lin Mei",
	}
	screen.Render(v, 0) // the font is unpacked at first use
	return func() { screen.Render(v, 0) }
}

func BenchmarkOpen(b *testing.B) {
	open := opener(b)
	b.ReportAllocs()
	for b.Loop() {
		open()
	}
}

func BenchmarkRender(b *testing.B) {
	render := renderer()
	b.ReportAllocs()
	for b.Loop() {
		render()
	}
}

package fb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"
)

// The kernel's structures, as linux/fb.h lays them out on a 64-bit machine.
func TestLayoutOfTheKernelsAnswers(t *testing.T) {
	var fixed fixedInfo
	var variable variableInfo
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Fatal("the numbers here are those of a 64-bit machine")
	}
	for _, f := range []struct {
		name      string
		got, want uintptr
	}{
		{"fixed", unsafe.Sizeof(fixed), 80}, {"type", unsafe.Offsetof(fixed.kind), 28},
		{"visual", unsafe.Offsetof(fixed.visual), 36}, {"line_length", unsafe.Offsetof(fixed.stride), 48},
		{"variable", unsafe.Sizeof(variable), 160}, {"yres", unsafe.Offsetof(variable.height), 4},
		{"bits_per_pixel", unsafe.Offsetof(variable.bits), 24},
	} {
		if f.got != f.want {
			t.Errorf("%s: got %d, want %d", f.name, f.got, f.want)
		}
	}
}

func TestOpenWhatIsNoFramebuffer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fb0")
	if _, _, err := Open(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing there: got %v", err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(file); err == nil || !strings.Contains(err.Error(), "no framebuffer") {
		t.Errorf("a file: got %v", err)
	}
}

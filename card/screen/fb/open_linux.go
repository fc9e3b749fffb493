package fb

import (
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The two questions to a framebuffer, and the parts of the answers that matter
// here (linux/fb.h).
const (
	askVariable = 0x4600 // FBIOGET_VSCREENINFO
	askFixed    = 0x4602 // FBIOGET_FSCREENINFO

	typePacked   = 0 // FB_TYPE_PACKED_PIXELS
	visualMono01 = 0 // FB_VISUAL_MONO01
)

type fixedInfo struct {
	id              [16]byte
	_               uintptr // smem_start
	_               uint32  // smem_len
	kind, _, visual uint32
	_, _, _         uint16
	stride          uint32
	_               uintptr // mmio_start
	_, _            uint32
	_, _, _         uint16
}

type variableInfo struct {
	width, height, _, _, _, _, bits uint32
	_                               [33]uint32
}

// Open opens a framebuffer device. Close gives it free; it shows on what it
// shows.
func Open(path string) (*Panel, io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open the framebuffer: %w", err)
	}
	g, err := geometry(f)
	if err == nil {
		var p *Panel
		if p, err = New(f, g); err == nil {
			return p, f, nil
		}
	}
	f.Close()
	return nil, nil, fmt.Errorf("%s: %w", path, err)
}

func geometry(f *os.File) (Geometry, error) {
	var fixed fixedInfo
	var variable variableInfo
	if err := ask(f, askFixed, unsafe.Pointer(&fixed)); err != nil { //nolint:gosec // an ioctl takes an address
		return Geometry{}, err
	}
	if err := ask(f, askVariable, unsafe.Pointer(&variable)); err != nil { //nolint:gosec // an ioctl takes an address
		return Geometry{}, err
	}
	if fixed.kind != typePacked {
		return Geometry{}, ErrPixels
	}
	return Geometry{
		Width: int(variable.width), Height: int(variable.height), Stride: int(fixed.stride),
		Bits: int(variable.bits), InkIsOne: fixed.visual == visualMono01,
	}, nil
}

func ask(f *os.File, question uintptr, answer unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), question, uintptr(answer)); errno != 0 {
		return fmt.Errorf("it is no framebuffer: %w", errno)
	}
	return nil
}

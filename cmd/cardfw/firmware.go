package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"time"

	"sotto/card"
	"sotto/card/screen"
)

// Errors of a frame, as the byte after E.
const (
	errUnknown = iota + 1 // no such operation, or its frame is too short
	errBlank              // the flash has no card's memory
	errMemory             // what was to be written is none
	errFlash
)

// frameMax bounds what a frame carries: more than any message, picture or memory.
const frameMax = 4096

// firmware is a card between its flash and a line.
type firmware struct {
	chip   *chip
	device *card.Device
	prompt *screen.Prompt
	panel  panel
	now    time.Time
}

// panel is the card's: what a controller would send to the glass.
type panel struct{ frame screen.Frame }

// Put implements screen.Panel.
func (p *panel) Put(l *screen.Layout, page int) error {
	p.frame = l.Frame(page)
	return nil
}

// Blank implements screen.Panel.
func (p *panel) Blank() error {
	p.frame = screen.Frame{}
	return nil
}

// serve boots, and answers frames until in ends.
func (f *firmware) serve(in io.Reader, out io.Writer) error {
	f.boot()
	reader := bufio.NewReader(in)
	frame, answer := make([]byte, frameMax), make([]byte, 0, frameMax+8)
	for {
		op, body, err := readFrame(reader, frame)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		answer = append(answer[:0], op, 0, 0)
		answer = f.handle(answer, op, body)
		binary.BigEndian.PutUint16(answer[1:], uint16(len(answer)-3))
		if _, err := out.Write(answer); err != nil {
			return err
		}
	}
}

// readFrame reads one frame into buffer.
func readFrame(r io.Reader, buffer []byte) (op byte, body []byte, err error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(head[1:]))
	if n > len(buffer) {
		return 0, nil, errors.New("a frame is longer than any may be")
	}
	_, err = io.ReadFull(r, buffer[:n])
	return head[0], buffer[:n], err
}

// boot switches the card on with what its flash has.
func (f *firmware) boot() {
	f.device = nil
	memory, err := card.ParseMemory(f.chip.newest())
	if err != nil {
		return
	}
	f.prompt = &screen.Prompt{Panel: &f.panel}
	f.prompt.Clear()
	f.device = card.New(memory, f.chip, f.prompt, func() time.Time { return f.now })
}

// handle appends the answer to a frame, or makes the frame an error.
func (f *firmware) handle(answer []byte, op byte, body []byte) []byte {
	switch {
	case op == 'L':
		return f.load(answer, body)
	case op == 'X' && len(body) == 4:
		f.chip.fuse = binary.BigEndian.Uint32(body)
		return answer
	case op == 'H':
		return appendHeap(answer)
	case f.device == nil:
		return failed(answer, errBlank)
	case (op == 'M' || op == 'T') && len(body) >= 8:
		f.now = time.UnixMilli(int64(binary.BigEndian.Uint64(body)))
		if op == 'M' {
			return append(answer, f.device.Handle(body[8:])...)
		}
		f.device.Tick(f.now)
		return answer
	case op == 'N':
		f.device.PageNext()
		return answer
	case op == 'S':
		return append(answer, f.panel.frame.Bits[:]...)
	}
	return failed(answer, errUnknown)
}

func failed(answer []byte, code byte) []byte {
	answer[0] = 'E'
	return append(answer, code)
}

// load writes a memory into both pages, as a card maker's station would.
func (f *firmware) load(answer, encoded []byte) []byte {
	if _, err := card.ParseMemory(encoded); err != nil {
		return failed(answer, errMemory)
	}
	for range pages {
		if f.chip.Save(encoded) != nil {
			return failed(answer, errFlash)
		}
	}
	f.boot()
	return answer
}

// appendHeap says what is in use after what is not has been collected.
func appendHeap(answer []byte) []byte {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for _, n := range []uint64{m.Mallocs, m.TotalAlloc, m.HeapAlloc} {
		answer = binary.BigEndian.AppendUint64(answer, n)
	}
	return answer
}

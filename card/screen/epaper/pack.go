package epaper

import "sotto/card/screen"

// The controller sees the panel upright: 122 sources wide in 16 bytes, 250 gates
// high. The card holds it lying down, its left edge at gate 0.
const (
	rowBytes = 16
	rows     = screen.Width
	memory   = rowBytes * rows
)

// Pack turns a frame into the controller's memory: a row for each column of the
// frame, from left to right; in it the frame's lowest pixel first, in the highest
// bit; paper is 1. The six bits behind the last pixel are paper.
func Pack(f *screen.Frame) (m [memory]byte) {
	for i := range m {
		m[i] = 0xFF
	}
	for x := range screen.Width {
		for y := range screen.Height {
			if f.Ink(x, y) {
				at := screen.Height - 1 - y
				m[x*rowBytes+at/8] &^= 0x80 >> (at % 8)
			}
		}
	}
	return m
}

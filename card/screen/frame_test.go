package screen

import "testing"

// A stroke is its pixels, each for itself, and none outside the panel.
func TestStrokeIsItsPixels(t *testing.T) {
	for x := -40; x < Width+40; x++ {
		for _, y := range []int{-1, 0, 60, Height - 1, Height} {
			for _, bits := range []uint32{0xFFFFFFFF, 0x80000001, 0xA5C30F1E} {
				testStroke(t, x, y, bits, true)
				testStroke(t, x, y, bits, false)
			}
		}
	}
}

func testStroke(t *testing.T, x, y int, bits uint32, ink bool) {
	t.Helper()
	var got, want Frame
	if !ink {
		for i := range got.Bits {
			got.Bits[i] = 0xFF
		}
	}
	want = got
	got.stroke(x, y, bits, ink)
	for i := range 32 {
		if bits<<i&(1<<31) == 0 || x+i < 0 || x+i >= Width || y < 0 || y >= Height {
			continue
		}
		want.Bits[y*Stride+(x+i)/8] ^= 0x80 >> ((x + i) % 8)
	}
	if got != want {
		t.Errorf("a stroke %08X at %d, %d, ink %v, sets other pixels", bits, x, y, ink)
	}
}

package term_test

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"sotto/card/screen"
	"sotto/card/screen/term"
)

// raster is what a terminal makes of a sixel string: a colour for each pixel, 0
// where none was drawn.
type raster struct {
	width, height int
	pixels        map[[2]int]int
	colours       map[int]string
}

// decode reads sixels as the VT340's manual describes them. It knows nothing of
// how they were written.
func decode(s string) (r raster, err error) {
	r.pixels, r.colours = map[[2]int]int{}, map[int]string{}
	body, ok := strings.CutPrefix(s, "\x1bP")
	body, rest, ended := strings.Cut(body, "\x1b\\")
	_, body, began := strings.Cut(body, "q")
	if !ok || !ended || !began || rest != "\n" {
		return r, errors.New("no device control string")
	}
	x, y, colour, repeat := 0, 0, -1, 1
	for body != "" {
		c := body[0]
		body = body[1:]
		var numbers []int
		for strings.ContainsRune("!\"#", rune(c)) {
			end := strings.IndexFunc(body, func(r rune) bool { return !strings.ContainsRune("0123456789;", r) })
			for text := range strings.SplitSeq(body[:end], ";") {
				n, err := strconv.Atoi(text)
				if err != nil {
					return r, err
				}
				numbers = append(numbers, n)
			}
			body = body[end:]
			break
		}
		switch {
		case c == '"':
			r.width, r.height = numbers[2], numbers[3]
		case c == '!':
			repeat = numbers[0]
		case c == '#' && len(numbers) == 5:
			r.colours[numbers[0]] = fmt.Sprint(numbers[1:])
		case c == '#':
			colour = numbers[0] + 1
		case c == '$':
			x = 0
		case c == '-':
			x, y = 0, y+6
		case c >= '?' && c <= '~':
			for range repeat {
				for bit := range 6 {
					if (c-'?')>>bit&1 == 1 {
						r.pixels[[2]int{x, y + bit}] = colour
					}
				}
				x++
			}
			repeat = 1
		default:
			return r, fmt.Errorf("%q is no sixel", c)
		}
	}
	return r, nil
}

func TestSixelKeepsEveryPixel(t *testing.T) {
	f := layout.Frame(0)
	for _, scale := range []int{1, 2, 3} {
		r, err := decode(term.Sixel(&f, scale))
		if err != nil {
			t.Fatal(err)
		}
		if r.width != screen.Width*scale || r.height != screen.Height*scale || len(r.pixels) != r.width*r.height {
			t.Fatalf("scale %d: got %d by %d, %d pixels", scale, r.width, r.height, len(r.pixels))
		}
		if r.colours[0] != "[2 100 100 100]" || r.colours[1] != "[2 0 0 0]" {
			t.Errorf("got colours %v", r.colours)
		}
		for at, colour := range r.pixels {
			if want := f.Ink(at[0]/scale, at[1]/scale); want != (colour == 2) {
				t.Fatalf("scale %d: pixel %v has colour %d", scale, at, colour-1)
			}
		}
	}
}

// count counts writes and fails when it is told to.
type count struct {
	text   bytes.Buffer
	writes int
	err    error
}

func (c *count) Write(b []byte) (int, error) {
	if c.writes++; c.err != nil {
		return 0, c.err
	}
	return c.text.Write(b)
}

func TestPanelWipesAndDraws(t *testing.T) {
	f := layout.Frame(0)
	for name, tt := range map[string]struct {
		panel term.Panel
		want  string
	}{
		"characters": {term.Panel{Columns: 80}, term.Draw(layout, 0, 80)},
		"sixels":     {term.Panel{Columns: 80, Sixel: 2}, term.Sixel(&f, 2)},
	} {
		out := &count{}
		tt.panel.Out = out
		if err := tt.panel.Put(layout, 0); err != nil {
			t.Fatal(err)
		}
		if got, ok := strings.CutSuffix(out.text.String(), tt.want); !ok || !strings.Contains(got, "\x1b[2J\x1b[3J") || out.writes != 1 {
			t.Errorf("%s: got %d writes, beginning with %q", name, out.writes, got[:min(len(got), 20)])
		}
		out.text.Reset()
		if err := tt.panel.Blank(); err != nil || out.text.String() != "\x1b[H\x1b[2J\x1b[3J" {
			t.Errorf("%s, blank: got %q, %v", name, out.text.String(), err)
		}
		out.err = errors.New("hung up")
		if err := tt.panel.Put(layout, 0); !errors.Is(err, out.err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

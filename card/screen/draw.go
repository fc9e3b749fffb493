package screen

import (
	"image"

	"sotto/card"
)

// Frame draws a page; see Lines for how pages count.
func (l *Layout) Frame(page int) Frame {
	var f Frame
	page = turn(page, l.Pages())
	l.furniture(&f, page)
	var room [runsMax]run
	for _, r := range l.place(page, room[:0]) {
		f.run(r)
	}
	return f
}

// Render draws one page of a view, for a caller who needs no more than that.
func Render(v card.View, page int) Frame { return Compose(v).Frame(page) }

// furniture draws what is not text: the title bar or the resting picture, the
// picture of a released binding, the rule above the footer, and the chip behind
// the page mark.
func (l *Layout) furniture(f *Frame, page int) {
	if l.resting() {
		l.hairpin(f)
	} else {
		f.fill(image.Rect(0, 0, Width, barHeight), true)
	}
	if l.scene == card.SceneReleased {
		parted(f)
	}
	var room [runsMax]run
	foot := l.footLine(page, room[:0])
	if n := len(foot); n > 0 {
		f.rule()
		if foot[n-1].paper {
			f.chip(foot[n-1])
		}
	}
}

// rule dots a line above the footer, every other pixel: lighter than a stroke.
func (f *Frame) rule() {
	for x := margin; x < Width-margin; x += 2 {
		f.Set(x, ruleY, true)
	}
}

// chip inks the ground of the page mark, corners off.
func (f *Frame) chip(mark run) {
	left, right := mark.x-chipPadding, mark.x+widthOf(mark.face, mark.text)+chipPadding
	top, bottom := mark.y-10, mark.y+1
	f.fill(image.Rect(left, top+1, right, bottom-1), true)
	f.fill(image.Rect(left+1, top, right-1, bottom), true)
}

func (f *Frame) run(r run) {
	l := set(r.face, r.text)
	for p, x, ok := l.next(); ok; p, x, ok = l.next() {
		f.stamp(p.rows, r.x+x, r.y-p.rise, !r.paper)
	}
}

// stamp sets the ink of packed rows, their top left pixel at x, y.
func (f *Frame) stamp(rows []uint32, x, y int, ink bool) {
	for dy, bits := range rows {
		f.stroke(x, y+dy, bits, ink)
	}
}

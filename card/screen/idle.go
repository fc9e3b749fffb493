package screen

import "image"

// The resting picture: the word mark and, as in a score, the hairpin of a
// voice that grows softer.
const (
	restBaseline = 71
	busyBaseline = 56 // with lines of text under it

	hairpinGap  = 10
	hairpinStep = 8 // columns to one row of slope
)

// resting reports whether the page has the word mark instead of a title bar.
func (l *Layout) resting() bool { return l.plan.title == "" }

func (l *Layout) wordMark() run {
	y := restBaseline
	if len(l.body) > 0 {
		y = busyBaseline
	}
	return run{margin, y, faceMark, false, "sotto"}
}

// hairpin draws a decrescendo from the word mark to the right margin, closing
// at the middle of the letters.
func (l *Layout) hairpin(f *Frame) {
	mark := l.wordMark()
	left, right := mark.x+widthOf(mark.face, mark.text)+hairpinGap, Width-margin
	middle := mark.y - 13
	for x := left; x < right; x++ {
		open := (right - 1 - x) / hairpinStep
		f.Set(x, middle-open, true)
		f.Set(x, middle+open, true)
	}
}

// parted draws a card and a phone that no longer know each other.
func parted(f *Frame) {
	const centre, middle = Width/2 + 6, heroTop + heroHeight/2
	for _, p := range []struct {
		name rune
		x    int // of its middle
	}{{'c', centre - 44}, {'x', centre}, {'p', centre + 38}} {
		g := pictureSheet()[p.name]
		f.stamp(g.rows, p.x-g.width/2, middle-len(g.rows)/2, true)
	}
	for _, x := range []int{centre - 20, centre - 14, centre + 12, centre + 18} {
		f.fill(image.Rect(x, middle-1, x+2, middle+1), true)
	}
}

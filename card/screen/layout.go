package screen

import (
	"strconv"
	"strings"

	"sotto/card"
)

// The grid. Text stands on baselines; the first row under a glyph is its
// baseline.
const (
	margin        = 8
	barHeight     = 20
	barBaseline   = 17 // of a title beside the amount's tall figures
	titleBaseline = 15 // of a title alone
	heroTop       = 24
	heroHeight    = 36
	bodyBaseline  = 75
	plainBaseline = 33 // of a body that has the place of the code as well
	linePitch     = 14
	bodyLines     = 3
	plainLines    = 6
	ruleY         = 107
	footBaseline  = 119
	chipPadding   = 3
	labelGap      = 8
)

// runsMax is the most runs that a page has: title and amount, the code or the
// place of it, a label and a text for each line, and the footer.
const runsMax = 2 + 1 + 2*plainLines + 3

// Layout is a view laid out on pages. It is immutable, and one object on the heap
// unless its texts are long.
type Layout struct {
	scene      card.Scene
	plan       plan
	body       []bodyLine
	bodyRoom   [12]bodyLine
	labelWidth int
}

// bodyLine is one line of the body; first marks the line where a field begins.
type bodyLine struct {
	first       bool
	label, text string
}

// Compose lays v out. An empty view has one page.
func Compose(v card.View) *Layout {
	l := &Layout{scene: v.Scene}
	l.plan.fill(v)
	l.body = l.bodyRoom[:0]
	for _, f := range l.plan.fields {
		l.labelWidth = max(l.labelWidth, widthOf(faceText, f.label))
	}
	for _, f := range l.plan.fields {
		first := true
		for text := range wrap(f.text, contentWidth-l.indent(f.label)) {
			l.body = append(l.body, bodyLine{first, f.label, text})
			first = false
		}
	}
	return l
}

// indent is where a field's text begins, right of the margin. All labelled
// fields share one column, so none can stand where a label would.
func (l *Layout) indent(label string) int {
	if label == "" {
		return 0
	}
	return l.labelWidth + labelGap
}

// Pages is the number of pages, at least 1.
func (l *Layout) Pages() int {
	n, _ := l.bodyPlace()
	return max(1, (len(l.body)+n-1)/n)
}

// bodyPlace is how many lines a page's body has, and the baseline of the first.
func (l *Layout) bodyPlace() (lines, baseline int) {
	if l.scene == card.ScenePlain && l.plan.code == "" {
		return plainLines, plainBaseline
	}
	return bodyLines, bodyBaseline
}

// Lines returns the text of a page, top to bottom. Pages count from 0 and go
// round: a page number taken from a ticking counter is always good.
func (l *Layout) Lines(page int) []string {
	var room [runsMax]run
	var lines []string
	y := 0
	for _, r := range l.place(turn(page, l.Pages()), room[:0]) {
		text := Shown(r.text)
		if r.y == y { // the same line
			lines[len(lines)-1] += "  " + text
			continue
		}
		lines, y = append(lines, text), r.y
	}
	return lines
}

// Shown returns s as a reader of the screen would copy it down: a character
// that is drawn as a box becomes its number, like ⟦U+202E⟧.
func Shown(s string) string {
	var b strings.Builder
	for _, r := range s {
		if cellOf(r).drawn {
			b.WriteRune(r)
			continue
		}
		hex := strings.ToUpper(strconv.FormatInt(int64(r), 16))
		b.WriteString("⟦U+" + "0000"[min(len(hex), 4):] + hex + "⟧")
	}
	return b.String()
}

// run is a piece of text in one face, at its left end on its baseline.
type run struct {
	x, y  int
	face  face
	paper bool // drawn in paper colour, on ink
	text  string
}

// place appends the runs of one page, line by line from the top. Those of one line
// stand on the same baseline.
func (l *Layout) place(page int, runs []run) []run {
	if l.resting() {
		runs = append(runs, l.wordMark())
	} else {
		runs = l.titleLine(runs)
	}
	if l.plan.code != "" {
		runs = append(runs, codeRun(l.plan.code))
	}
	return l.footLine(page, l.bodyPage(page, runs))
}

// turn brings any page number into 0..pages-1.
func turn(page, pages int) int { return (page%pages + pages) % pages }

func (l *Layout) titleLine(runs []run) []run {
	title, amount := l.plan.title, l.plan.amount
	if amount == "" {
		return append(runs, run{margin, titleBaseline, faceBold, true, title})
	}
	width := widthOf(l.plan.amountFace, amount)
	return append(runs,
		run{margin, barBaseline, faceBold, true, title},
		run{Width - margin - width, barBaseline, l.plan.amountFace, true, amount})
}

// codeRun centres the code; what is not a code ("No code") stands in plain text.
func codeRun(code string) run {
	if !isBigCode(code) {
		return run{(Width - widthOf(faceText, code)) / 2, heroTop + heroHeight/2 + 5, faceText, false, code}
	}
	return run{(Width - widthOf(faceCode, code)) / 2, heroTop + heroHeight, faceCode, false, code}
}

// bodyPage places the page's lines. A field that continues from the page before
// shows its label again, with an ellipsis: the text is not the field's beginning.
func (l *Layout) bodyPage(page int, runs []run) []run {
	n, baseline := l.bodyPlace()
	rest := l.body[min(page*n, len(l.body)):]
	for i, b := range rest[:min(n, len(rest))] {
		y := baseline + i*linePitch
		switch {
		case b.label != "" && b.first:
			runs = append(runs, run{margin, y, faceText, false, b.label})
		case b.label != "" && i == 0:
			runs = append(runs, run{margin, y, faceText, false, b.label + "…"})
		}
		runs = append(runs, run{margin + l.indent(b.label), y, faceText, false, b.text})
	}
	return runs
}

func (l *Layout) footLine(page int, runs []run) []run {
	x := margin
	for _, text := range l.plan.foot {
		runs = append(runs, run{x, footBaseline, faceText, false, text})
		x += widthOf(faceText, text) + footGap
	}
	if pages := l.Pages(); pages > 1 {
		mark := strconv.Itoa(page+1) + "/" + strconv.Itoa(pages)
		runs = append(runs, run{Width - margin - widthOf(faceText, mark) - chipPadding, footBaseline, faceText, true, mark})
	}
	return runs
}

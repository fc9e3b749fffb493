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

// Layout is a view laid out on pages. It is immutable.
type Layout struct {
	scene      card.Scene
	plan       plan
	body       []bodyLine
	labelWidth int
}

// bodyLine is one line of the body; first marks the line where a field begins.
type bodyLine struct {
	first       bool
	label, text string
}

// Compose lays v out. An empty view has one page.
func Compose(v card.View) *Layout {
	l := &Layout{scene: v.Scene, plan: planOf(v)}
	for _, f := range l.plan.fields {
		l.labelWidth = max(l.labelWidth, widthOf(faceText, f.label))
	}
	for _, f := range l.plan.fields {
		l.body = append(l.body, l.linesOf(f)...)
	}
	return l
}

func (l *Layout) linesOf(f field) []bodyLine {
	texts := wrap(f.text, contentWidth-l.indent(f.label))
	lines := make([]bodyLine, len(texts))
	for i, t := range texts {
		lines[i] = bodyLine{first: i == 0, label: f.label, text: t}
	}
	return lines
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
	var lines []string
	for _, runs := range l.place(page) {
		texts := make([]string, len(runs))
		for i, r := range runs {
			texts[i] = Shown(r.text)
		}
		lines = append(lines, strings.Join(texts, "  "))
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

// place puts the runs of one page, grouped by line.
func (l *Layout) place(page int) [][]run {
	page = turn(page, l.Pages())
	var lines [][]run
	if l.resting() {
		lines = append(lines, []run{l.wordMark()})
	} else {
		lines = append(lines, l.titleLine())
	}
	if l.plan.code != "" {
		lines = append(lines, []run{codeRun(l.plan.code)})
	}
	lines = append(lines, l.bodyPage(page)...)
	if foot := l.footLine(page); len(foot) > 0 {
		lines = append(lines, foot)
	}
	return lines
}

// turn brings any page number into 0..pages-1.
func turn(page, pages int) int { return (page%pages + pages) % pages }

func (l *Layout) titleLine() []run {
	title, amount := l.plan.title, l.plan.amount
	if amount == "" {
		return []run{{margin, titleBaseline, faceBold, true, title}}
	}
	width := widthOf(l.plan.amountFace, amount)
	return []run{
		{margin, barBaseline, faceBold, true, title},
		{Width - margin - width, barBaseline, l.plan.amountFace, true, amount},
	}
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
func (l *Layout) bodyPage(page int) [][]run {
	var lines [][]run
	n, baseline := l.bodyPlace()
	rest := l.body[min(page*n, len(l.body)):]
	for i, b := range rest[:min(n, len(rest))] {
		y := baseline + i*linePitch
		text := run{margin + l.indent(b.label), y, faceText, false, b.text}
		switch {
		case b.label != "" && b.first:
			lines = append(lines, []run{{margin, y, faceText, false, b.label}, text})
		case b.label != "" && i == 0:
			lines = append(lines, []run{{margin, y, faceText, false, b.label + "…"}, text})
		default:
			lines = append(lines, []run{text})
		}
	}
	return lines
}

func (l *Layout) footLine(page int) []run {
	var runs []run
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

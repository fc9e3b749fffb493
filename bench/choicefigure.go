package bench

import (
	"fmt"
	"strconv"
)

// Colours of the two ways to tap, in both panels.
var defaultColour, choiceColour = colours[1], colours[0]

// ChoiceSVG draws the shares: in each class of readers, and over the size of the
// wallet.
func ChoiceSVG(r ChoiceResult) []byte {
	about := fmt.Sprintf("%s random wallets and amounts (seed %d); every tap is a whole one between SIM and till%s",
		number(float64(r.Wallets)), r.Seed, r.conditions())
	c := newCanvas(2*panelWidth, headHeight+panelHeight, "Taps that succeed", about)
	c.inside(0, headHeight, func() { drawClasses(c, r.Classes) })
	c.inside(panelWidth, headHeight, func() { drawSizes(c, r.ByApplets) })
	c.add(`</svg>`)
	return c.Bytes()
}

// drawClasses has two bars for each class, and the mark that the second must
// reach.
func drawClasses(c *canvas, classes []ChoiceClass) {
	const (
		left, right = 32, panelWidth - 40
		bar, group  = 22, 84
		top         = plotTop + 10
	)
	c.text(32, 24, 16, ink, "start", "By class of readers")
	c.text(32, 43, 12, faint, "start", "the line is what any applet of the wallet could have paid, by an oracle of its own")
	x := func(percent float64) float64 { return left + (right-left)*percent/100 }
	bottom := float64(panelHeight - plotBottom)
	for tick := 0.0; tick <= 100; tick += 20 {
		c.rule(x(tick), plotTop-16, x(tick), bottom, grid, "")
		c.text(x(tick), bottom+20, 12, faint, "middle", number(tick)+"\u2009%")
	}
	for i, class := range classes {
		y := float64(top + i*group)
		c.text(left, y, 13, ink, "start", class.Class+"  \u00b7  "+class.Reader)
		alone, choice, could := class.percent(class.Default), class.percent(class.Choice), class.percent(class.Any)
		c.box(left, y+8, x(alone)-left, bar, defaultColour)
		c.text(x(alone)-8, y+24, 13, background, "end", percentText(alone))
		c.box(left, y+8+bar+3, x(choice)-left, bar, choiceColour)
		c.text(x(choice)-8, y+24+bar+3, 13, background, "end", percentText(choice))
		c.rule(x(could), y+8+bar-1, x(could), y+8+2*bar+7, ink, ` stroke-width="3"`)
	}
	at := float64(left)
	for _, entry := range []struct{ colour, name string }{{defaultColour, "default card only"}, {choiceColour, "with the choice"}} {
		c.box(at, panelHeight-32, 18, 11, entry.colour)
		c.text(at+25, panelHeight-22, 12, ink, "start", entry.name)
		at += 47 + 6.6*float64(len(entry.name))
	}
	c.rule(at+9, panelHeight-34, at+9, panelHeight-19, ink, ` stroke-width="3"`)
	c.text(at+20, panelHeight-22, 12, ink, "start", "any applet could have paid")
}

// drawSizes has the shares over the number of applets.
func drawSizes(c *canvas, sizes []ChoiceClass) {
	p := panel{title: "By applets in the wallet", about: "readers of class a; one applet leaves nothing to choose"}
	alone, choice := line{name: "default card only"}, line{name: "with the choice", labels: true}
	for _, s := range sizes {
		if s.Taps == 0 {
			continue
		}
		p.categories = append(p.categories, strconv.Itoa(s.Applets))
		alone.values = append(alone.values, round(s.percent(s.Default), 0))
		choice.values = append(choice.values, round(s.percent(s.Choice), 0))
	}
	c.text(32, 24, 16, ink, "start", p.title)
	c.text(32, 43, 12, faint, "start", p.about)
	c.text(32, plotTop-12, 12, faint, "start", "% of taps")
	s := scale{high: 100, ticks: []float64{0, 20, 40, 60, 80, 100}}
	for _, tick := range s.ticks {
		c.rule(plotLeft, s.y(tick), panelWidth-plotRight, s.y(tick), grid, "")
		c.text(plotLeft-8, s.y(tick)+4, 12, faint, "end", number(tick))
	}
	c.rule(plotLeft, panelHeight-plotBottom, panelWidth-plotRight, panelHeight-plotBottom, faint, "")
	for i, name := range p.categories {
		c.text(p.x(i), panelHeight-plotBottom+20, 12, faint, "middle", name)
	}
	c.text((plotLeft+panelWidth-plotRight)/2, panelHeight-plotBottom+40, 12, faint, "middle", "applets")
	p.lines = []line{choice, alone} // in the order of their colours
	p.drawLine(c, s, alone, defaultColour)
	p.drawLine(c, s, choice, choiceColour)
	p.legend(c)
}

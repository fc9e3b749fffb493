package pos

import (
	"strings"
)

// Colours of a terminal window (ECMA-48, 8.3.117).
const (
	colourOff   = "\x1b[0m"
	colourDim   = "\x1b[2m"
	colourBold  = "\x1b[1m"
	colourGood  = "\x1b[32m"
	colourBad   = "\x1b[31m"
	colourSent  = "\x1b[36m"
	colourStep  = "\x1b[33m"
	indentation = "  "
)

// Text writes an event for people to read, with colours or without.
func (e Event) Text(colours bool) string {
	p := &page{colours: colours}
	switch {
	case e.Exchange != nil:
		p.exchange(e.Exchange)
	case e.End != nil:
		p.end(e.End)
	default:
		p.line(colourStep, "* "+e.Step)
	}
	return p.b.String()
}

// page collects coloured lines.
type page struct {
	b       strings.Builder
	colours bool
}

func (p *page) line(colour, text string) {
	if p.colours {
		text = colour + text + colourOff
	}
	p.b.WriteString(text + "\n")
}

func (p *page) exchange(x *Exchange) {
	p.line(colourBold, x.Name+"  "+x.Why)
	p.line(colourSent, "> "+x.Command)
	p.fields(x.Sent, 1)
	switch {
	case x.Status == 0:
		p.line(colourBad, "< no answer that can be used")
	case x.Status.OK():
		p.line(colourGood, "< "+x.Answer+"9000")
	default:
		p.line(colourBad, "< "+x.Answer+x.Status.String())
	}
	p.fields(x.Received, 1)
}

func (p *page) fields(list []Field, depth int) {
	for _, f := range list {
		text := strings.Repeat(indentation, depth)
		if f.Tag != 0 {
			text += tagText(f) + " "
		}
		text += f.Name
		if f.Value != "" {
			text += ": " + f.Value
		}
		p.line(colourDim, text)
		p.fields(f.Fields, depth+1)
	}
}

func tagText(f Field) string {
	var b []byte
	for shift := 16; shift >= 0; shift -= 8 {
		if c := byte(f.Tag >> shift); c != 0 || len(b) > 0 {
			b = append(b, c)
		}
	}
	return hexOf(b)
}

func (p *page) end(r *Result) {
	colour := colourBad
	if r.Outcome == Approved {
		colour = colourGood
	}
	text := "= " + string(r.Outcome) + ": " + string(r.Reason)
	if r.Reason == WrongStatus {
		text += " (" + r.Status.String() + ")"
	}
	p.line(colour, text)
}

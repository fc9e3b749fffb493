package bench

import (
	"fmt"
	"strings"
)

// Measures of the timeline.
const (
	airWidth         = 2 * panelWidth
	airLeft, airEdge = 32, 32
	airTop           = headHeight + 34
	airRow, airBar   = 76, 34
)

// airKinds are the parts of a tap in the drawing: colours of bar and words, what
// stands in it, and what the legend says.
var airKinds = []struct{ name, short, colour, words, about string }{
	{namePPSE, "PPSE", muted, onLight, "directory (PPSE)"},
	{nameSPI, "SPI", colours[1], background, "amount, and the SIM's choice (SPI)"},
	{"SELECT", "SELECT", colours[3], onLight, "selection of the applet"},
	{"GET PROCESSING OPTIONS", "GPO", colours[0], background, "payment (GPO); 6985: not this one"},
	{"READ RECORD", "record", colours[2], background, "certificates; record 3 commits"},
}

// AirSVG draws the taps as timelines, one below the other.
func AirSVG(r AirResult) []byte {
	a := r.Added
	about := fmt.Sprintf("computed from the bytes of real taps; ISO/IEC 14443 type A at 106 kbit/s, without activation and the chip's own time. The choice adds %.2f ms, %s.",
		a.All, percentText(a.Percent))
	bottom := airTop + airRow*len(r.Taps)
	c := newCanvas(airWidth, bottom+76, "An offline tap in the field", about)
	most := 0.0
	for _, t := range r.Taps {
		most = max(most, t.Air)
	}
	s := linear(most * 1.08)
	x := func(ms float64) float64 { return airLeft + (airWidth-airLeft-airEdge)*ms/s.high }
	for _, tick := range s.ticks {
		c.rule(x(tick), airTop-14, x(tick), float64(bottom), grid, "")
		c.text(x(tick), float64(bottom)+18, 12, faint, "middle", number(tick)+" ms")
	}
	for i, t := range r.Taps {
		drawTap(c, t, float64(airTop+i*airRow), x)
	}
	at := float64(airLeft)
	for _, k := range airKinds {
		c.box(at, float64(bottom)+44, 18, 11, k.colour)
		c.text(at+25, float64(bottom)+54, 12, ink, "start", k.about)
		at += 50 + 6.2*float64(len(k.about))
	}
	c.add(`</svg>`)
	return c.Bytes()
}

// drawTap draws one row: what it is, and its commands one after the other.
func drawTap(c *canvas, t AirTap, y float64, x func(ms float64) float64) {
	reader := "reader without SPI (class b)"
	if t.Class == readerClasses[0].name {
		reader = "reader with SPI (class a)"
	}
	c.text(airLeft, y, 13, ink, "start", t.Name+", "+reader)
	began := 0.0
	for _, command := range t.Commands {
		from, to := x(began), x(began+command.Air)
		began += command.Air
		short, colour, words := airLook(command)
		c.box(from, y+9, max(to-from-1.5, 1), airBar, colour)
		switch room := to - from; {
		case room > 90:
			c.text((from+to)/2, y+31, 12, words, "middle", fmt.Sprintf("%s  %.1f", short, command.Air))
		case room > 20:
			c.text((from+to)/2, y+23, 11, words, "middle", short)
			c.text((from+to)/2, y+37, 11, words, "middle", fmt.Sprintf("%.1f", command.Air))
		}
	}
	c.text(x(began)+6, y+31, 13, ink, "start", fmt.Sprintf("%.1f ms", t.Air))
}

// airLook is how a command is drawn. The short record has room for its number
// alone.
func airLook(command AirCommand) (short, colour, words string) {
	for _, k := range airKinds {
		rest, ok := strings.CutPrefix(command.Name, k.name)
		switch {
		case !ok:
		case command.Status != "9000":
			return command.Status, k.colour, k.words
		case command.Air < airShort && k.short == "record":
			return strings.TrimSpace(rest), k.colour, k.words
		case rest == "" || k.short == "record":
			return k.short + rest, k.colour, k.words
		}
	}
	return command.Name, muted, onLight
}

const airShort = 5.0 // ms

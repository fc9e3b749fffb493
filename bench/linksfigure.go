package bench

import (
	"fmt"
	"math"
	"slices"
)

// Measures of the drawing: two plots side by side that share their rows.
const (
	linksWidth               = 2 * panelWidth
	linksTop                 = headHeight + 66
	linksRow, linksGap       = 27, 20
	linksName, linksLoss     = 32, 142
	timesLeft, timesRight    = 168, 600
	bytesLeft, bytesRight    = 668, 1000
	linksFoot                = 78
	linkBar, linkDot, linkUp = 15, 4.5, 4
)

// linkNames are what a link is called in the drawing.
var linkNames = map[string]string{"ble": "BLE", "nfc": "NFC", "rfid": "RFID"}

// byteParts are the parts of the bytes on the air, in their order.
var byteParts = []struct{ name, colour string }{
	{"sealed message", colours[0]}, {"receipt", colours[2]}, {"around them", muted}, {"sent again", colours[1]},
}

// linksRows says where each row stands, a gap between links, and where they end.
func linksRows(rows []LinkRow) (at []float64, bottom float64) {
	y := float64(linksTop)
	for i, row := range rows {
		if i > 0 && row.Link != rows[i-1].Link {
			y += linksGap
		}
		at = append(at, y)
		y += linksRow
	}
	return at, y
}

// LinksSVG draws times and bytes, a row for each link and loss.
func LinksSVG(r LinksResult) []byte {
	at, bottom := linksRows(r.Links)
	first := r.Links[0]
	about := fmt.Sprintf("%s sealed payments of %.0f bytes over each link at each loss; real seals and a real card, on models of the radios (seed %d)",
		number(float64(first.Deliveries)), first.Sealed, r.Seed)
	c := newCanvas(linksWidth, int(bottom)+linksFoot, "From the phone to the card", about)
	c.text(linksName, headHeight+24, 16, ink, "start", "Until the card shows it")
	c.text(linksName, headHeight+43, 12, faint, "start", "ms from the phone having the message: median, and 99 of 100 (logarithmic)")
	c.text(bytesLeft, headHeight+24, 16, ink, "start", "Bytes on the air")
	c.text(bytesLeft, headHeight+43, 12, faint, "start", "for each delivery, both ways, and how many times the message's size")
	for i, row := range r.Links {
		if i == 0 || row.Link != r.Links[i-1].Link {
			c.text(linksName, at[i]+linkUp, 14, ink, "start", linkNames[row.Link])
		}
		c.text(linksLoss, at[i]+linkUp, 12, faint, "end", number(row.Loss)+"\u2009% lost")
	}
	drawTimes(c, r.Links, at, bottom)
	drawBytes(c, r.Links, at, bottom)
	c.add(`</svg>`)
	return c.Bytes()
}

// drawTimes has a line for each row, from the median to the 99th of 100.
func drawTimes(c *canvas, rows []LinkRow, at []float64, bottom float64) {
	low, high := math.Inf(1), 1.0
	for _, row := range rows {
		if row.Shown.P50 > 0 {
			low = min(low, row.Shown.P50)
		}
		high = max(high, row.Shown.P99)
	}
	s := logarithmic(min(low, high)*0.9, high*1.1)
	x := func(ms float64) float64 {
		return timesLeft + (timesRight-timesLeft)*math.Log10(max(ms, s.low)/s.low)/math.Log10(s.high/s.low)
	}
	for _, tick := range s.ticks {
		c.rule(x(tick), linksTop-linksRow/2, x(tick), bottom-linksRow/2, grid, "")
		c.text(x(tick), bottom+6, 12, faint, "middle", number(tick))
	}
	for i, row := range rows {
		if row.Shown.P50 == 0 {
			c.text(timesLeft, at[i]+linkUp, 12, faint, "start", "none was shown")
			continue
		}
		from, to := x(row.Shown.P50), x(row.Shown.P99)
		c.rule(from, at[i], to, at[i], colours[0], ` stroke-width="3" stroke-linecap="round"`)
		c.dot(from, at[i], colours[0])
		c.dot(to, at[i], colours[1])
		c.text(from-9, at[i]+linkUp, 12, ink, "end", fmt.Sprintf("%.0f", row.Shown.P50))
		c.text(to+9, at[i]+linkUp, 12, ink, "start", fmt.Sprintf("%.0f", row.Shown.P99))
	}
	c.dot(timesLeft+5, bottom+40, colours[0])
	c.text(timesLeft+17, bottom+44, 12, ink, "start", "median")
	c.dot(timesLeft+90, bottom+40, colours[1])
	c.text(timesLeft+102, bottom+44, 12, ink, "start", "99 of 100 take no longer")
}

func (c *canvas) dot(x, y float64, colour string) {
	c.add(`<circle cx="%.1f" cy="%.1f" r="%v" fill="%s" stroke="%s" stroke-width="1.2"/>`, x, y, linkDot, colour, background)
}

// drawBytes has a bar for each row, of its parts.
func drawBytes(c *canvas, rows []LinkRow, at []float64, bottom float64) {
	most := slices.MaxFunc(rows, func(a, b LinkRow) int { return int(a.OnAir - b.OnAir) }).OnAir
	s := linear(most * 1.02)
	x := func(n float64) float64 { return bytesLeft + (bytesRight-bytesLeft)*n/s.high }
	for _, tick := range s.ticks {
		c.rule(x(tick), linksTop-linksRow/2, x(tick), bottom-linksRow/2, grid, "")
		c.text(x(tick), bottom+6, 12, faint, "middle", number(tick))
	}
	for i, row := range rows {
		from := 0.0
		for part, n := range byteShares(row, rows) {
			if n > 0 {
				c.box(x(from), at[i]-linkBar/2, x(from+n)-x(from), linkBar, byteParts[part].colour)
			}
			from += n
		}
		c.text(x(from)+8, at[i]+linkUp, 12, ink, "start", fmt.Sprintf("%.0f   \u00d7\u2009%.2f", row.OnAir, row.OverSize))
	}
	left := float64(bytesLeft)
	for _, part := range byteParts {
		c.box(left, bottom+34, 18, 11, part.colour)
		c.text(left+25, bottom+44, 12, ink, "start", part.name)
		left += 45 + 6.2*float64(len(part.name))
	}
}

// byteShares shares the bytes of a row out among byteParts. What was sent again is
// what the same link needs beyond its row with the least.
func byteShares(row LinkRow, rows []LinkRow) [4]float64 {
	least := row.OnAir
	for _, other := range rows {
		if other.Link == row.Link {
			least = min(least, other.OnAir)
		}
	}
	return [4]float64{row.Sealed, row.Receipt, max(0, least-row.Sealed-row.Receipt), row.OnAir - least}
}

package lab

import (
	"encoding/hex"
	"math"
	"strings"
	"time"

	"sotto/bankapi"
	"sotto/pos"
	"sotto/sim"
)

// Line is one line of the trace of a tap: a command with its answer, a step of
// the till or of the bank in words, or what the SIM made of a command. Card
// numbers are masked in all of it.
type Line struct {
	Number int      `json:"number"`
	At     float64  `json:"at_ms"` // since the tap began
	Kind   LineKind `json:"kind"`

	// Of a command. Command and Answer are hex, with ** for what is not shown.
	Name     string  `json:"name,omitempty"`
	Why      string  `json:"why,omitempty"`
	Air      float64 `json:"air_ms,omitempty"` // what both take in the field at 106 kbit/s
	Command  string  `json:"command,omitempty"`
	Answer   string  `json:"answer,omitempty"`
	Status   string  `json:"status,omitempty"`
	Meaning  string  `json:"meaning,omitempty"` // of the status, unless that is 9000
	Lost     Lost    `json:"lost,omitempty"`
	Sent     []Datum `json:"sent,omitempty"`
	Received []Datum `json:"received,omitempty"`

	Text string `json:"text,omitempty"` // of a step

	// Of a fact of the SIM.
	Fact   string `json:"fact,omitempty"`
	Applet string `json:"applet,omitempty"` // label
	Reason string `json:"reason,omitempty"`
}

// LineKind says who speaks.
type LineKind string

// The kinds of lines.
const (
	LineAPDU LineKind = "apdu"
	LineTill LineKind = "till"
	LineSIM  LineKind = "sim"
	LineBank LineKind = "bank"
	LineEnd  LineKind = "end"
)

// Datum is one data object.
type Datum struct {
	Tag   string  `json:"tag,omitempty"`
	Name  string  `json:"name"`
	Value string  `json:"value,omitempty"`
	Parts []Datum `json:"parts,omitempty"`
}

const linesMax = 300

// Times in the field (ISO/IEC 14443-3 and -4 at 106 kbit/s): nine bits a byte of
// 9.44 microseconds each, a frame delay, and three bytes around each block.
const (
	byteTime   = 9 * 9440 * time.Nanosecond
	frameDelay = 86400 * time.Nanosecond
	blockExtra = 3
)

// inField is how long a command and its answer are in the field.
func inField(command, answer int) float64 {
	bytes := command + blockExtra + answer + blockExtra
	total := time.Duration(bytes)*byteTime + 2*frameDelay
	return math.Round(float64(total.Microseconds())/100) / 10
}

// traced takes an event of the till.
func (l *Lab) traced(e pos.Event) {
	lost := LostNothing
	if e.Exchange != nil && e.Exchange.Status == 0 {
		lost = l.field.lostNow()
	}
	now := l.c.Now()
	l.change(func(w *world) {
		t := &w.tap
		switch {
		case e.Exchange != nil:
			t.write(lineOf(e.Exchange, lost, t.class), now)
			t.crossing = ""
			t.flush(now)
		case e.End != nil:
			t.write(Line{Kind: LineEnd, Text: string(e.End.Outcome), Reason: string(e.End.Reason)}, now)
		default:
			t.write(Line{Kind: LineTill, Text: e.Step}, now)
		}
	})
}

func lineOf(x *pos.Exchange, lost Lost, class Class) Line {
	line := Line{
		Kind: LineAPDU, Name: x.Name, Why: x.Why, Command: x.Command, Answer: x.Answer, Lost: lost,
		Sent: dataOf(x.Sent), Received: dataOf(x.Received),
	}
	answer := len(x.Answer) / 2
	if x.Status != 0 {
		answer += 2
		line.Status, line.Meaning, _ = strings.Cut(x.Status.String(), " ")
		if x.Status.OK() {
			line.Meaning = ""
		}
	}
	if class != ClassContact && lost != LostCommand {
		line.Air = inField(len(x.Command)/2, answer)
	}
	return line
}

func dataOf(fields []pos.Field) []Datum {
	var list []Datum
	for _, f := range fields {
		d := Datum{Name: f.Name, Value: f.Value, Parts: dataOf(f.Fields)}
		if f.Tag != 0 {
			d.Tag = strings.ToUpper(strings.TrimLeft(hex.EncodeToString([]byte{byte(f.Tag >> 16), byte(f.Tag >> 8), byte(f.Tag)}), "0"))
		}
		list = append(list, d)
	}
	return list
}

// fact takes what the SIM says of itself. It comes while a command is carried
// out, and is written down behind it.
func (l *Lab) fact(f sim.Fact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := &l.world.tap; t.busy {
		t.facts, t.unwritten = append(t.facts, f), append(t.unwritten, f)
	}
}

// asksBank and bankSays see the till's way to the bank.
func (l *Lab) asksBank() {
	now := l.c.Now()
	l.change(func(w *world) { w.tap.write(Line{Kind: LineBank, Fact: "asked"}, now) })
}

func (l *Lab) bankSays(a bankapi.Authorization, err error) {
	line := Line{Kind: LineBank, Fact: string(a.Status), Reason: string(a.Reason)}
	if err != nil {
		line.Fact, line.Reason = "silent", problemOf(err).Reason
	}
	now := l.c.Now()
	l.change(func(w *world) { w.tap.write(line, now) })
}

// write puts one line into the trace.
func (t *tapWorld) write(line Line, now time.Time) {
	if len(t.trace) >= linesMax {
		return
	}
	line.Number, line.At = len(t.trace)+1, millis(now.Sub(t.began))
	t.trace = append(t.trace, line)
}

// flush writes the facts behind the command that has made them.
func (t *tapWorld) flush(now time.Time) {
	for _, f := range t.unwritten {
		line := Line{Kind: LineSIM, Fact: f.What.String(), Applet: t.labels[aidText(f.AID)]}
		if f.Reason != sim.ReasonNone {
			line.Reason = f.Reason.String()
		}
		t.write(line, now)
	}
	t.unwritten = nil
}

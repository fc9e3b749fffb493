package pos

import (
	"sotto/apdu"
	"sotto/emv"
	"sotto/money"
	"sotto/tlv"
)

// Event is one thing that has happened: a command with its answer, a step of the
// terminal in words, or how the tap ended. One of the three is there.
type Event struct {
	Exchange *Exchange
	Step     string
	End      *Result
}

// Exchange is one command APDU and its answer, explained. It has no whole card
// number, track or holder's name in it.
type Exchange struct {
	Name string // of the command
	Why  string // what the terminal wants
	// Command and Answer are the bytes in hexadecimal; what must not be shown is
	// asterisks. Answer is without the status, and empty if none came.
	Command, Answer string
	Sent, Received  []Field
	// Status is the chip's word; 0 if no answer came.
	Status apdu.Status
	// Part says that the answer goes on in the next exchange, whose fields are
	// those of the whole.
	Part bool
}

// Field is one data object.
type Field struct {
	Tag    tlv.Tag // 0 if the bytes are not objects
	Name   string
	Value  string // for people; empty of a template
	Fields []Field
}

// tracer tells whoever follows; a tracer without anybody does nothing.
type tracer struct {
	tell  func(Event)
	money money.Currency
}

func (t tracer) step(text string) {
	if t.tell != nil {
		t.tell(Event{Step: text})
	}
}

func (t tracer) end(r Result) {
	if t.tell != nil {
		t.tell(Event{End: &r})
	}
}

// part is one command APDU on its way.
type part struct {
	command apdu.Command
	answer  apdu.Response
	err     error
}

// exchange tells of a command and all parts of its answer.
func (t tracer) exchange(parts []part, whole apdu.Response, a about) {
	if t.tell == nil {
		return
	}
	text, fields := t.received(whole.Data, a)
	for i, p := range parts {
		last := i == len(parts)-1
		x := Exchange{Name: commandName(p.command), Why: a.why, Status: p.answer.Status, Part: !last}
		list := a.sent
		if p.command.INS == insGetResponse {
			x.Why, list = "Fetches the rest of the answer.", nil
		}
		x.Command, x.Sent = t.sent(p.command, list)
		if p.err != nil {
			x.Status = 0
		}
		// Where the whole never came, or is not understood, nothing of it is
		// shown: a part of an object cannot be told from a card number.
		n := 2 * len(p.answer.Data)
		if n <= len(text) {
			x.Answer, text = text[:n], text[n:]
		} else {
			x.Answer = hidden(n / 2)
		}
		if last {
			x.Received = fields
		}
		t.tell(Event{Exchange: &x})
	}
}

// commandName is what the books call a command.
func commandName(c apdu.Command) string {
	switch c.INS {
	case insSelect:
		switch string(c.Data) {
		case namePPSE:
			return "SELECT PPSE"
		case namePSE:
			return "SELECT PSE"
		}
		return "SELECT"
	case insReadRecord:
		return "READ RECORD"
	case insGetResponse:
		return "GET RESPONSE"
	case insGetData:
		return "GET DATA"
	case insProcessingOptions:
		return "GET PROCESSING OPTIONS"
	case insGenerateAC:
		return "GENERATE AC"
	case insExternalAuthenticate:
		return "EXTERNAL AUTHENTICATE"
	case insPOIInformation:
		return "SEND POI INFORMATION"
	case emv.INSPutData:
		return "PUT DATA"
	case emv.INSApplicationBlock:
		return "APPLICATION BLOCK"
	case emv.INSApplicationUnblock:
		return "APPLICATION UNBLOCK"
	}
	return "command " + hexOf([]byte{c.INS})
}

// sent explains the data of a command.
func (t tracer) sent(c apdu.Command, list emv.DOL) (text string, fields []Field) {
	m := newMask(c.Bytes())
	switch {
	case c.INS == insSelect:
		fields = []Field{{Name: "Name", Value: nameOf(c.Data)}}
	case list != nil:
		fields = t.told(c, list, m)
	}
	return m.String(), fields
}

// told are the values for a list. Behind them there may be more, of SEND POI
// INFORMATION.
func (t tracer) told(c apdu.Command, list emv.DOL, m mask) (fields []Field) {
	values := c.Data
	if c.INS != insGenerateAC {
		values, _ = tlv.Only(c.Data, emv.TagCommandTemplate)
	}
	n := min(list.Len(), len(values))
	v, err := list.Read(values[:n])
	if err != nil {
		return nil
	}
	for tag, value := range v.All() {
		fields = append(fields, t.field(tag, value, m))
	}
	if rest := values[n:]; len(rest) > 0 {
		fields = append(fields, Field{Tag: emv.TagPOI, Name: emv.Name(emv.TagPOI), Value: hexOf(rest)})
	}
	return fields
}

func nameOf(b []byte) string {
	if s := string(b); s == namePPSE || s == namePSE {
		return s
	}
	return hexOf(b)
}

// received explains an answer. What cannot be read is not shown, for it may be
// anything.
func (t tracer) received(b []byte, a about) (text string, fields []Field) {
	m := newMask(b)
	switch {
	case len(b) == 0:
		return "", nil
	case a.format != nil:
		if v, err := a.format.Read(b); err == nil {
			for tag, value := range v.All() {
				fields = append(fields, t.field(tag, value, m))
			}
			return m.String(), fields
		}
	case tlv.Check(b) == nil:
		fields = t.objects(b, m, a.values)
		return m.String(), fields
	}
	return hidden(len(b)), []Field{{Name: "Not understood", Value: count(len(b), "byte")}}
}

func (t tracer) objects(b []byte, m mask, values emv.DOL) (fields []Field) {
	for {
		o, rest, ok, err := tlv.Next(b)
		if err != nil || !ok {
			return fields
		}
		f := t.field(o.Tag, o.Value, m)
		switch {
		case o.Tag.Constructed():
			f.Value, f.Fields = "", t.objects(o.Value, m, values)
		case o.Tag == emv.TagResponse1 && values != nil:
			f.Value, f.Fields = "", t.inside(o.Value, m, values)
		}
		fields = append(fields, f)
		b = rest
	}
}

// inside explains an answer of format 1, whose last value has no length of its
// own.
func (t tracer) inside(b []byte, m mask, values emv.DOL) (fields []Field) {
	for _, e := range values {
		n := e.Length
		if n == 0 {
			n = len(b)
		}
		if n == 0 || n > len(b) {
			return fields
		}
		fields = append(fields, t.field(e.Tag, b[:n], m))
		b = b[n:]
	}
	return fields
}

func (t tracer) field(tag tlv.Tag, value []byte, m mask) Field {
	if emv.Sensitive(tag) {
		m.hide(value)
	}
	f := Field{Tag: tag, Name: emv.Name(tag), Value: t.describe(tag, value)}
	if f.Name == "" {
		f.Name = "?"
	}
	return f
}

// describe is emv.Describe, with amounts as people write them.
func (t tracer) describe(tag tlv.Tag, value []byte) string {
	switch tag {
	case emv.TagAmount, emv.TagAmountOther, emv.TagAvailable, emv.TagBalance, emv.TagBalanceMax, emv.TagPurseTapMax, emv.TagPurseReset:
		if a, err := emv.ParseAmount(value); err == nil {
			minor, err := a.Minor()
			if err == nil {
				return money.Amount{Minor: minor, Currency: t.money}.Decimal()
			}
		}
	case emv.TagReason:
		return hexOf(value) + " " + string(chipReason(value))
	case emv.TagDFName, emv.TagADFName:
		return nameOf(value)
	}
	return emv.Describe(tag, value)
}

package dyncode

import (
	"encoding/binary"
	"slices"

	"sotto/ident"
	"sotto/tlv"
)

// Lines is the simple transformation of A9 for a card with no decryption
// component: text it can show as it is.
type Lines struct {
	Lifetime uint16   // seconds, at least 1
	Code     []byte   // digits; empty for a mere notice
	Text     [][]byte // 1 to LinesMax lines of UTF-8; the whole message is MessageMax at most
}

// LinesMax and LineMax bound the text: lines, and bytes of one line.
const (
	LinesMax = 12
	LineMax  = 220
)

const (
	tagLineLifetime tlv.Tag = 0x80
	tagLineCode     tlv.Tag = 0x81
	tagLineText     tlv.Tag = 0xA2
	tagLine         tlv.Tag = 0x80
)

// AppendLines frames lines as a message for a Plain card.
func AppendLines(dst []byte, message ident.Raw, l Lines) ([]byte, error) {
	if l.Lifetime == 0 || len(l.Text) < 1 || len(l.Text) > LinesMax || (len(l.Code) > 0 && !validCode(l.Code)) {
		return dst, ErrContent
	}
	dst = slices.Grow(dst, l.sizeMax()) // growing later would leave a copy of the code
	start := len(dst)
	dst = appendHead(dst, Plain, message)
	body := len(dst)
	dst = binary.BigEndian.AppendUint16(tlv.AppendHeader(dst, tagLineLifetime, 2), l.Lifetime)
	dst = appendText(dst, tagLineCode, l.Code)
	text := len(dst)
	for _, line := range l.Text {
		if !validText(line, 1, LineMax) {
			return dst[:start], ErrContent
		}
		dst = tlv.Append(dst, tagLine, line)
	}
	dst = appendTemplate(dst, text, tagLineText)
	dst = appendTemplate(dst, body, tagLines)
	dst = appendTemplate(dst, start, tagMessage)
	if len(dst)-start > MessageMax {
		return dst[:start], ErrContent
	}
	return dst, nil
}

// sizeMax is at least what AppendLines writes.
func (l Lines) sizeMax() int {
	n := overheadMax
	for _, line := range l.Text {
		n += len(line) + 4
	}
	return n
}

// ParseLines reads the Lines object of a message. Code and text alias b.
func ParseLines(b []byte) (Lines, error) {
	f := fields{rest: b}
	l := Lines{Text: make([][]byte, 0, LinesMax)}
	if v := f.must(tagLineLifetime, 2, 2); v != nil {
		l.Lifetime = binary.BigEndian.Uint16(v)
	}
	l.Code, _ = f.optional(tagLineCode, CodeDigitsMin, CodeDigitsMax)
	text := f.must(tagLineText, 1, MessageMax)
	if !f.end() || l.Lifetime == 0 || (l.Code != nil && !validCode(l.Code)) {
		return Lines{}, ErrMalformed
	}
	for len(text) > 0 {
		o, rest, _, err := tlv.Next(text)
		if err != nil || o.Tag != tagLine || len(l.Text) == LinesMax ||
			!validText(o.Value, 1, LineMax) {
			return Lines{}, ErrMalformed
		}
		l.Text = append(l.Text, o.Value)
		text = rest
	}
	return l, nil
}

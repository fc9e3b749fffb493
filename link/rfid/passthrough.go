package rfid

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"sotto/apdu"
	"sotto/link"
	"sotto/tlv"
)

// The pass-through form is that of PC/SC 2.02, Part 3, supplemental document for
// contactless ICCs, 3.2: FF C2 00 and a function, with data objects.
const (
	classReader     = apdu.Class(0xFF)
	insTransparent  = 0xC2
	manageSession   = 0x00
	exchangeBytes   = 0x01
	switchProtocol  = 0x02
	standard15693   = 0x02
	withoutLayers   = 0x00
	answerTimeMicro = 20_000 // longer than any request here takes the tag
)

// Data objects.
const (
	tagStart      tlv.Tag = 0x81
	tagEnd        tlv.Tag = 0x82
	tagFieldOn    tlv.Tag = 0x84
	tagProtocol   tlv.Tag = 0x8F
	tagTransceive tlv.Tag = 0x95
	tagReception  tlv.Tag = 0x96 // status: what was wrong with what came
	tagReceived   tlv.Tag = 0x97
	tagOutcome    tlv.Tag = 0xC0 // number of the bad object, SW1, SW2
	tagTimer      tlv.Tag = 0x5F46
)

// closeMax is how long a reader may take to end a session.
const closeMax = time.Second

// Sizes in bytes, so that a short command and a short response hold all.
const (
	passRequestMax  = apdu.DataMaxShort - 7 - 3       // timer; tag and length
	passResponseMax = apdu.NeMaxShort - 5 - 3 - 4 - 3 // C0, 92, 96; tag and length
)

// PassThrough is a Radio through a PC/SC reader that lets requests through. It has
// the reader from its first Exchange until Close, and one goroutine at a time uses
// it.
type PassThrough struct {
	reader     link.Reader
	connection link.Connection
}

// NewPassThrough makes a Radio of a reader. It opens nothing yet.
func NewPassThrough(r link.Reader) *PassThrough { return &PassThrough{reader: r} }

// Limits implements Radio.
func (*PassThrough) Limits() (request, response int) { return passRequestMax, passResponseMax }

// Exchange implements Radio. The reader writes the CRC and checks it.
func (p *PassThrough) Exchange(ctx context.Context, request []byte) ([]byte, error) {
	if len(request) > passRequestMax {
		return nil, errLong
	}
	if p.connection == nil {
		if err := p.open(ctx); err != nil {
			return nil, err
		}
	}
	data := tlv.Append(nil, tagTimer, binary.LittleEndian.AppendUint32(nil, answerTimeMicro))
	data = tlv.Append(data, tagTransceive, request)
	response, err := p.send(ctx, exchangeBytes, data)
	if err != nil {
		return nil, err
	}
	if status, has := tlv.Find(response, tagReception); has && len(status) > 0 && status[0] != 0 {
		return nil, ErrGarbled
	}
	b, has := tlv.Find(response, tagReceived)
	if !has || len(b) == 0 {
		return nil, ErrNoAnswer
	}
	return b, nil
}

// open takes the reader and makes it speak ISO/IEC 15693.
func (p *PassThrough) open(ctx context.Context) error {
	connection, err := p.reader.Connect(ctx)
	if err != nil {
		return err
	}
	p.connection = connection
	for _, step := range []struct {
		function byte
		data     []byte
	}{
		{manageSession, tlv.Append(nil, tagStart, nil)},
		{switchProtocol, tlv.Append(nil, tagProtocol, []byte{standard15693, withoutLayers})},
		{manageSession, tlv.Append(nil, tagFieldOn, nil)},
	} {
		response, err := p.send(ctx, step.function, step.data)
		if err == nil {
			err = outcome(response)
		}
		if errors.Is(err, link.ErrGone) {
			return err
		}
		if err != nil {
			_ = p.Close()
			return fmt.Errorf("this reader does not let ISO/IEC 15693 through: %w", err)
		}
	}
	return nil
}

// outcome is what the reader says of the data objects it was given.
func outcome(response []byte) error {
	if o, has := tlv.Find(response, tagOutcome); has && len(o) == 3 {
		return apdu.Status(uint16(o[1])<<8 | uint16(o[2])).Err()
	}
	return nil
}

func (p *PassThrough) send(ctx context.Context, function byte, data []byte) ([]byte, error) {
	command := apdu.Command{CLA: classReader, INS: insTransparent, P2: function, Data: data, Ne: apdu.NeMaxShort}
	b, err := p.connection.Transmit(ctx, command.Bytes())
	if err != nil {
		if errors.Is(err, link.ErrGone) {
			_ = p.Close()
		}
		return nil, err
	}
	response, err := apdu.ParseResponse(b)
	if err != nil {
		return nil, err
	}
	return response.Data, response.Status.Err()
}

// Close ends the session and lets the reader go. The next Exchange begins another.
func (p *PassThrough) Close() error {
	if p.connection == nil {
		return nil
	}
	connection := p.connection
	p.connection = nil
	end := apdu.Command{CLA: classReader, INS: insTransparent, P2: manageSession, Data: tlv.Append(nil, tagEnd, nil), Ne: apdu.NeMaxShort}
	ctx, cancel := context.WithTimeout(context.Background(), closeMax)
	defer cancel()
	_, _ = connection.Transmit(ctx, end.Bytes()) // it ends with the connection anyhow
	return connection.Close()
}

// VirtualReader is a chip that behaves as such a reader with a Field around it:
// what a PassThrough says to it reaches the tags in the field. Put into pcscd's
// virtual reader it makes that one a reader for ISO/IEC 15693.
func VirtualReader(f *Field) link.Chip { return &virtual{field: f} }

type virtual struct {
	field *Field
	open  bool // the session
	right bool // the protocol
}

func (v *virtual) Reset(link.Interface) { v.open, v.right = false, false }

func (v *virtual) Transmit(command []byte) []byte {
	c, err := apdu.Parse(command)
	switch {
	case err != nil:
		return apdu.Response{Status: apdu.StatusWrongLength}.Bytes()
	case c.CLA != classReader:
		return apdu.Response{Status: apdu.StatusWrongCLA}.Bytes()
	case c.INS != insTransparent:
		return apdu.Response{Status: apdu.StatusWrongINS}.Bytes()
	case c.P1 != 0:
		return apdu.Response{Status: apdu.StatusWrongP1P2}.Bytes()
	}
	outcome, data := v.carryOut(c.P2, c.Data)
	answer := tlv.Append(nil, tagOutcome, []byte{byte(0), byte(outcome >> 8), byte(outcome)})
	return apdu.Response{Data: append(answer, data...), Status: apdu.StatusOK}.Bytes()
}

func (v *virtual) carryOut(function byte, objects []byte) (outcome apdu.Status, data []byte) {
	has := func(t tlv.Tag) bool { _, found := tlv.Find(objects, t); return found }
	switch {
	case function == manageSession && has(tagStart):
		v.open = true
	case function == manageSession && has(tagEnd):
		v.open, v.right = false, false
	case function == manageSession && has(tagFieldOn):
	case !v.open:
		return apdu.StatusConditions, nil
	case function == switchProtocol:
		protocol, _ := tlv.Find(objects, tagProtocol)
		v.right = len(protocol) == 2 && protocol[0] == standard15693
		if !v.right {
			return apdu.StatusNotSupported, nil
		}
	case function == exchangeBytes && v.right:
		return v.exchange(objects)
	default:
		return apdu.StatusNotSupported, nil
	}
	return apdu.StatusOK, nil
}

func (v *virtual) exchange(objects []byte) (apdu.Status, []byte) {
	request, has := tlv.Find(objects, tagTransceive)
	if !has {
		return apdu.StatusWrongData, nil
	}
	response, err := v.field.Exchange(context.Background(), request)
	switch {
	case errors.Is(err, ErrGarbled):
		return apdu.StatusOK, tlv.Append(nil, tagReception, []byte{0x01, 0x00})
	case err != nil || len(response) > passResponseMax:
		return 0x6401, nil // nothing came
	}
	return apdu.StatusOK, tlv.Append(tlv.Append(nil, tagReception, []byte{0, 0}), tagReceived, response)
}

package apdu_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"sotto/apdu"
)

func TestGetResponse(t *testing.T) {
	get := apdu.Command{INS: 0xC0, Ne: 256}
	whole := apdu.Response{Data: []byte{1, 2, 3, 4, 5}, Status: 0x6282}

	if r, rest := apdu.Respond(whole, 5); !rest.Empty() || !bytes.Equal(r.Data, whole.Data) || r.Status != 0x6282 {
		t.Errorf("it fits: got %X %v", r.Data, r.Status)
	}
	r, rest := apdu.Respond(whole, 0)
	if len(r.Data) != 0 || r.Status != 0x6105 {
		t.Errorf("nothing asked for: got %X %v", r.Data, r.Status)
	}
	get.Ne = 3
	r, rest = rest.GetResponse(get)
	if !bytes.Equal(r.Data, []byte{1, 2, 3}) || r.Status != 0x6102 {
		t.Errorf("a part: got %X %v", r.Data, r.Status)
	}
	get.Ne = 256
	r, rest = rest.GetResponse(get)
	if !bytes.Equal(r.Data, []byte{4, 5}) || r.Status != 0x6282 || !rest.Empty() {
		t.Errorf("the last part: got %X %v", r.Data, r.Status)
	}
}

func TestGetResponseRefuses(t *testing.T) {
	_, rest := apdu.Respond(apdu.Response{Data: []byte{1}, Status: apdu.StatusOK}, 0)
	for name, c := range map[string]struct {
		pending apdu.Pending
		command apdu.Command
		want    apdu.Status
	}{
		"nothing waits":  {apdu.Pending{}, apdu.Command{INS: 0xC0, Ne: 1}, apdu.StatusConditions},
		"P1 is not zero": {rest, apdu.Command{INS: 0xC0, P1: 1, Ne: 1}, apdu.StatusWrongP1P2},
		"P2 is not zero": {rest, apdu.Command{INS: 0xC0, P2: 1, Ne: 1}, apdu.StatusWrongP1P2},
		"data":           {rest, apdu.Command{INS: 0xC0, Data: []byte{1}, Ne: 1}, apdu.StatusWrongLength},
		"no Le":          {rest, apdu.Command{INS: 0xC0}, apdu.StatusWrongLength},
	} {
		r, after := c.pending.GetResponse(c.command)
		if r.Status != c.want || len(r.Data) != 0 || after.Empty() != c.pending.Empty() {
			t.Errorf("%s: got %v, empty %v", name, r.Status, after.Empty())
		}
	}
	if apdu.IsGetResponse(apdu.Command{CLA: 0x80, INS: 0xC0}) || !apdu.IsGetResponse(apdu.Command{CLA: 0x01, INS: 0xC0}) {
		t.Error("IsGetResponse does not look at the class")
	}
}

// pieceCard answers one command in parts, like a card behind T=0.
type pieceCard struct {
	answer  apdu.Response
	partMax int
	exact   bool // it wants the right Le first
	pending apdu.Pending
	sent    []apdu.Command
}

func (p *pieceCard) send(c apdu.Command) (r apdu.Response, err error) {
	p.sent = append(p.sent, c)
	switch {
	case apdu.IsGetResponse(c):
		c.Ne = min(c.Ne, p.partMax)
		r, p.pending = p.pending.GetResponse(c)
	case p.exact && c.Ne != 7:
		return apdu.Response{Status: apdu.RetryWith(7)}, nil
	default:
		r, p.pending = apdu.Respond(p.answer, min(c.Ne, p.partMax))
	}
	return r, nil
}

// However small the parts are, the reader gets the response whole.
func TestTransmitFetchesTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		card := &pieceCard{
			answer: apdu.Response{
				Data:   rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "data"),
				Status: rapid.SampledFrom([]apdu.Status{0x9000, 0x6282, 0x6985}).Draw(t, "status"),
			},
			partMax: rapid.IntRange(1, 256).Draw(t, "part"),
			exact:   rapid.Bool().Draw(t, "exact"),
		}
		channel := rapid.SampledFrom([]apdu.Class{0x00, 0x02, 0x0E, 0x45, 0x80}).Draw(t, "class")
		got, err := apdu.Transmit(card.send, apdu.Command{CLA: channel, INS: 0xB2, Ne: 256})
		if err != nil || !bytes.Equal(got.Data, card.answer.Data) || got.Status != card.answer.Status {
			t.Fatalf("got %X %v, %v", got.Data, got.Status, err)
		}
		for _, c := range card.sent {
			if c.CLA.Channel() != channel.Channel() {
				t.Fatalf("left channel %d for %d", channel.Channel(), c.CLA.Channel())
			}
			if apdu.IsGetResponse(c) && (c.CLA.SecureMessaging() != apdu.Plain || c.CLA.Chained()) {
				t.Fatalf("GET RESPONSE in class %02X", byte(c.CLA))
			}
		}
	})
}

func TestTransmitGivesUp(t *testing.T) {
	lost := errors.New("reader unplugged")
	for _, c := range []struct {
		name   string
		answer func(n int) (apdu.Response, error)
		want   error
	}{
		{"link lost at once", func(int) (apdu.Response, error) { return apdu.Response{}, lost }, lost},
		{"link lost on the way", func(n int) (apdu.Response, error) {
			if n > 0 {
				return apdu.Response{}, lost
			}
			return apdu.Response{Status: 0x6110}, nil
		}, lost},
		{"announces and sends nothing", func(int) (apdu.Response, error) { return apdu.Response{Status: 0x6110}, nil }, apdu.ErrEndless},
		{"never ends", func(int) (apdu.Response, error) {
			return apdu.Response{Data: make([]byte, 256), Status: 0x6100}, nil
		}, apdu.ErrEndless},
	} {
		n := -1
		got, err := apdu.Transmit(func(apdu.Command) (apdu.Response, error) { n++; return c.answer(n) }, apdu.Command{Ne: 256})
		if !errors.Is(err, c.want) || got.Data != nil {
			t.Errorf("%s: got %d bytes, %v", c.name, len(got.Data), err)
		}
		if n > 300 {
			t.Errorf("%s: sent %d commands", c.name, n)
		}
	}
	// A card that wants another Le again and again is asked twice and believed.
	asked := 0
	r, err := apdu.Transmit(func(apdu.Command) (apdu.Response, error) {
		asked++
		return apdu.Response{Status: apdu.RetryWith(asked)}, nil
	}, apdu.Command{Ne: 256})
	if err != nil || r.Status != 0x6C02 || asked != 2 {
		t.Errorf("got %v, %v after %d commands", r.Status, err, asked)
	}
}

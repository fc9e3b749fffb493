package scp03_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sotto/apdu"
	"sotto/scp03"
)

// Whatever one end wraps, the other unwraps to the same, at each level and key
// size, on each channel, with responses lost on the way and errors between; and
// what the level promises to hide does not travel in clear.
func TestBothEndsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		level := rapid.SampledFrom(levels).Draw(t, "level")
		channel := apdu.Class(rapid.IntRange(0, 3).Draw(t, "channel"))
		d := domainOf(t, rapid.SampledFrom(keySizes).Draw(t, "key size"), rapid.SampledFrom(options).Draw(t, "option"))
		host, card := open(t, d, level, channel, [8]byte{1})
		for range rapid.IntRange(1, 8).Draw(t, "commands") {
			host, card = exchange(t, host, card, channel)
		}
	})
}

func exchange(t *rapid.T, host scp03.Host, card scp03.Card, channel apdu.Class) (scp03.Host, scp03.Card) {
	plain := drawCommand(t, host.Level(), channel)
	host, wrapped, err := host.Wrap(plain)
	if err != nil {
		t.Fatal(err)
	}
	if hidden(plain.Data) && bytes.Contains(wrapped.Bytes(), plain.Data) == host.Level().Has(scp03.CDEC) {
		t.Errorf("level %02X: command data travels as %X", host.Level(), wrapped.Bytes())
	}
	wire, err := apdu.Parse(wrapped.Bytes())
	if err != nil || wire.Extended || wire.CLA != plain.CLA|4 {
		t.Fatalf("%X: %v", wrapped.Bytes(), err)
	}
	card, got, status := card.Unwrap(wire)
	if !status.OK() || !equalCommands(host.Level(), plain, got) {
		t.Fatalf("%v: got %+v, want %+v", status, got, plain)
	}
	if rapid.Bool().Draw(t, "response lost") {
		return host, card
	}

	answer := drawResponse(t)
	card, sealed := card.Wrap(answer)
	if hidden(answer.Data) && bytes.Contains(sealed.Data, answer.Data) == host.Level().Has(scp03.RENC) {
		t.Errorf("level %02X: response data travels as %X", host.Level(), sealed.Data)
	}
	host, back, err := host.Unwrap(parseWire(t, sealed))
	if err != nil || back.Status != answer.Status || !bytes.Equal(back.Data, answer.Data) {
		t.Fatalf("%v: got %X, want %X", err, back.Bytes(), answer.Bytes())
	}
	return host, card
}

// hidden reports whether data is long enough not to turn up by chance.
func hidden(data []byte) bool { return len(data) >= 8 }

func equalCommands(level scp03.Level, want, got apdu.Command) bool {
	if level.Has(scp03.RMAC) && want.Ne > 0 {
		want.Ne = 256 // there was to be room for the MAC
	}
	return bytes.Equal(want.Bytes(), got.Bytes())
}

func drawCommand(t *rapid.T, level scp03.Level, channel apdu.Class) apdu.Command {
	most := scp03.DataMax
	if level.Has(scp03.CDEC) {
		most = scp03.DataMaxEncrypted
	}
	return apdu.Command{
		CLA:  apdu.Class(rapid.SampledFrom([]byte{0x00, 0x80}).Draw(t, "class")) | channel,
		INS:  rapid.Byte().Draw(t, "INS"),
		P1:   rapid.Byte().Draw(t, "P1"),
		P2:   rapid.Byte().Draw(t, "P2"),
		Data: rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, "data"),
		Ne:   rapid.SampledFrom([]int{0, 1, 255, 256}).Draw(t, "Ne"),
	}
}

// drawResponse has data only where a card may send any.
func drawResponse(t *rapid.T) apdu.Response {
	status := rapid.SampledFrom([]apdu.Status{0x9000, 0x6283, 0x6310, 0x6A88, 0x6985, 0x6100, 0x6C10}).Draw(t, "status")
	if status != 0x9000 && !status.Warning() {
		return apdu.Response{Status: status}
	}
	return apdu.Response{Status: status, Data: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "response data")}
}

func parseWire(t *rapid.T, r apdu.Response) apdu.Response {
	back, err := apdu.ParseResponse(r.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// Every bit of a wrapped command matters but those of Le, which no MAC covers.
func TestEveryFlippedBitOfACommandClosesTheCard(t *testing.T) {
	for _, size := range keySizes {
		for _, level := range levels {
			host, card := open(t, domainOf(t, size, 0x70), level, 0, [8]byte{2})
			_, wrapped, err := host.Wrap(apdu.Command{CLA: 0x80, INS: 0xE2, P1: 0x91, Data: run(0, 20), Ne: 256})
			if err != nil {
				t.Fatal(err)
			}
			wire := wrapped.Bytes()
			for bit := range 8 * (len(wire) - 1) {
				flipped := bytes.Clone(wire)
				flipped[bit/8] ^= 1 << (bit % 8)
				c, err := apdu.Parse(flipped)
				if err != nil {
					continue // Lc, or a command that no card ever sees
				}
				refuses(t, fmt.Sprintf("level %02X, bit %d", level, bit), card, c, wrapped)
			}
			if _, _, status := card.Unwrap(wrapped); !status.OK() {
				t.Errorf("level %02X: the command as it was is refused too: %v", level, status)
			}
		}
	}
}

// refuses checks that the card refuses c, and after it what it would have taken.
func refuses(t *testing.T, what string, card scp03.Card, c, good apdu.Command) {
	t.Helper()
	card, got, status := card.Unwrap(c)
	if status != apdu.StatusSecurity || card.Open() || card.Level() != 0 || len(got.Bytes()) != 4 {
		t.Errorf("%s: %v, open %v, %X", what, status, card.Open(), got.Bytes())
	}
	if _, r := card.Wrap(apdu.Response{Data: run(0, 4), Status: apdu.StatusOK}); r.Status != apdu.StatusSecurity || len(r.Data) != 0 {
		t.Errorf("%s: a closed card answers %X", what, r.Bytes())
	}
	if _, _, status := card.Unwrap(good); status != apdu.StatusSecurity {
		t.Errorf("%s: the card went on: %v", what, status)
	}
}

// Every bit of a response under R-MAC matters, those of the status as well.
func TestEveryFlippedBitOfAResponseClosesTheHost(t *testing.T) {
	for _, size := range keySizes {
		for _, level := range []scp03.Level{0x11, 0x13, 0x33} {
			for _, answer := range []apdu.Response{
				{Data: run(0, 20), Status: 0x9000}, {Status: 0x9000}, {Data: run(0, 3), Status: 0x6310},
			} {
				host, card := open(t, domainOf(t, size, 0x60), level, 0, [8]byte{3})
				host, c, err := host.Wrap(apdu.Command{CLA: 0x80, INS: 0xCA, Ne: 256})
				if err != nil {
					t.Fatal(err)
				}
				card, _, _ = card.Unwrap(c)
				_, sealed := card.Wrap(answer)
				everyBit(t, fmt.Sprintf("level %02X", level), host, sealed.Bytes())
				if _, r, err := host.Unwrap(sealed); err != nil || !bytes.Equal(r.Bytes(), answer.Bytes()) {
					t.Errorf("the response as it was: %X, %v", r.Bytes(), err)
				}
			}
		}
	}
}

func everyBit(t *testing.T, what string, host scp03.Host, wire []byte) {
	t.Helper()
	for bit := range 8 * len(wire) {
		flipped := bytes.Clone(wire)
		flipped[bit/8] ^= 1 << (bit % 8)
		r, err := apdu.ParseResponse(flipped)
		if err != nil {
			continue // no status at all
		}
		closed, r, err := host.Unwrap(r)
		if !errors.Is(err, scp03.ErrResponse) || r.Data != nil || r.Status != 0 {
			t.Errorf("%s, bit %d: %X %v, %v", what, bit, r.Data, r.Status, err)
		}
		if _, _, err := closed.Wrap(apdu.Command{}); !errors.Is(err, scp03.ErrClosed) {
			t.Errorf("%s, bit %d: the host went on: %v", what, bit, err)
		}
	}
}

// Commands are taken once, in order, all of them, whole, and in one session.
func TestReplayReorderOmissionTruncation(t *testing.T) {
	for _, level := range levels {
		d := domainOf(t, 16, 0x70)
		host, card := open(t, d, level, 0, [8]byte{4})
		var wire [3]apdu.Command
		for i := range wire {
			var err error
			if host, wire[i], err = host.Wrap(apdu.Command{CLA: 0x80, INS: 0xE2, P2: byte(i), Data: run(1, 33)}); err != nil {
				t.Fatal(err)
			}
		}
		_, other := open(t, d, level, 0, [8]byte{5})
		after, _, status := card.Unwrap(wire[0])
		if !status.OK() {
			t.Fatal(status)
		}
		refuses(t, "replay", after, wire[0], wire[1])
		refuses(t, "omission", after, wire[2], wire[1])
		refuses(t, "reorder", card, wire[1], wire[0])
		refuses(t, "another session", other, wire[0], wire[0])
		for n := range len(wire[0].Data) {
			short := wire[0]
			short.Data = short.Data[:n]
			refuses(t, fmt.Sprintf("truncation to %d", n), card, short, wire[0])
		}
		for _, class := range []apdu.Class{0x80, 0x00, 0x81, 0x85, 0x8C, 0x94, 0xC4, 0xE0, 0x60} {
			strange := wire[0]
			strange.CLA = class
			refuses(t, fmt.Sprintf("class %02X", byte(class)), card, strange, wire[0])
		}
		extended := wire[0]
		extended.Extended = true
		refuses(t, "extended length", card, extended, wire[0])
		extended = wire[0]
		extended.Ne = 257
		refuses(t, "extended Le", card, extended, wire[0])
		refuses(t, "a plain command", card, apdu.Command{CLA: 0x80, INS: 0xE2}, wire[0])
		refuses(t, "no channel", scp03.Card{}, wire[0], wire[0])
	}
}

// A response is taken once, and for its own command.
func TestResponsesReplayed(t *testing.T) {
	for _, level := range []scp03.Level{0x11, 0x13, 0x33} {
		host, card := open(t, domainOf(t, 32, 0x60), level, 0, [8]byte{6})
		read := apdu.Command{CLA: 0x80, INS: 0xCA, Ne: 256}
		host, c, _ := host.Wrap(read)
		card, _, _ = card.Unwrap(c)
		card, first := card.Wrap(apdu.Response{Data: run(0, 5), Status: 0x9000})

		host, _, err := host.Unwrap(first)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := host.Unwrap(first); !errors.Is(err, scp03.ErrClosed) {
			t.Errorf("level %02X: taken twice: %v", level, err)
		}
		if _, r := card.Wrap(apdu.Response{Data: run(0, 5), Status: 0x9000}); r.Status != apdu.StatusSecurity || r.Data != nil {
			t.Errorf("level %02X: one command is answered twice: %X", level, r.Bytes())
		}
		host, _, _ = host.Wrap(read)
		if _, _, err := host.Unwrap(first); !errors.Is(err, scp03.ErrResponse) {
			t.Errorf("level %02X: taken for the next command: %v", level, err)
		}
		if _, r, err := host.Unwrap(apdu.Response{Status: apdu.StatusOK}); !errors.Is(err, scp03.ErrResponse) {
			t.Errorf("level %02X: bare success: %X, %v", level, r.Data, err)
		}
		if _, r, err := host.Unwrap(apdu.Response{Data: run(0, 9), Status: apdu.StatusNoData}); !errors.Is(err, scp03.ErrResponse) {
			t.Errorf("level %02X: an error with data: %X, %v", level, r.Data, err)
		}
	}
}

// A command that asks for no data has a response with an R-MAC all the same,
// and apdu.Transmit fetches it with GET RESPONSE, which goes in clear beside the
// channel.
func TestTheMACOfACommandWithoutLeIsFetched(t *testing.T) {
	host, card := open(t, domainOf(t, 16, 0x60), 0x33, 0, [8]byte{10})
	var rest apdu.Pending
	send := func(c apdu.Command) (r apdu.Response, err error) {
		if apdu.IsGetResponse(c) {
			r, rest = rest.GetResponse(c)
			return r, nil
		}
		ne := c.Ne
		var status apdu.Status
		if card, _, status = card.Unwrap(c); !status.OK() {
			return apdu.Response{Status: status}, nil
		}
		card, r = card.Wrap(apdu.Response{Status: apdu.StatusOK})
		r, rest = apdu.Respond(r, ne)
		return r, nil
	}
	for range 3 {
		after, c, err := host.Wrap(apdu.Command{CLA: 0x80, INS: 0xE2, Data: run(0, 9)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := apdu.Transmit(send, c)
		if err != nil {
			t.Fatal(err)
		}
		if host, r, err = after.Unwrap(r); err != nil || !r.Status.OK() || len(r.Data) != 0 {
			t.Errorf("%X, %v", r.Data, err)
		}
	}
}

// Neither end writes into the memory of what it is handed.
func TestNothingHandedInIsChanged(t *testing.T) {
	for _, level := range levels {
		host, card := open(t, domainOf(t, 16, 0x60), level, 0, [8]byte{9})
		room := run(0, 64)
		host, c, err := host.Wrap(apdu.Command{CLA: 0x80, INS: 0xE2, Data: room[:20]})
		if err != nil {
			t.Fatal(err)
		}
		wire := bytes.Clone(c.Data)
		card, _, _ = card.Unwrap(c)
		_, r := card.Wrap(apdu.Response{Data: room[:20], Status: apdu.StatusOK})
		sealed := bytes.Clone(r.Data)
		if _, _, err := host.Unwrap(r); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(room, run(0, 64)) || !bytes.Equal(wire, c.Data) || !bytes.Equal(sealed, r.Data) {
			t.Errorf("level %02X: written over", level)
		}
	}
}

// A card that has data beside an error keeps it to itself under R-MAC.
func TestErrorsGoBare(t *testing.T) {
	for _, level := range []scp03.Level{0x11, 0x13, 0x33} {
		host, card := open(t, domainOf(t, 16, 0x60), level, 0, [8]byte{7})
		host, c, _ := host.Wrap(apdu.Command{CLA: 0x80, INS: 0xCA, Ne: 256})
		card, _, _ = card.Unwrap(c)
		_, r := card.Wrap(apdu.Response{Data: run(0, 5), Status: apdu.StatusNoData})
		if len(r.Data) != 0 || r.Status != apdu.StatusNoData {
			t.Errorf("level %02X: %X", level, r.Bytes())
		}
		host, r, err := host.Unwrap(r)
		if err != nil || r.Status != apdu.StatusNoData || host.Level() != level {
			t.Errorf("level %02X: %v, %v", level, r.Status, err)
		}
	}
}

func TestCommandsThatCannotBeWrapped(t *testing.T) {
	for _, level := range levels {
		host, card := open(t, domainOf(t, 16, 0x60), level, 0, [8]byte{8})
		most := scp03.DataMax
		if level.Has(scp03.CDEC) {
			most = scp03.DataMaxEncrypted
		}
		for name, c := range map[string]apdu.Command{
			"too long":        {CLA: 0x80, Data: make([]byte, most+1)},
			"Ne too large":    {CLA: 0x80, Ne: 257},
			"extended":        {CLA: 0x80, Data: make([]byte, 1), Extended: true},
			"protected":       {CLA: 0x84},
			"ISO protected":   {CLA: 0x0C},
			"chained":         {CLA: 0x10},
			"channel 4":       {CLA: 0x40},
			"channel 4 of GP": {CLA: 0xC0},
		} {
			after, _, err := host.Wrap(c)
			if !errors.Is(err, scp03.ErrCommand) {
				t.Errorf("level %02X, %s: %v", level, name, err)
			}
			_, good, err := after.Wrap(apdu.Command{CLA: 0x80})
			if err != nil {
				t.Errorf("level %02X, %s: the host has closed: %v", level, name, err)
			}
			if _, _, status := card.Unwrap(good); !status.OK() {
				t.Errorf("level %02X, %s: the host has counted it: %v", level, name, status)
			}
		}
	}
	if _, _, err := (scp03.Host{}).Wrap(apdu.Command{CLA: 0x80}); !errors.Is(err, scp03.ErrClosed) {
		t.Error("no channel, and yet:", err)
	}
	if _, _, err := (scp03.Host{}).Unwrap(apdu.Response{Status: apdu.StatusOK}); !errors.Is(err, scp03.ErrClosed) {
		t.Error("no channel, and yet:", err)
	}
}

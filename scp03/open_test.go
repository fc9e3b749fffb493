package scp03_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sotto/apdu"
	"sotto/scp03"
	"sotto/secret"
)

func TestKeysHaveOneSize(t *testing.T) {
	for _, c := range []struct {
		enc, mac, dek int
		good          bool
	}{
		{16, 16, 16, true}, {24, 24, 24, true}, {32, 32, 32, true},
		{0, 0, 0, false}, {8, 8, 8, false}, {16, 16, 24, false}, {16, 32, 16, false}, {32, 16, 16, false}, {20, 20, 20, false},
	} {
		_, err := scp03.NewKeys(secret.New(make([]byte, c.enc)), secret.New(make([]byte, c.mac)), secret.New(make([]byte, c.dek)))
		if (err == nil) != c.good || err != nil && !errors.Is(err, scp03.ErrKeys) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// The levels and options there are, and which go together.
func TestLevelsAndOptions(t *testing.T) {
	var valid, known []string
	for b := range 256 {
		if scp03.Level(b).Valid() {
			valid = append(valid, fmt.Sprintf("%02X", b))
		}
		if scp03.Option(b).Valid() {
			known = append(known, fmt.Sprintf("%02X", b))
		}
	}
	if got := strings.Join(valid, " "); got != "01 03 11 13 33" {
		t.Error("levels:", got)
	}
	if got := strings.Join(known, " "); got != "00 10 20 30 60 70" {
		t.Error("options:", got)
	}
	for option, want := range map[scp03.Option]string{
		0x00: "01 03", 0x10: "01 03", 0x20: "01 03 11 13", 0x30: "01 03 11 13", 0x60: "01 03 11 13 33", 0x70: "01 03 11 13 33",
	} {
		var allowed []string
		for b := range 256 {
			if option.Allows(scp03.Level(b)) {
				allowed = append(allowed, fmt.Sprintf("%02X", b))
			}
		}
		if got := strings.Join(allowed, " "); got != want {
			t.Errorf("option %02X allows %s, want %s", byte(option), got, want)
		}
	}
}

// Answers that cannot be used: too short, too long, of another protocol, with a
// counter that does not belong or without one that does, with options that
// nobody knows.
func TestAnswersThatCannotBeUsed(t *testing.T) {
	answer := func(protocol, option byte, n int) []byte {
		b := run(0, n)
		if n > 12 {
			b[11], b[12] = protocol, option
		}
		return b
	}
	for _, c := range []struct {
		data []byte
		good bool
	}{
		{answer(3, 0x00, 29), true},
		{answer(3, 0x60, 29), true},
		{answer(3, 0x70, 32), true},
		{nil, false},
		{answer(3, 0x00, 28), false},
		{answer(3, 0x00, 30), false},
		{answer(3, 0x60, 32), false},
		{answer(3, 0x70, 29), false},
		{answer(3, 0x70, 31), false},
		{answer(3, 0x70, 33), false},
		{answer(2, 0x70, 32), false},
		{answer(3, 0x40, 29), false}, // R-ENC without R-MAC
		{answer(3, 0x71, 32), false}, // S16 mode
		{answer(3, 0x68, 29), false},
		{answer(3, 0x80, 29), false},
	} {
		a, err := scp03.ParseAnswer(apdu.Response{Data: c.data, Status: apdu.StatusOK})
		if (err == nil) != c.good || err != nil && !errors.Is(err, scp03.ErrAnswer) {
			t.Errorf("%X: %v", c.data, err)
		}
		if c.good && !bytes.Equal(a.Bytes(), c.data) {
			t.Errorf("%X is written %X", c.data, a.Bytes())
		}
	}
}

// INITIALIZE UPDATE: the reasons for a refusal, in order of precedence. Each
// line breaks what all the lines below break as well.
func TestAnswerRefuses(t *testing.T) {
	bad := apdu.Command{CLA: 0x84, INS: 0x51, P1: 9, P2: 1, Data: make([]byte, 7)}
	for _, c := range []struct {
		status apdu.Status
		mend   func()
	}{
		{apdu.StatusWrongCLA, func() { bad.CLA = 0x83 }},
		{apdu.StatusWrongINS, func() { bad.INS = 0x50 }},
		{apdu.StatusWrongP1P2, func() { bad.P2 = 0 }},
		{apdu.StatusWrongLength, func() { bad.Data = make([]byte, 8) }},
		{apdu.StatusNoData, func() { bad.P1 = 1 }},
		{apdu.StatusConditions, func() {}},
	} {
		offer, r := domainOf(t, 16, 0x70).Answer(bad, scp03.SequenceMax, [8]byte{})
		if r.Status != c.status || r.Data != nil {
			t.Errorf("got %v, want %v", r.Status, c.status)
		}
		if _, _, r := offer.Accept(apdu.Command{CLA: 0x84, INS: 0x82, P1: 1}); r.Status != apdu.StatusConditions {
			t.Errorf("after %v an offer answers %v", c.status, r.Status)
		}
		c.mend()
	}
	if _, r := domainOf(t, 16, 0x70).Answer(bad, scp03.SequenceMax-1, [8]byte{}); !r.Status.OK() {
		t.Error(r.Status)
	}
	if _, r := domainOf(t, 16, 0x60).Answer(bad, scp03.SequenceMax, [8]byte{}); !r.Status.OK() {
		t.Error("a random challenge needs no counter:", r.Status)
	}
}

// EXTERNAL AUTHENTICATE: the reasons for a refusal. None opens a channel, and
// none counts.
func TestAcceptRefuses(t *testing.T) {
	d := domainOf(t, 16, 0x30)
	challenge := [8]byte{1, 2, 3}
	offer, r := d.Answer(scp03.InitializeUpdate(1, challenge), 5, [8]byte{})
	a, err := scp03.ParseAnswer(r)
	if err != nil {
		t.Fatal(err)
	}
	_, good, err := scp03.Authenticate(d.Keys, challenge, a, 0x13)
	if err != nil {
		t.Fatal(err)
	}
	ref := newReference(16, challenge, a.Challenge)
	resigned := func(p1, p2 byte, data []byte) apdu.Command {
		return ref.signed(apdu.Command{CLA: 0x80, INS: 0x82, P1: p1, P2: p2, Data: data})
	}
	with := func(change func(*apdu.Command)) apdu.Command { c := good; change(&c); return c }

	for name, c := range map[string]struct {
		command apdu.Command
		status  apdu.Status
	}{
		"another command":          {with(func(c *apdu.Command) { c.INS = 0xA4 }), apdu.StatusConditions},
		"class in clear":           {with(func(c *apdu.Command) { c.CLA = 0x80 }), apdu.StatusSecurity},
		"class of ISO":             {with(func(c *apdu.Command) { c.CLA = 0x04 }), apdu.StatusSecurity},
		"another channel":          {with(func(c *apdu.Command) { c.CLA = 0x85 }), apdu.StatusSecurity},
		"another level":            {with(func(c *apdu.Command) { c.P1 = 0x01 }), apdu.StatusSecurity},
		"no data":                  {with(func(c *apdu.Command) { c.Data = nil }), apdu.StatusSecurity},
		"one byte more":            {with(func(c *apdu.Command) { c.Data = append([]byte{0}, c.Data...) }), apdu.StatusSecurity},
		"signed, too short":        {resigned(0x01, 0, ref.proof[:7]), apdu.StatusSecurity},
		"signed, no cryptogram":    {resigned(0x01, 0, nil), apdu.StatusSecurity},
		"signed, P2":               {resigned(0x01, 1, ref.proof), apdu.StatusWrongP1P2},
		"signed, level 00":         {resigned(0x00, 0, ref.proof), apdu.StatusWrongP1P2},
		"signed, unknown level":    {resigned(0x31, 0, ref.proof), apdu.StatusWrongP1P2},
		"signed, not its options":  {resigned(0x33, 0, ref.proof), apdu.StatusWrongP1P2},
		"signed, wrong cryptogram": {resigned(0x13, 0, make([]byte, 8)), apdu.StatusRefused},
		"signed, class of ISO":     {ref.signed(apdu.Command{CLA: 0x00, INS: 0x82, P1: 0x13, Data: ref.proof}), apdu.StatusSecurity},
		"right":                    {good, apdu.StatusOK},
		"signed, right":            {resigned(0x13, 0, ref.proof), apdu.StatusOK},
	} {
		card, next, r := offer.Accept(c.command)
		if r.Status != c.status || len(r.Data) != 0 || card.Open() != r.Status.OK() {
			t.Errorf("%s: got %v, want %v; open %v", name, r.Status, c.status, card.Open())
		}
		if want := uint32(5); !r.Status.OK() && next != want || r.Status.OK() && next != want+1 {
			t.Errorf("%s: the next counter is %d", name, next)
		}
	}
}

func TestEveryFlippedBitOfTheGreetingIsRefused(t *testing.T) {
	for _, size := range keySizes {
		d := domainOf(t, size, 0x60)
		challenge := [8]byte{9}
		offer, r := d.Answer(scp03.InitializeUpdate(0, challenge), 0, [8]byte{1})
		a, err := scp03.ParseAnswer(r)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range 64 {
			for i, change := range []func(*scp03.Answer){
				func(a *scp03.Answer) { a.Challenge[bit/8] ^= 1 << (bit % 8) },
				func(a *scp03.Answer) { a.Cryptogram[bit/8] ^= 1 << (bit % 8) },
			} {
				changed := a
				change(&changed)
				if _, _, err := scp03.Authenticate(d.Keys, challenge, changed, 0x33); !errors.Is(err, scp03.ErrCard) {
					t.Errorf("field %d, bit %d: %v", i, bit, err)
				}
			}
		}
		_, good, err := scp03.Authenticate(d.Keys, challenge, a, 0x33)
		if err != nil {
			t.Fatal(err)
		}
		wire := good.Bytes()
		for bit := range 8 * len(wire) {
			flipped := append([]byte(nil), wire...)
			flipped[bit/8] ^= 1 << (bit % 8)
			c, err := apdu.Parse(flipped)
			if err != nil {
				continue
			}
			if card, _, r := offer.Accept(c); r.Status.OK() || card.Open() {
				t.Errorf("bit %d of EXTERNAL AUTHENTICATE: accepted", bit)
			}
		}
	}
}

func TestHostRefusesToOpen(t *testing.T) {
	d := domainOf(t, 16, 0x20)
	challenge := [8]byte{3}
	_, r := d.Answer(scp03.InitializeUpdate(0, challenge), 0, [8]byte{1})
	a, err := scp03.ParseAnswer(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := scp03.Authenticate(d.Keys, challenge, a, 0x33); !errors.Is(err, scp03.ErrLevel) {
		t.Error("a level the card cannot do:", err)
	}
	if _, _, err := scp03.Authenticate(d.Keys, challenge, a, 0x00); !errors.Is(err, scp03.ErrLevel) {
		t.Error("level 00:", err)
	}
	if _, _, err := scp03.Authenticate(domainOf(t, 32, 0x20).Keys, challenge, a, 0x01); !errors.Is(err, scp03.ErrCard) {
		t.Error("other keys:", err)
	}
	if _, _, err := scp03.Authenticate(d.Keys, [8]byte{4}, a, 0x01); !errors.Is(err, scp03.ErrCard) {
		t.Error("another challenge:", err)
	}
	opening, _, err := scp03.Authenticate(d.Keys, challenge, a, 0x11)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opening.Confirm(apdu.Response{Status: apdu.StatusRefused}); !errors.Is(err, apdu.StatusRefused) {
		t.Error("refused:", err)
	}
	if _, err := opening.Confirm(apdu.Response{Data: []byte{1}, Status: apdu.StatusOK}); !errors.Is(err, scp03.ErrResponse) {
		t.Error("data:", err)
	}
	if _, err := (scp03.Opening{}).Confirm(apdu.Response{Status: apdu.StatusOK}); !errors.Is(err, scp03.ErrClosed) {
		t.Error("nothing to confirm:", err)
	}
	if _, err := scp03.ParseAnswer(apdu.Response{Status: apdu.StatusNoData}); !errors.Is(err, apdu.StatusNoData) {
		t.Error("no such key version:", err)
	}
}

// The same counter gives the same challenge, as a host that prepares commands
// needs it; the next gives another; a random card takes what it is handed.
func TestChallenges(t *testing.T) {
	challenge := func(option scp03.Option, sequence uint32, random byte) [8]byte {
		_, r := domainOf(t, 16, option).Answer(scp03.InitializeUpdate(0, [8]byte{}), sequence, [8]byte{random})
		a, err := scp03.ParseAnswer(r)
		if err != nil {
			t.Fatal(err)
		}
		if a.Sequence != 0 && (a.Sequence != sequence || option&scp03.PseudoRandom == 0) {
			t.Errorf("the counter is %d", a.Sequence)
		}
		return a.Challenge
	}
	d := domainOf(t, 16, 0x70)
	if challenge(0x70, 7, 1) != scp03.CardChallenge(d.Keys, 7, d.AID) || challenge(0x70, 7, 1) != challenge(0x70, 7, 2) {
		t.Error("the host cannot know the challenge before")
	}
	if challenge(0x70, 7, 1) == challenge(0x70, 8, 1) {
		t.Error("the counter does not matter")
	}
	if challenge(0x60, 7, 1) != [8]byte{1} {
		t.Error("the random bytes are not the challenge")
	}
}

// Nothing prints a key, neither ours nor those of a session.
func TestNothingPrintsAKey(t *testing.T) {
	d := domainOf(t, 16, 0x60)
	challenge := [8]byte{1}
	offer, r := d.Answer(scp03.InitializeUpdate(0, challenge), 0, [8]byte{2})
	a, _ := scp03.ParseAnswer(r)
	opening, c, _ := scp03.Authenticate(d.Keys, challenge, a, 0x33)
	card, _, r := offer.Accept(c)
	host, err := opening.Confirm(r)
	if err != nil {
		t.Fatal(err)
	}
	ref := newReference(16, challenge, a.Challenge)

	var printed strings.Builder
	for _, v := range []any{d, &d, d.Keys, offer, opening, card, &card, host, &host} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d"} {
			fmt.Fprintf(&printed, verb+"\n", v)
		}
	}
	for _, key := range [][]byte{run(0x10, 16), run(0x50, 16), run(0x90, 16), ref.enc, ref.mac, ref.rmac} {
		for _, leak := range []string{
			fmt.Sprintf("%x", key), fmt.Sprintf("%X", key), strings.Trim(fmt.Sprint(key), "[]"),
			strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", key), "[]byte{"), "}"),
		} {
			if strings.Contains(printed.String(), leak) {
				t.Errorf("printed: %s", leak)
			}
		}
	}
	if !strings.Contains(printed.String(), fmt.Sprintf("%x", d.AID)) {
		t.Error("nothing was printed: the test looked at nothing")
	}
}

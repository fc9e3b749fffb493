package dyncode_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"sotto/dyncode"
	"sotto/ident"
	"sotto/secret"
)

// Every profile's way from content to content, with any content and counters.
func TestMessageRoundTrip(t *testing.T) {
	inner, outer := cardSeal(), phoneSeal()
	for name, way := range map[string]func(t *rapid.T, id ident.Raw, bank, phone uint64, content []byte) []byte{
		"card-sealed": func(t *rapid.T, id ident.Raw, bank, phone uint64, content []byte) []byte {
			b := outer.Seal(nil, dyncode.CardSealed, id, phone, inner.Seal(nil, dyncode.CardSealed, id, bank, content))
			m, part := parse(t, b, outer)
			wantHead(t, m, dyncode.CardSealed, id, phone, part, bank)
			return opened(t, inner, m, part)
		},
		"phone-sealed": func(t *rapid.T, id ident.Raw, bank, phone uint64, content []byte) []byte {
			b := outer.Seal(nil, dyncode.PhoneSealed, id, phone, dyncode.AppendClear(nil, bank, content))
			m, part := parse(t, b, outer)
			wantHead(t, m, dyncode.PhoneSealed, id, phone, part, bank)
			if part.Sealed != nil {
				t.Fatal("clear and sealed at once")
			}
			return part.Clear
		},
		"direct": func(t *rapid.T, id ident.Raw, bank, _ uint64, content []byte) []byte {
			p := rapid.SampledFrom([]dyncode.Profile{dyncode.CardSealed, dyncode.PhoneSealed}).Draw(t, "profile")
			b := dyncode.AppendDirect(nil, p, id, inner.Seal(nil, p, id, bank, content))
			m, part := parse(t, b, outer)
			wantHead(t, m, p, id, 0, part, bank)
			return opened(t, inner, m, part)
		},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want := drawContent(t)
				content, err := want.Append(nil)
				if err != nil {
					t.Fatal(err)
				}
				b := way(t, drawRaw(t, "id"), rapid.Uint64().Draw(t, "bank"), rapid.Uint64().Draw(t, "phone"), content)
				got, err := dyncode.ParseContent(b)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Fatalf("got %+v, %v, want %+v", got, err, want)
				}
			})
		})
	}
}

func parse(t *rapid.T, b []byte, outer dyncode.Outer) (dyncode.Message, dyncode.BankPart) {
	m, err := dyncode.Parse(b)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	part := m.Direct
	if part == nil {
		if part, err = outer.Open(nil, m); err != nil {
			t.Fatalf("Outer.Open: %v", err)
		}
	}
	bank, err := dyncode.ParseBankPart(part)
	if err != nil {
		t.Fatalf("ParseBankPart: %v", err)
	}
	return m, bank
}

func wantHead(t *rapid.T, m dyncode.Message, p dyncode.Profile, id ident.Raw, phone uint64, part dyncode.BankPart, bank uint64) {
	if m.Profile != p || m.ID != id || m.Counter != phone || part.Counter != bank {
		t.Fatalf("got %v %X, counters %d and %d", m.Profile, m.ID, m.Counter, part.Counter)
	}
}

func opened(t *rapid.T, inner dyncode.Inner, m dyncode.Message, part dyncode.BankPart) []byte {
	b, err := inner.Open(nil, m.Profile, m.ID, part)
	if err != nil {
		t.Fatalf("Inner.Open: %v", err)
	}
	return b
}

// Change any byte of a message in any way, and it does not open.
func TestNoChangedByteOpens(t *testing.T) {
	good := sealed(t, payment())
	for at := range good {
		for _, change := range []byte{0x01, 0x80, 0xFF, 0x20} {
			b := bytes.Clone(good)
			b[at] ^= change
			if _, err := open(b, phoneSeal(), cardSeal()); err == nil {
				t.Fatalf("byte %d changed by %02X, and it opened", at, change)
			}
		}
	}
}

// The same under the outer seal: a phone that knows the pairing can seal
// whatever it likes, and still cannot change what the bank has sealed.
func TestNoChangedByteOfTheBankPartOpens(t *testing.T) {
	part := cardSeal().Seal(nil, dyncode.CardSealed, message, 7, padded(t, payment()))
	for at := range part {
		b := bytes.Clone(part)
		b[at] ^= 0x01
		if _, err := open(phoneSeal().Seal(nil, dyncode.CardSealed, message, 3, b), phoneSeal(), cardSeal()); err == nil {
			t.Fatalf("byte %d changed, and it opened", at)
		}
	}
}

func TestTruncatedOrLengthened(t *testing.T) {
	part := cardSeal().Seal(nil, dyncode.CardSealed, message, 7, padded(t, payment()))
	lines, err := dyncode.AppendLines(nil, message, dyncode.Lines{Lifetime: 180, Code: []byte("493027"), Text: [][]byte{[]byte("a"), []byte("b")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, good := range map[string][]byte{
		"sealed": sealed(t, payment()),
		"direct": dyncode.AppendDirect(nil, dyncode.CardSealed, message, part),
		"lines":  lines,
	} {
		for n := range good {
			if _, err := dyncode.Parse(good[:n]); !errors.Is(err, dyncode.ErrMalformed) {
				t.Errorf("%s, %d of %d bytes: got %v", name, n, len(good), err)
			}
		}
		if _, err := dyncode.Parse(append(bytes.Clone(good), 0)); !errors.Is(err, dyncode.ErrMalformed) {
			t.Errorf("%s and a byte more: got %v", name, err)
		}
	}
	for n := range part {
		if _, err := dyncode.ParseBankPart(part[:n]); !errors.Is(err, dyncode.ErrMalformed) {
			t.Errorf("bank part, %d of %d bytes: got %v", n, len(part), err)
		}
	}
}

// A message opens for its own card, phone, profile, id, counters, key source
// and pairing, and with one of them changed it does not.
func TestSealsBind(t *testing.T) {
	good := sealed(t, payment())
	other := raw(0x01)
	changedSource := source
	changedSource[31] ^= 1
	for _, c := range []struct {
		name  string
		outer dyncode.Outer
		inner dyncode.Inner
		alter func(*dyncode.Message, *dyncode.BankPart)
		want  error
	}{
		{name: "nothing changed"},
		{name: "other card at the outer seal", outer: dyncode.NewOuter(pairing, other, phoneID, source), want: dyncode.ErrSeal},
		{name: "other phone", outer: dyncode.NewOuter(pairing, cardID, other, source), want: dyncode.ErrSeal},
		{name: "card and phone exchanged", outer: dyncode.NewOuter(pairing, phoneID, cardID, source), want: dyncode.ErrSeal},
		{name: "other key source", outer: dyncode.NewOuter(pairing, cardID, phoneID, changedSource), want: dyncode.ErrSeal},
		{name: "other pairing secret", outer: dyncode.NewOuter(key(0x21), cardID, phoneID, source), want: dyncode.ErrSeal},
		{name: "outer profile", alter: func(m *dyncode.Message, _ *dyncode.BankPart) { m.Profile = dyncode.PhoneSealed }, want: dyncode.ErrSeal},
		{name: "outer message id", alter: func(m *dyncode.Message, _ *dyncode.BankPart) { m.ID[15] ^= 1 }, want: dyncode.ErrSeal},
		{name: "outer counter", alter: func(m *dyncode.Message, _ *dyncode.BankPart) { m.Counter++ }, want: dyncode.ErrSeal},
		{name: "nothing sealed", alter: func(m *dyncode.Message, _ *dyncode.BankPart) { m.Sealed = nil }, want: dyncode.ErrSeal},
		{name: "less than a tag sealed", alter: func(m *dyncode.Message, _ *dyncode.BankPart) { m.Sealed = m.Sealed[:15] }, want: dyncode.ErrSeal},
		{name: "other card at the inner seal", inner: dyncode.NewInner(dyncode.CardKey(master, cardID), other), want: dyncode.ErrSeal},
		{name: "other card's key", inner: dyncode.NewInner(dyncode.CardKey(master, other), cardID), want: dyncode.ErrSeal},
		{name: "other master key", inner: dyncode.NewInner(dyncode.CardKey(key(0x01), cardID), cardID), want: dyncode.ErrSeal},
		{name: "inner counter", alter: func(_ *dyncode.Message, b *dyncode.BankPart) { b.Counter-- }, want: dyncode.ErrSeal},
		{name: "no inner seal", alter: func(_ *dyncode.Message, b *dyncode.BankPart) { b.Clear, b.Sealed = b.Sealed, nil }, want: dyncode.ErrSeal},
	} {
		t.Run(c.name, func(t *testing.T) {
			if reflect.ValueOf(c.outer).IsZero() {
				c.outer = phoneSeal()
			}
			if reflect.ValueOf(c.inner).IsZero() {
				c.inner = cardSeal()
			}
			m, err := dyncode.Parse(good)
			if err != nil {
				t.Fatal(err)
			}
			part, err := phoneSeal().Open(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			bank, err := dyncode.ParseBankPart(part)
			if err != nil {
				t.Fatal(err)
			}
			if c.alter != nil {
				c.alter(&m, &bank)
			}
			_, err = c.outer.Open(nil, m)
			if err == nil {
				_, err = c.inner.Open(nil, m.Profile, m.ID, bank)
			}
			wantError(t, err, c.want)
		})
	}
}

// The inner seal covers profile and message id by itself, whatever the phone
// does around it: no downgrade, and no bank part under another message's id.
func TestInnerSealBindsProfileAndMessage(t *testing.T) {
	part, err := dyncode.ParseBankPart(cardSeal().Seal(nil, dyncode.CardSealed, message, 7, padded(t, payment())))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cardSeal().Open(nil, dyncode.CardSealed, message, part); err != nil {
		t.Fatal(err)
	}
	_, err = cardSeal().Open(nil, dyncode.PhoneSealed, message, part)
	wantError(t, err, dyncode.ErrSeal)
	_, err = cardSeal().Open(nil, dyncode.CardSealed, raw(0xD1), part)
	wantError(t, err, dyncode.ErrSeal)
}

// A failed Open gives back what it was given and leaves no plaintext in the
// room behind it.
func TestFailedOpenLeavesNothing(t *testing.T) {
	m, err := dyncode.Parse(sealed(t, payment()))
	if err != nil {
		t.Fatal(err)
	}
	m.Sealed[len(m.Sealed)-1] ^= 1
	buffer := append(make([]byte, 0, dyncode.BufferMax), "before"...)
	out, err := phoneSeal().Open(buffer, m)
	wantError(t, err, dyncode.ErrSeal)
	if string(out) != "before" {
		t.Errorf("got %X", out)
	}
	if opened := buffer[6 : 6+len(m.Sealed)-16]; !bytes.Equal(opened, make([]byte, len(opened))) {
		t.Error("unauthenticated bytes stayed in the buffer")
	}
}

// Two seals of the same content under different counters share nothing that
// could be compared, and have the same length as any content of its size class.
func TestLengthTellsLittle(t *testing.T) {
	short, longer := payment(), payment()
	longer.Payee = append(longer.Payee, " Ltd"...)
	if a, b := len(sealed(t, short)), len(sealed(t, longer)); a != b {
		t.Errorf("%d and %d bytes: four letters more can be seen", a, b)
	}
}

func TestParseRefuses(t *testing.T) {
	var (
		version = object(0x80, []byte{1})
		profile = object(0x81, []byte{1})
		plain   = object(0x81, []byte{3})
		id      = object(0x82, make([]byte, 16))
		counter = object(0x83, make([]byte, 8))
		body    = object(0x84, make([]byte, 16))
		part    = object(0xE2, counter, body)
		direct  = object(0x85, part)
		lines   = object(0x86, []byte{0x80, 0})
	)
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"a sealed one", object(0xE1, version, profile, id, counter, body), nil},
		{"a direct one", object(0xE1, version, profile, id, direct), nil},
		{"lines", object(0xE1, version, plain, id, lines), nil},

		{"nothing", nil, dyncode.ErrMalformed},
		{"another template", object(0xE2, version, profile, id, counter, body), dyncode.ErrMalformed},
		{"no version", object(0xE1, profile, id, counter, body), dyncode.ErrMalformed},
		{"version of two bytes", object(0xE1, object(0x80, []byte{0, 1}), profile, id, counter, body), dyncode.ErrMalformed},
		{"version 0", object(0xE1, object(0x80, []byte{0}), profile, id, counter, body), dyncode.ErrVersion},
		{"version 2", object(0xE1, object(0x80, []byte{2}), profile, id, counter, body), dyncode.ErrVersion},
		{"version 2 in a form of its own", object(0xE1, object(0x80, []byte{2}), []byte{0xFF}), dyncode.ErrVersion},
		{"version 2 above the limit", object(0xE1, object(0x80, []byte{2}), make([]byte, dyncode.MessageMax)), dyncode.ErrMalformed},
		{"version 2 with bytes behind it", append(object(0xE1, object(0x80, []byte{2})), 0), dyncode.ErrMalformed},
		{"profile 0", object(0xE1, version, object(0x81, []byte{0}), id, counter, body), dyncode.ErrMalformed},
		{"profile 4", object(0xE1, version, object(0x81, []byte{4}), id, counter, body), dyncode.ErrMalformed},
		{"no id", object(0xE1, version, profile, counter, body), dyncode.ErrMalformed},
		{"id of 15 bytes", object(0xE1, version, profile, object(0x82, make([]byte, 15)), counter, body), dyncode.ErrMalformed},
		{"counter of 7 bytes", object(0xE1, version, profile, id, object(0x83, make([]byte, 7)), body), dyncode.ErrMalformed},
		{"no body", object(0xE1, version, profile, id), dyncode.ErrMalformed},
		{"counter without a seal", object(0xE1, version, profile, id, counter), dyncode.ErrMalformed},
		{"counter with a direct part", object(0xE1, version, profile, id, counter, direct), dyncode.ErrMalformed},
		{"seal without a counter", object(0xE1, version, profile, id, body), dyncode.ErrMalformed},
		{"seal shorter than its tag", object(0xE1, version, profile, id, counter, object(0x84, make([]byte, 15))), dyncode.ErrMalformed},
		{"sealed and direct", object(0xE1, version, profile, id, counter, body, direct), dyncode.ErrMalformed},
		{"direct and lines", object(0xE1, version, plain, id, direct, lines), dyncode.ErrMalformed},
		{"lines for a card that decrypts", object(0xE1, version, profile, id, lines), dyncode.ErrMalformed},
		{"lines for a phone-sealed card", object(0xE1, version, object(0x81, []byte{2}), id, lines), dyncode.ErrMalformed},
		{"a seal for a card that cannot decrypt", object(0xE1, version, plain, id, counter, body), dyncode.ErrMalformed},
		{"a direct part for a card that cannot decrypt", object(0xE1, version, plain, id, direct), dyncode.ErrMalformed},
		{"a direct part in clear", object(0xE1, version, profile, id, object(0x85, object(0xE2, counter, object(0x85, make([]byte, 64))))), dyncode.ErrMalformed},
		{"a direct part that is none", object(0xE1, version, profile, id, object(0x85, body)), dyncode.ErrMalformed},
		{"out of order", object(0xE1, version, id, profile, counter, body), dyncode.ErrMalformed},
		{"version not first", object(0xE1, profile, version, id, counter, body), dyncode.ErrMalformed},
		{"an object twice", object(0xE1, version, profile, id, id, counter, body), dyncode.ErrMalformed},
		{"an unknown object", object(0xE1, version, profile, id, counter, body, object(0x87, []byte{0})), dyncode.ErrMalformed},
		{"length not minimal", append([]byte{0xE1, 0x81, 0x39}, object(0xE1, version, profile, id, counter, body)[2:]...), dyncode.ErrMalformed},
		{"length indefinite", append(append([]byte{0xE1, 0x80}, object(0xE1, version, profile, id, counter, body)[2:]...), 0, 0), dyncode.ErrMalformed},
		{"as large as may be", object(0xE1, version, profile, id, counter, object(0x84, make([]byte, dyncode.MessageMax-42))), nil},
		{"a byte larger", object(0xE1, version, profile, id, counter, object(0x84, make([]byte, dyncode.MessageMax-41))), dyncode.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := dyncode.Parse(c.in)
			wantError(t, err, c.want)
			if err != nil && !reflect.DeepEqual(m, dyncode.Message{}) {
				t.Errorf("refused, and yet read %+v", m)
			}
		})
	}
}

func TestParseBankPartRefuses(t *testing.T) {
	counter := object(0x83, make([]byte, 8))
	body := object(0x84, make([]byte, 16))
	clear := object(0x85, make([]byte, 64))
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"a sealed one", object(0xE2, counter, body), nil},
		{"one in clear", object(0xE2, counter, clear), nil},
		{"nothing", nil, dyncode.ErrMalformed},
		{"another template", object(0xE1, counter, body), dyncode.ErrMalformed},
		{"no counter", object(0xE2, body), dyncode.ErrMalformed},
		{"no body", object(0xE2, counter), dyncode.ErrMalformed},
		{"both bodies", object(0xE2, counter, body, clear), dyncode.ErrMalformed},
		{"out of order", object(0xE2, body, counter), dyncode.ErrMalformed},
		{"empty in clear", object(0xE2, counter, object(0x85)), dyncode.ErrMalformed},
		{"an unknown object", object(0xE2, counter, body, object(0x86, []byte{0})), dyncode.ErrMalformed},
		{"bytes behind it", append(object(0xE2, counter, body), 0), dyncode.ErrMalformed},
	} {
		_, err := dyncode.ParseBankPart(c.in)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// Opening a message into buffers that have room allocates nothing.
func TestOpeningAllocatesNothing(t *testing.T) {
	b := sealed(t, payment())
	inner, outer := cardSeal(), phoneSeal()
	first, second := make([]byte, 0, dyncode.BufferMax), make([]byte, 0, dyncode.BufferMax)
	n := testing.AllocsPerRun(100, func() {
		if _, err := openInto(b, outer, inner, first, second); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("got %v allocations", n)
	}
}

// openInto is what a card does, without its counters.
func openInto(b []byte, outer dyncode.Outer, inner dyncode.Inner, first, second []byte) (dyncode.Content, error) {
	m, err := dyncode.Parse(b)
	if err != nil {
		return dyncode.Content{}, err
	}
	part, err := outer.Open(first, m)
	if err != nil {
		return dyncode.Content{}, err
	}
	bank, err := dyncode.ParseBankPart(part)
	if err != nil {
		return dyncode.Content{}, err
	}
	content, err := inner.Open(second, m.Profile, m.ID, bank)
	if err != nil {
		return dyncode.Content{}, err
	}
	return dyncode.ParseContent(content)
}

// A key that is none must not become a key that everybody can derive.
func TestKeysOfAnotherSizePanic(t *testing.T) {
	for _, k := range []secret.Secret{{}, secret.New(make([]byte, 16)), secret.New(make([]byte, 33))} {
		for name, derive := range map[string]func(){
			"CardKey":  func() { dyncode.CardKey(k, cardID) },
			"PhoneKey": func() { dyncode.PhoneKey(k, phoneID) },
			"NewInner": func() { dyncode.NewInner(k, cardID) },
			"NewOuter": func() { dyncode.NewOuter(k, cardID, phoneID, source) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s took a key of %d bytes", name, len(k.Reveal()))
					}
				}()
				derive()
			}()
		}
	}
}

func TestProfileNames(t *testing.T) {
	for _, p := range profiles {
		if got, ok := dyncode.ParseProfile(p.String()); !ok || got != p {
			t.Errorf("%v: got %v, %v", p, got, ok)
		}
	}
	for _, name := range []string{"", "unknown", "Card-Sealed", "card-sealed "} {
		if _, ok := dyncode.ParseProfile(name); ok {
			t.Errorf("%q was taken for a profile", name)
		}
	}
	if got := dyncode.Profile(200).String(); got != "unknown" {
		t.Errorf("got %q", got)
	}
}

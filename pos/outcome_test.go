package pos_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"sotto/apdu"
	"sotto/emv"
	"sotto/link"
	"sotto/pos"
)

// Every reason that is declared is in the table, in the same order, and has a
// final outcome, but for the one that makes room for the next application.
func TestEveryReasonHasItsPlace(t *testing.T) {
	tree, err := parser.ParseFile(token.NewFileSet(), "outcome.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []pos.Reason
	ast.Inspect(tree, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		kind, isName := v.Type.(*ast.Ident)
		value, isText := v.Values[0].(*ast.BasicLit)
		if isName && kind.Name == "Reason" && isText {
			text, err := strconv.Unquote(value.Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, pos.Reason(text))
		}
		return true
	})
	if len(declared) < 30 || !slices.Equal(declared, pos.AllReasons()) {
		t.Errorf("declared %q\n in table %q", declared, pos.AllReasons())
	}
	final := []pos.Outcome{pos.Approved, pos.Declined, pos.TryAgain, pos.TryAnotherInterface, pos.EndApplication}
	for i, r := range declared {
		if slices.Contains(declared[:i], r) {
			t.Errorf("%q stands there twice", r)
		}
		if !slices.Contains(final, r.Outcome()) && r != pos.NotThisOne {
			t.Errorf("%q ends with %q", r, r.Outcome())
		}
	}
	if pos.NotThisOne.Outcome() != pos.SelectNext || pos.Reason("?").Outcome() != pos.EndApplication {
		t.Error("an application that cannot pay makes room for the next, and what is unknown ends")
	}
}

// fault is something wrong with a chip or for a terminal.
type fault struct {
	reason pos.Reason
	make   func(w *faulty)
}

// faulty collects the faults of one tap.
type faulty struct {
	settings []func(*pos.Options)
	twists   []func(c apdu.Command, r apdu.Response) apdu.Response
}

func (f *faulty) setting(change func(*pos.Options)) { f.settings = append(f.settings, change) }

// options changes the answer to one instruction.
func (f *faulty) twist(ins byte, change func(b []byte) []byte) {
	f.twists = append(f.twists, func(c apdu.Command, r apdu.Response) apdu.Response {
		if c.INS == ins && r.Status.OK() {
			r.Data = change(bytes.Clone(r.Data))
		}
		return r
	})
}

func (f *faulty) status(ins byte, s apdu.Status) {
	f.twists = append(f.twists, func(c apdu.Command, r apdu.Response) apdu.Response {
		if c.INS == ins {
			return word(s)
		}
		return r
	})
}

// Instructions, as the twists name them.
const (
	spi byte = 0x1A
	gpo byte = 0xA8
	rec byte = 0xB2
	gac byte = 0xAE
)

// ordered are faults in the order in which they are looked for. Of those in one
// group a chip can have one only.
var ordered = [][]fault{
	{{pos.AboveLimit, func(f *faulty) {
		f.setting(func(o *pos.Options) { o.Settings.Applications[0].TapMax = 1 })
	}}},
	{
		{pos.ShortBalance, func(f *faulty) { f.twist(spi, func([]byte) []byte { return ppseSaying(1) }) }},
		{pos.ChipTapLimit, func(f *faulty) { f.twist(spi, func([]byte) []byte { return ppseSaying(2) }) }},
		{pos.OtherCurrency, func(f *faulty) { f.twist(spi, func([]byte) []byte { return ppseSaying(3) }) }},
		{pos.ChipLocked, func(f *faulty) { f.twist(spi, func([]byte) []byte { return ppseSaying(4) }) }},
		{pos.ChipExpired, func(f *faulty) { f.twist(spi, func([]byte) []byte { return ppseSaying(5) }) }},
		{pos.NoApplet, func(f *faulty) { f.twist(spi, func([]byte) []byte { return ppseSaying(6) }) }},
		{pos.NoApplication, func(f *faulty) { f.twist(spi, func([]byte) []byte { return ppseSaying(7) }) }},
	},
	{{pos.NoApplication, func(f *faulty) {
		f.setting(func(o *pos.Options) { o.Settings.Applications[0].AID = mustHex("A000000333") })
	}}},
	{
		{pos.WrongStatus, func(f *faulty) { f.status(gpo, 0x6A80) }},
		{pos.SeePhone, func(f *faulty) { f.status(gpo, 0x6986) }},
		{pos.WantsInterface, func(f *faulty) { f.status(gpo, 0x6984) }},
		{pos.NoneCanPay, func(f *faulty) { f.status(gpo, 0x6985) }},
	},
	{{pos.Missing, func(f *faulty) { f.twist(gpo, without(emv.TagATC)) }}},
	{
		{pos.ChipDeclined, func(f *faulty) { f.twist(gpo, kindOf(emv.AAC)) }},
		{pos.OfflineOnly, func(f *faulty) {
			f.setting(offline)
			f.twist(gpo, kindOf(emv.ARQC))
		}},
	},
	{{pos.Expired, func(f *faulty) { f.twist(gpo, replaced("D2912", "D2511")) }}},
	{{pos.NoHolder, func(f *faulty) {
		f.setting(func(o *pos.Options) { o.Settings.Applications[0].HolderMin = 1 })
	}}},
	{
		{pos.NotAuthentic, func(f *faulty) { f.twist(gpo, flipped(emv.TagSDAD)) }},
		{pos.NotAuthentic, func(f *faulty) { f.setting(func(o *pos.Options) { o.Settings.Authorities.CAs = nil }) }},
	},
	{{pos.OfflineProved, func(*faulty) {}}},
}

// Of two faults the first is told, for each pair.
func TestTheFirstFaultIsTold(t *testing.T) {
	pairs := 0
	for i, group := range ordered {
		for _, first := range group {
			tapFaulty(t, first, fault{make: func(*faulty) {}})
			for _, second := range slices.Concat(ordered[i+1:]...) {
				pairs++
				tapFaulty(t, first, second)
			}
		}
	}
	if pairs < 100 {
		t.Errorf("%d pairs", pairs)
	}
}

func tapFaulty(t *testing.T, first, second fault) {
	t.Helper()
	var f faulty
	second.make(&f)
	first.make(&f)
	w := newWorld(t, func(o *pos.Options) {
		for _, change := range f.settings {
			change(o)
		}
	}, newPurse(1, 5_000))
	w.fake().twist = func(c apdu.Command, r apdu.Response) apdu.Response {
		for _, twist := range f.twists {
			r = twist(c, r)
		}
		return r
	}
	w.reader.face = link.Contactless
	if r := w.tap(yuan(1_234)); r.Reason != first.reason || r.Outcome != first.reason.Outcome() {
		t.Errorf("%q and %q: got %q", first.reason, second.reason, r.Reason)
	}
}

package screen_test

import (
	"errors"
	"slices"
	"testing"

	"sotto/card"
	"sotto/card/screen"
)

// broken is a panel that fails.
type broken struct{ err error }

func (b broken) Put(*screen.Layout, int) error { return b.err }
func (b broken) Blank() error                  { return b.err }

func TestPromptPutsPagesOnPanels(t *testing.T) {
	var own, onlooker screen.Memory
	p := screen.Prompt{Panel: &own, Copies: []screen.Panel{&onlooker}}
	v := payment(func(v *card.View) {
		v.Payee = "The Worshipful Company of Porcelain, Stoneware and Earthenware Makers of the Eastern Provinces"
	})
	layout := screen.Compose(v)
	want := func(what string, page int) {
		t.Helper()
		f := layout.Frame(page)
		for _, m := range []screen.Memory{own, onlooker} {
			if !m.Frame.Equal(&f) || !slices.Equal(m.Lines, layout.Lines(page)) {
				t.Errorf("%s: got %q", what, m.Lines)
			}
		}
	}
	if err := p.Show(v); err != nil {
		t.Fatal(err)
	}
	want("the first page", 0)
	p.PageNext()
	want("the second page", 1)
	for range layout.Pages() - 1 {
		p.PageNext()
	}
	want("round again", 0)
	p.Clear()
	if blank := (screen.Frame{}); !own.Frame.Equal(&blank) || !onlooker.Frame.Equal(&blank) || own.Lines != nil {
		t.Error("something is left after Clear")
	}
	p.PageNext()
	if own.Lines != nil {
		t.Error("a page was turned where there is none")
	}
}

// The card's own panel decides whether a view was shown; a copy that fails is
// told and nothing more.
func TestPromptTellsFailures(t *testing.T) {
	bad := broken{errors.New("no panel")}
	var told []error
	p := screen.Prompt{Panel: bad, Failed: func(err error) { told = append(told, err) }}
	if err := p.Show(payment(nil)); !errors.Is(err, bad.err) || len(told) != 0 {
		t.Errorf("its own panel: got %v, %d told", err, len(told))
	}
	p.Clear()
	if len(told) != 1 {
		t.Errorf("a panel that cannot be blanked: %d told", len(told))
	}
	own := &screen.Memory{}
	p = screen.Prompt{Panel: own, Copies: []screen.Panel{bad}, Failed: p.Failed}
	if err := p.Show(payment(nil)); err != nil || len(told) != 2 || own.Lines == nil {
		t.Errorf("a copy: got %v, %d told", err, len(told))
	}
	p = screen.Prompt{Copies: []screen.Panel{bad}}
	if err := p.Show(payment(nil)); err != nil {
		t.Errorf("no panel, and nobody to tell: got %v", err)
	}
	p.Clear()
}

package main

import (
	"fmt"
	"io"
	"os"

	"sotto/card"
	"sotto/card/screen"
)

// terminalOf is out and its columns if it is a terminal.
func terminalOf(out io.Writer) (io.Writer, int) {
	f, ok := out.(*os.File)
	if !ok {
		return nil, 0
	}
	columns, ok := columnsOf(f)
	if !ok {
		return nil, 0
	}
	return f, columns
}

// screenJSON is a card's screen as 'sotto card show --json' prints it.
type screenJSON struct {
	Card     string       `json:"card"`
	Scene    string       `json:"scene"`
	Code     string       `json:"code,omitempty"`
	Amount   string       `json:"amount,omitempty"`
	Payee    string       `json:"payee,omitempty"`
	Phone    string       `json:"phone,omitempty"`
	Details  []detailJSON `json:"details,omitempty"`
	Lines    []string     `json:"lines,omitempty"`
	CardID   string       `json:"card_id"`
	Holder   string       `json:"holder"`
	Language string       `json:"language"`
	Pages    [][]string   `json:"pages"` // the text on each page
	Presents presentsJSON `json:"presents"`
}

// presentsJSON is how the card presents.
type presentsJSON struct {
	By    string `json:"by"`
	Pace  string `json:"pace"`
	Times uint8  `json:"times,omitempty"`
	Spell bool   `json:"spell,omitempty"`
}

type detailJSON struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

var (
	sceneNames = map[card.Scene]string{
		card.SceneIdle: "idle", card.ScenePayment: "payment", card.SceneBind: "bind",
		card.SceneReleased: "released", card.ScenePlain: "plain",
	}
	detailNames = map[card.DetailKind]string{
		card.DetailPlatform: "platform", card.DetailOrder: "order",
		card.DetailDescription: "description", card.DetailCard: "card",
	}
	meansNames = map[card.Means]string{card.ByDisplay: "display", card.ByVoice: "voice", card.ByBoth: "both"}
	paceNames  = map[card.Pace]string{card.PaceNormal: "normal", card.PaceSlow: "slow", card.PaceFast: "fast"}
)

func screenOf(id string, v card.View, p card.Presentation) screenJSON {
	s := screenJSON{
		Card: id, Scene: sceneNames[v.Scene], Code: v.Code, Amount: v.Amount, Payee: v.Payee, Phone: v.Phone,
		Lines: v.Lines, CardID: v.CardID, Holder: v.Holder, Language: v.Language,
		Presents: presentsJSON{meansNames[p.Means], paceNames[p.Pace], p.Times, p.Spell},
	}
	for _, d := range v.Details {
		s.Details = append(s.Details, detailJSON{detailNames[d.Kind], d.Text})
	}
	l := screen.Compose(v)
	for page := range l.Pages() {
		s.Pages = append(s.Pages, l.Lines(page))
	}
	return s
}

// view is the way back, for drawing in another process.
func (s screenJSON) view() (card.View, error) {
	v := card.View{
		Code: s.Code, Amount: s.Amount, Payee: s.Payee, Phone: s.Phone,
		Lines: s.Lines, CardID: s.CardID, Holder: s.Holder, Language: s.Language,
	}
	scene, ok := keyOf(sceneNames, s.Scene)
	if !ok {
		return v, fmt.Errorf("the card runs another version of sotto: it shows a %q", s.Scene)
	}
	v.Scene = scene
	for _, d := range s.Details {
		kind, _ := keyOf(detailNames, d.Kind)
		v.Details = append(v.Details, card.Detail{Kind: kind, Text: d.Text})
	}
	return v, nil
}

func keyOf[K comparable](names map[K]string, name string) (K, bool) {
	for k, n := range names {
		if n == name {
			return k, true
		}
	}
	var none K
	return none, false
}

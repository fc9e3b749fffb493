package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"

	"sotto/card"
	"sotto/card/screen"
	"sotto/card/screen/png"
	"sotto/card/screen/term"
)

// cardPrompt is the display of a card that runs in a terminal. It draws nothing
// when there is neither terminal nor file.
type cardPrompt struct {
	terminal io.Writer // nil: none
	columns  int
	pngFile  string
	log      *slog.Logger

	layout *screen.Layout
	page   int
}

// wipeTerminal clears the screen and what has been scrolled off it.
const wipeTerminal = "\x1b[H\x1b[2J\x1b[3J"

// Show implements card.Prompt.
func (p *cardPrompt) Show(v card.View) error {
	p.layout, p.page = screen.Compose(v), 0
	return p.draw()
}

// PageNext implements card.Pager.
func (p *cardPrompt) PageNext() {
	if p.layout == nil || p.layout.Pages() == 1 {
		return
	}
	p.page++
	if err := p.draw(); err != nil {
		p.log.Warn("the next page could not be drawn", "err", err)
	}
}

// Clear implements card.Prompt.
func (p *cardPrompt) Clear() {
	p.layout = nil
	if p.terminal != nil {
		_, _ = io.WriteString(p.terminal, wipeTerminal)
	}
	p.picture(&screen.Frame{})
}

func (p *cardPrompt) draw() error {
	f := p.layout.Frame(p.page)
	p.picture(&f)
	if p.terminal == nil {
		return nil
	}
	_, err := io.WriteString(p.terminal, wipeTerminal+term.Draw(p.layout, p.page, p.columns))
	return err
}

// picture keeps the file in step. It is no part of the card: its failure is
// said, and the code is shown all the same.
func (p *cardPrompt) picture(f *screen.Frame) {
	if p.pngFile == "" {
		return
	}
	if err := writePNG(p.pngFile, f); err != nil {
		p.log.Warn("the screen could not be written", "file", p.pngFile, "err", err)
	}
}

// pngScale makes a picture of 1000 pixels' width.
const pngScale = 4

// writePNG replaces file whole, so that a reader never sees half a picture.
func writePNG(file string, f *screen.Frame) error {
	var b bytes.Buffer
	if err := png.Encode(&b, f, pngScale); err != nil {
		return err
	}
	next := file + ".new"
	if err := os.WriteFile(next, b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(next, file)
}

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
)

func screenOf(id string, v card.View) screenJSON {
	s := screenJSON{
		Card: id, Scene: sceneNames[v.Scene], Code: v.Code, Amount: v.Amount, Payee: v.Payee, Phone: v.Phone,
		Lines: v.Lines, CardID: v.CardID, Holder: v.Holder, Language: v.Language,
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

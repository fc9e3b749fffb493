package lab

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"sotto/card"
	"sotto/card/flash"
	"sotto/card/screen"
	"sotto/card/screen/png"
)

// cardbox is the card: its flash, the device at work, and its face.
type cardbox struct {
	id    string
	now   func() time.Time
	flash *flash.Store
	face  *face
	stop  chan struct{}
	ended chan struct{}

	mu     sync.Mutex
	device *card.Device
}

// openCard switches the card in dir on. It ticks once a second, as a card does.
func openCard(id, dir string, now func() time.Time, changed func()) (*cardbox, error) {
	store, payload, err := flash.Open(dir)
	if err != nil {
		return nil, err
	}
	memory, err := card.ParseMemory(payload)
	clear(payload)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	b := &cardbox{
		id: id, now: now, flash: store, face: newFace(memory.Presentation, changed),
		stop: make(chan struct{}), ended: make(chan struct{}),
	}
	b.device = card.New(memory, store, b.face, now)
	go b.tick()
	return b, nil
}

func (b *cardbox) tick() {
	defer close(b.ended)
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-t.C:
			b.at().Tick(b.now())
		}
	}
}

func (b *cardbox) at() *card.Device {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.device
}

// Handle implements link.Handler.
func (b *cardbox) Handle(message []byte) []byte { return b.at().Handle(message) }

// restart takes the card's power away and gives it back: it comes up with the
// resting picture and all that its flash kept.
func (b *cardbox) restart(dir string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.flash.Close(); err != nil {
		return fmt.Errorf("restart the card: %w", err)
	}
	store, payload, err := flash.Open(dir)
	if err != nil {
		return fmt.Errorf("restart the card: %w", err)
	}
	memory, err := card.ParseMemory(payload)
	clear(payload)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	b.flash = store
	b.face.Clear()
	b.device = card.New(memory, store, b.face, b.now)
	return nil
}

// use sets how the card presents. What it presents now is presented anew.
func (b *cardbox) use(set card.Presentation) error {
	if err := b.at().SetPresentation(set); err != nil {
		return fmt.Errorf("keep how the card presents: %w", err)
	}
	return b.face.use(set)
}

func (b *cardbox) pageNext() { b.at().PageNext() }

func (b *cardbox) close() error {
	close(b.stop)
	<-b.ended
	b.face.Clear()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.flash.Close()
}

// panel is the card's e-paper, and its one button. It implements card.Prompt and
// card.Pager.
type panel struct {
	mu     sync.Mutex
	view   card.View
	layout *screen.Layout
	page   int
	image  string // data URI of what is on it
}

// Show implements card.Prompt.
func (p *panel) Show(v card.View) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view, p.layout, p.page = v, screen.Compose(v), 0
	p.draw()
	return nil
}

// Clear implements card.Prompt.
func (p *panel) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view, p.layout, p.page, p.image = card.View{}, nil, 0, ""
}

// PageNext implements card.Pager.
func (p *panel) PageNext() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.layout != nil {
		p.page = (p.page + 1) % p.layout.Pages()
		p.draw()
	}
}

func (p *panel) draw() {
	frame := p.layout.Frame(p.page)
	var out bytes.Buffer
	if png.Encode(&out, &frame, 1) != nil {
		p.image = ""
		return
	}
	p.image = "data:image/png;base64," + base64.StdEncoding.EncodeToString(out.Bytes())
}

// look is what a person sees on the panel.
func (p *panel) look() Screen {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.layout == nil {
		return Screen{Scene: "blank", Lines: []string{}, Pages: 1}
	}
	return Screen{
		Scene: sceneNames[p.view.Scene], Lines: p.layout.Lines(p.page), Code: p.view.Code,
		Page: p.page + 1, Pages: p.layout.Pages(), PNG: p.image,
	}
}

// picture is the frame itself, for GET /lab/card.png.
func (p *panel) picture() screen.Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.layout == nil {
		return screen.Frame{}
	}
	return p.layout.Frame(p.page)
}

var sceneNames = [...]string{
	card.SceneIdle: "idle", card.ScenePayment: "payment", card.SceneBind: "bind",
	card.SceneReleased: "released", card.ScenePlain: "plain",
}

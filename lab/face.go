package lab

import (
	"sync"

	"sotto/card"
	"sotto/card/voice"
)

// face is all that a person sees and hears of the card: its panel, its voice, or
// both, as the card's presentation has it. It implements card.Prompt and
// card.Pager.
type face struct {
	panel   *panel
	speaker *speaker
	changed func()

	mu       sync.Mutex
	set      card.Presentation
	language string
	view     card.View
	awake    bool // there is a view
}

func newFace(set card.Presentation, changed func()) *face {
	return &face{panel: &panel{}, speaker: &speaker{}, changed: changed, set: set, language: "en"}
}

// prompt is what presents.
func (f *face) prompt() card.Prompt {
	spoken := voice.NewPrompt(f.speaker, f.set)
	switch f.set.Means {
	case card.ByVoice:
		return spoken
	case card.ByBoth:
		return voice.Beside{Display: f.panel, Voice: spoken, Failed: func(error) {}}
	default:
		return f.panel
	}
}

// Show implements card.Prompt.
func (f *face) Show(v card.View) error {
	defer f.changed()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.view, f.awake = v, true
	return f.present()
}

func (f *face) present() error {
	v := f.view
	v.Language = f.language
	return f.prompt().Show(v)
}

// Clear implements card.Prompt.
func (f *face) Clear() {
	defer f.changed()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.view, f.awake = card.View{}, false
	f.blank()
}

func (f *face) blank() {
	f.panel.Clear()
	f.speaker.Stop()
}

// PageNext implements card.Pager.
func (f *face) PageNext() {
	f.panel.PageNext()
	f.changed()
}

// speak sets the language of the labels, and of the voice; what the bank wrote
// stays as it is.
func (f *face) speak(language string) error {
	return f.alter(func() { f.language = language })
}

// use presents by other means from now on, and what is there as well.
func (f *face) use(set card.Presentation) error {
	return f.alter(func() { f.set = set })
}

func (f *face) alter(what func()) error {
	defer f.changed()
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
	f.blank()
	if !f.awake {
		return nil
	}
	return f.present()
}

func (f *face) presentation() card.Presentation {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.set
}

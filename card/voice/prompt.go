package voice

import "sotto/card"

// Player makes samples heard.
type Player interface {
	// Play begins to play and returns when that has begun, or an error when it
	// cannot. What played before has been stopped. The samples are the caller's
	// until Stop.
	Play(samples []int16) error
	// Stop is silence at once. It keeps nothing of what was played.
	Stop()
}

// Prompt is a card.Prompt that speaks. Show returns when it has begun to speak:
// the rest is heard while the card goes on. Clear ends it in the middle of a
// word, so that no code is said after its time.
type Prompt struct {
	player  Player
	set     card.Presentation
	samples []int16
}

// NewPrompt makes a prompt that speaks as the card's presentation has it.
func NewPrompt(p Player, set card.Presentation) *Prompt { return &Prompt{player: p, set: set} }

// Show implements card.Prompt.
func (p *Prompt) Show(v card.View) error {
	p.Clear()
	speech := Say(v, p.set)
	if len(speech.Steps) == 0 {
		return nil
	}
	p.samples = speech.Samples(p.set.Pace)
	return p.player.Play(p.samples)
}

// Clear implements card.Prompt.
func (p *Prompt) Clear() {
	p.player.Stop()
	clear(p.samples)
	p.samples = nil
}

// Beside is a display with a voice beside it. What the display shows has been
// shown, whether or not it was said too: failed hears of a voice that was not.
type Beside struct {
	Display card.Prompt
	Voice   *Prompt
	Failed  func(error)
}

// Show implements card.Prompt.
func (b Beside) Show(v card.View) error {
	if err := b.Display.Show(v); err != nil {
		return err
	}
	if err := b.Voice.Show(v); err != nil {
		b.Failed(err)
	}
	return nil
}

// Clear implements card.Prompt.
func (b Beside) Clear() {
	b.Voice.Clear()
	b.Display.Clear()
}

// PageNext implements card.Pager.
func (b Beside) PageNext() {
	if pager, ok := b.Display.(card.Pager); ok {
		pager.PageNext()
	}
}

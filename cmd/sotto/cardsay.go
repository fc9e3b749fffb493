package main

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"sotto/card"
	"sotto/card/voice"
	"sotto/card/voice/alsa"
)

type cardSayCmd struct {
	State string `required:"" placeholder:"DIR" help:"Folder of the card's state."`
	presentFlags
	soundFlags
}

// Help has an example.
func (cardSayCmd) Help() string {
	return `Speaks as the card does, unless a flag differs, and stops when the card shows
something else. Whoever is near hears the code. A payee's name is not spoken, but
it can be spelled as far as it has Latin letters.

Example:
  sotto card say --state ./card
  sotto card say --state ./card --pace slow --spell --wav code.wav`
}

// Run speaks.
func (c cardSayCmd) Run(g *globals) error {
	s, err := look(g, c.State)
	if err != nil {
		return err
	}
	view, err := s.view()
	if err != nil {
		return err
	}
	set, err := c.over(s.presentation())
	if err != nil {
		return err
	}
	speech := voice.Say(view, set)
	if len(speech.Steps) == 0 {
		return errors.New("the card rests and has nothing to say: wait for a message")
	}
	player, err := c.player(g.Ctx)
	if err != nil {
		return err
	}
	samples := speech.Samples(set.Pace)
	defer clear(samples)
	if err := player.Play(samples); err != nil {
		return fmt.Errorf("speak: %w", err)
	}
	if p, ok := player.(*alsa.Player); ok {
		return c.hear(g, p, view)
	}
	return nil
}

// lookAgain is how often a speaker looks whether the card still shows what he
// is saying.
const lookAgain = 250 * time.Millisecond

// hear waits for the end of a speech, and ends it when the card shows something
// else.
func (c cardSayCmd) hear(g *globals, p *alsa.Player, view card.View) error {
	defer p.Stop()
	heard := make(chan error, 1)
	go func() { heard <- p.Wait(g.Ctx) }()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		select {
		case err := <-heard:
			return err
		case <-again.C:
			s, err := look(g, c.State)
			if err != nil {
				return err
			}
			if now, err := s.view(); err != nil || !reflect.DeepEqual(now, view) {
				return errors.New("the card shows something else now: ask it again")
			}
		}
	}
}

// presentation is the way back.
func (s screenJSON) presentation() card.Presentation {
	means, _ := keyOf(meansNames, s.Presents.By)
	pace, _ := keyOf(paceNames, s.Presents.Pace)
	return card.Presentation{Means: means, Pace: pace, Times: s.Presents.Times, Spell: s.Presents.Spell}
}

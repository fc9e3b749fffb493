package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"sotto/card"
	"sotto/card/screen"
	"sotto/card/screen/epaper"
	"sotto/card/screen/fb"
	"sotto/card/screen/png"
	"sotto/card/screen/term"
	"sotto/card/voice"
	"sotto/card/voice/alsa"
)

// presentFlags say how a card presents; what is not given stays as it is.
type presentFlags struct {
	Prompt string `enum:",display,voice,both" default:"" placeholder:"HOW" help:"What the card presents with: display, voice or both."`
	Pace   string `enum:",normal,slow,fast" default:"" placeholder:"PACE" help:"How fast it speaks: normal, slow or fast."`
	Times  uint8  `placeholder:"N" help:"How often it says a code, 1 to 9; without it, twice."`
	Spell  bool   `help:"Spell the payee and other text, as far as it has Latin letters."`
}

// over is a presentation with what the flags change of it.
func (f presentFlags) over(p card.Presentation) (card.Presentation, error) {
	if f.Times > card.TimesMax {
		return p, fmt.Errorf("a code is said %d times at most: give --times 1 to %d", card.TimesMax, card.TimesMax)
	}
	if means, ok := keyOf(meansNames, f.Prompt); ok {
		p.Means = means
	}
	if pace, ok := keyOf(paceNames, f.Pace); ok {
		p.Pace = pace
	}
	if f.Times > 0 {
		p.Times = f.Times
	}
	p.Spell = p.Spell || f.Spell
	return p, nil
}

// panelFlags say where a display is, beside the terminal.
type panelFlags struct {
	Sixel  int    `placeholder:"N" help:"Draw on the terminal in sixels, N pixels to a side of each of the card's."`
	FB     string `name:"fb" placeholder:"DEVICE" help:"Show the screen on a Linux framebuffer, as in /dev/fb0."`
	EPaper string `name:"epaper" placeholder:"WIRING" help:"Show the screen on an SSD1680 e-paper panel, as in /dev/spidev0.0,dc=GPIO25,reset=GPIO17,busy=GPIO24."`
}

// panel opens the card's own panel; nil is none.
func (f panelFlags) panel() (screen.Panel, io.Closer, error) {
	switch {
	case f.EPaper != "" && f.FB != "":
		return nil, nil, errors.New("the card has one screen: give --epaper or --fb")
	case f.EPaper != "":
		where, err := epaper.ParseWhere(f.EPaper)
		if err != nil {
			return nil, nil, err
		}
		return openPanel(epaper.Open(where))
	case f.FB != "":
		return openPanel(fb.Open(f.FB))
	}
	return nil, nothing{}, nil
}

// openPanel lets a nil panel be a nil screen.Panel.
func openPanel[P screen.Panel](p P, c io.Closer, err error) (screen.Panel, io.Closer, error) {
	if err != nil {
		return nil, nil, err
	}
	return p, c, nil
}

// soundFlags say where a voice is heard.
type soundFlags struct {
	Sound string `placeholder:"DEVICE" help:"ALSA device to speak on, of 'aplay -L'; without it the default one."`
	WAV   string `name:"wav" placeholder:"FILE" help:"Write the speech to FILE instead. It will hold the code."`
}

// probeMax is how long a sound device may take to play a moment of silence.
const probeMax = 5 * time.Second

// player is where the voice goes. A device is tried first, so that a card which
// cannot speak does not wait for its first code to say so.
func (f soundFlags) player(ctx context.Context) (voice.Player, error) {
	if f.WAV != "" {
		return wavFile(f.WAV), nil
	}
	p := alsa.New(f.Sound)
	ctx, cancel := context.WithTimeout(ctx, probeMax)
	defer cancel()
	return p, p.Probe(ctx)
}

// wavFile is a voice.Player that writes what is said, and silence when it stops.
type wavFile string

// Play implements voice.Player.
func (f wavFile) Play(samples []int16) error {
	b := voice.AppendWAV(nil, samples)
	defer clear(b)
	next := string(f) + ".new"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return err
	}
	return os.Rename(next, string(f))
}

// Stop implements voice.Player.
func (f wavFile) Stop() { _ = f.Play(nil) }

// prompt is what the card presents with, and what to close in the end.
func (c cardRunCmd) prompt(g *globals, set card.Presentation) (card.Prompt, io.Closer, error) {
	failed := func(err error) { g.Log.Warn("the prompt failed", "err", err) }
	if set.Means == card.ByVoice {
		if c.panelFlags != (panelFlags{}) || c.PNG != "" {
			return nil, nil, errors.New("this card has a voice and no display: leave the display out, or say --prompt both")
		}
		player, err := c.player(g.Ctx)
		return voice.NewPrompt(player, set), nothing{}, err
	}
	display, closer, err := c.display(g, failed)
	if err != nil || set.Means == card.ByDisplay {
		return display, closer, err
	}
	player, err := c.player(g.Ctx)
	if err != nil {
		closer.Close()
		return nil, nil, err
	}
	return voice.Beside{Display: display, Voice: voice.NewPrompt(player, set), Failed: failed}, closer, nil
}

// display puts the card's panel and those that show the same together.
func (c cardRunCmd) display(g *globals, failed func(error)) (*screen.Prompt, io.Closer, error) {
	panel, closer, err := c.panel()
	if err != nil {
		return nil, nil, err
	}
	p := &screen.Prompt{Panel: panel, Failed: failed}
	if terminal, columns := terminalOf(g.Out); terminal != nil && !c.Quiet {
		t := term.Panel{Out: terminal, Columns: columns, Sixel: c.Sixel}
		if p.Panel == nil {
			p.Panel = t
		} else {
			p.Copies = append(p.Copies, t)
		}
	}
	if c.PNG != "" {
		p.Copies = append(p.Copies, png.File(c.PNG))
	}
	return p, closer, nil
}

// nothing is there to be closed.
type nothing struct{}

func (nothing) Close() error { return nil }

// Package alsa plays the card's voice through ALSA, the sound of Linux.
//
// It hands samples to aplay (Debian: alsa-utils), which knows the devices,
// converts rates, and speaks to sound servers as well. Each Play is a process of
// its own; Stop kills it and returns when it is gone, so that nothing is heard
// afterwards. The samples cross a pipe and touch no disk.
//
// It says clearly what is missing: aplay, or a device. A device that goes away
// while something is said is not noticed.
package alsa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"sotto/card/voice"
)

// Player implements voice.Player. It is safe for concurrent use.
type Player struct {
	command []string

	mu      sync.Mutex
	playing *playing
}

type playing struct {
	kill context.CancelFunc
	over chan struct{} // closed when the process is gone
	err  error         // its end; to be read after over
	said bytes.Buffer  // its standard error
}

// settled is how long a player has to run before it counts as one that plays.
// Without a device aplay gives up within some 30 ms.
const settled = 250 * time.Millisecond

// ErrMissing says that there is no aplay.
var ErrMissing = errors.New("aplay is not installed: run 'apt-get install alsa-utils', or have the speech written with --wav FILE")

// New makes a player on an ALSA device, as 'aplay -L' lists them; the empty
// string is the default one. It looks for nothing yet: see Probe.
func New(device string) *Player {
	command := []string{"aplay", "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", strconv.Itoa(voice.Rate)}
	if device != "" {
		command = append(command, "-D", device)
	}
	return &Player{command: command}
}

// Probe plays a moment of silence and says what keeps it from being played.
func (p *Player) Probe(ctx context.Context) error {
	if err := p.Play(make([]int16, voice.Rate/20)); err != nil {
		return err
	}
	defer p.Stop()
	err := p.Wait(ctx)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("the sound device does not play: %w; choose another of 'aplay -L' with --sound", err)
	}
	return err
}

// Play implements voice.Player.
func (p *Player) Play(samples []int16) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	now, err := start(p.command, voice.AppendPCM(nil, samples))
	if err != nil {
		return err
	}
	p.playing = now
	select {
	case <-now.over:
		return now.failure()
	case <-time.After(settled):
		return nil
	}
}

// start begins to play pcm and wipes it in the end.
func start(command []string, pcm []byte) (*playing, error) {
	ctx, kill := context.WithCancel(context.Background())
	now := &playing{kill: kill, over: make(chan struct{})}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // the command is ours, the device the operator's
	cmd.Stdin, cmd.Stderr = bytes.NewReader(pcm), &now.said
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		kill()
		clear(pcm)
		if errors.Is(err, exec.ErrNotFound) {
			return nil, ErrMissing
		}
		return nil, fmt.Errorf("start aplay: %w", err)
	}
	go func() {
		defer close(now.over)
		now.err = cmd.Wait()
		clear(pcm)
	}()
	return now, nil
}

// failure is why the process ended, or nil if it had played all.
func (n *playing) failure() error {
	if n.err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(n.said.String()), "\n")
	return fmt.Errorf("aplay could not play: %w (%s): is there a sound device? 'aplay -L' lists them, --sound chooses one",
		n.err, lines[len(lines)-1])
}

// Wait returns when all that is playing has been heard, or ctx ends.
func (p *Player) Wait(ctx context.Context) error {
	p.mu.Lock()
	now := p.playing
	p.mu.Unlock()
	if now == nil {
		return nil
	}
	select {
	case <-now.over:
		return now.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stop implements voice.Player.
func (p *Player) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
}

func (p *Player) stop() {
	if p.playing == nil {
		return
	}
	p.playing.kill()
	<-p.playing.over
	p.playing = nil
}

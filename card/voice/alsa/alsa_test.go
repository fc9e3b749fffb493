package alsa

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sotto/card"
	"sotto/card/voice"
)

// The real aplay takes every sample and plays what was said: into a file, with
// ALSA's own plugin for that, for there need not be a device here.
func TestRealPlayerGetsEverySample(t *testing.T) {
	if _, err := exec.LookPath("aplay"); err != nil {
		t.Fatal("aplay is not installed; on Debian: apt-get install alsa-utils")
	}
	file := filepath.Join(t.TempDir(), "played")
	p := New("file:'" + file + "',raw")
	defer p.Stop()
	speech := voice.Say(card.View{Scene: card.ScenePlain, Code: "482913", Language: "zh"}, card.Presentation{})
	want := voice.AppendPCM(nil, speech.Samples(card.PaceNormal))
	if err := p.Play(speech.Samples(card.PaceNormal)); err != nil {
		t.Fatal(err)
	}
	<-p.playing.over
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) < len(want) || !bytes.Equal(got[:len(want)], want) || len(bytes.Trim(got[len(want):], "\x00")) != 0 {
		t.Errorf("%d bytes were played, and are not the %d that were said", len(got), len(want))
	}
	if err := p.Probe(t.Context()); err != nil {
		t.Errorf("probe: %v", err)
	}
}

func TestNoDeviceIsSaid(t *testing.T) {
	p := New("hw:CARD=nothing-here")
	err := p.Probe(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is there a sound device") {
		t.Errorf("got %v", err)
	}
	p = &Player{command: []string{filepath.Join(t.TempDir(), "aplay")}}
	if err := p.Play([]int16{1}); err == nil {
		t.Error("a program that is not there has played")
	}
	p = &Player{command: []string{"sotto-has-no-such-player"}}
	if err := p.Play([]int16{1}); !errors.Is(err, ErrMissing) {
		t.Errorf("got %v, want ErrMissing", err)
	}
}

// slow is a player that takes a little and then sits on the rest, as a device
// does that plays in real time.
func slow(t *testing.T) (p *Player, taken string) {
	t.Helper()
	taken = filepath.Join(t.TempDir(), "taken")
	return &Player{command: []string{"sh", "-c", `head -c 4000 >"$0"; exec sleep 60`, taken}}, taken
}

func TestStopIsSilenceAtOnce(t *testing.T) {
	p, taken := slow(t)
	if err := p.Play(make([]int16, 10*voice.Rate)); err != nil {
		t.Fatal(err)
	}
	now := p.playing
	begin := time.Now()
	p.Stop()
	select {
	case <-now.over:
	default:
		t.Error("the player runs on after Stop")
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("Stop took %v", took)
	}
	if got, err := os.ReadFile(taken); err != nil || len(got) != 4000 {
		t.Errorf("the player had taken %d bytes, %v", len(got), err)
	}
	p.Stop() // once more does no harm
}

// The next speech ends the one before.
func TestPlayEndsWhatPlayed(t *testing.T) {
	p, _ := slow(t)
	defer p.Stop()
	if err := p.Play(make([]int16, voice.Rate)); err != nil {
		t.Fatal(err)
	}
	first := p.playing
	if err := p.Play(make([]int16, voice.Rate)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.over:
	default:
		t.Error("two speak at once")
	}
}

func TestProbeDoesNotWaitForEver(t *testing.T) {
	p, _ := slow(t)
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	if err := p.Probe(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if p.playing != nil {
		t.Error("the player was left running")
	}
}

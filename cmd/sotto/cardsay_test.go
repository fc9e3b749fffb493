package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sotto/card"
	"sotto/card/voice"
	"sotto/card/voice/alsa"
	"sotto/dyncode"
	"sotto/ident"
	"sotto/link/tcp"
	"sotto/secret"
)

// speaking is the folder of a card that was personalised with these flags.
func speaking(t *testing.T, flags ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "card")
	recipient, errOut, code := cardRun(t, "", "new", "--state", dir)
	if code != 0 {
		t.Fatalf("card new: %s", errOut)
	}
	args := append([]string{"personalize", "--state", dir}, flags...)
	if _, errOut, code := cardRun(t, issueTo(t, recipient, somebodysCard()), args...); code != 0 {
		t.Fatalf("card personalize: %s", errOut)
	}
	return dir
}

// pay lets a card have a payment that it shows for so many seconds.
func pay(t *testing.T, address, code string, lifetime uint16) {
	t.Helper()
	p := somebodysCard()
	bank := dyncode.NewInner(p.Key, p.Card)
	pairing := bytes.Repeat([]byte{1}, 32)
	soon := uint64(time.Now().Add(time.Minute).Unix())
	bind, err := dyncode.Content{
		Kind: dyncode.Bind, Code: []byte("314159"), ExpiresAt: soon, Lifetime: 60,
		PhoneName: []byte("Mei's phone"), Phone: ident.Raw{2}, Pairing: pairing, KeySource: make([]byte, 32),
	}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	content, err := dyncode.Content{
		Kind: dyncode.Payment, Code: []byte(code), ExpiresAt: soon, Lifetime: lifetime,
		Amount: 12850, Currency: []byte("CNY"), Payee: []byte("Tea 21"),
	}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	outer := dyncode.NewOuter(secret.New(pairing), p.Card, ident.Raw{2}, [32]byte{})
	reach := tcp.NewReach(tcp.At(address))
	defer reach.Close()
	for i, message := range [][]byte{
		dyncode.AppendDirect(nil, p.Profile, ident.Raw{9}, bank.Seal(nil, p.Profile, ident.Raw{9}, 1, bind)),
		outer.Seal(nil, p.Profile, ident.Raw{8}, 1, bank.Seal(nil, p.Profile, ident.Raw{8}, 2, content)),
	} {
		answer, err := reach.Exchange(t.Context(), "", message)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bank.Verify(answer); err != nil {
			t.Fatalf("message %d: the card gave no receipt: %v", i, err)
		}
	}
}

func teaView(code string) card.View {
	return card.View{Scene: card.ScenePayment, Code: code, Amount: "CNY 128.50", Payee: "Tea 21", Language: "en"}
}

func wantSpeech(t *testing.T, file string, v card.View, set card.Presentation) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := voice.AppendWAV(nil, voice.Say(v, set).Samples(set.Pace)); !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, and not the %d of what is to be said", filepath.Base(file), len(got), len(want))
	}
}

// How a card presents is written into it, and it speaks so; another process can
// have it said once more in another way, and a run can differ.
func TestCardSpeaks(t *testing.T) {
	dir := speaking(t, "--prompt", "both", "--pace", "slow", "--times", "3")
	spoken, again := filepath.Join(t.TempDir(), "spoken.wav"), filepath.Join(t.TempDir(), "again.wav")
	pay(t, switchOn(t, dir, "--wav", spoken), "271828", 60)
	set := card.Presentation{Means: card.ByBoth, Pace: card.PaceSlow, Times: 3}
	wantSpeech(t, spoken, teaView("271828"), set)

	out, errOut, code := cardRun(t, "", "show", "--json", "--state", dir)
	var s screenJSON
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != 0 {
		t.Fatalf("card show: %v, %s", err, errOut)
	}
	if want := (presentsJSON{"both", "slow", 3, false}); s.Presents != want || s.Code != "271828" {
		t.Errorf("got %+v", s)
	}
	if _, errOut, code := cardRun(t, "", "say", "--state", dir, "--wav", again, "--pace", "fast", "--spell"); code != 0 {
		t.Fatalf("card say: %s", errOut)
	}
	set.Pace, set.Spell = card.PaceFast, true
	wantSpeech(t, again, teaView("271828"), set)
	if _, errOut, code := cardRun(t, "", "say", "--state", dir, "--sound", "null"); code != 0 {
		t.Errorf("card say on a device: %s", errOut)
	}
}

// The speech that a file holds is gone with the code's time.
func TestCardIsSilentAfterTheCode(t *testing.T) {
	spoken := filepath.Join(t.TempDir(), "spoken.wav")
	dir := issued(t)
	pay(t, switchOn(t, dir, "--prompt", "voice", "--wav", spoken), "271828", 2)
	wantSpeech(t, spoken, teaView("271828"), card.Presentation{Means: card.ByVoice})
	silence := voice.AppendWAV(nil, nil)
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got, err := os.ReadFile(spoken)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(got, silence) {
			break
		}
		if time.Now().After(until) {
			t.Fatal("the code is spoken on after its time")
		}
	}
	if _, errOut, code := cardRun(t, "", "say", "--state", dir, "--wav", spoken); code != 1 || !strings.Contains(errOut, "nothing to say") {
		t.Errorf("a card that rests: got exit %d, %s", code, errOut)
	}
}

// A speaker in another process stops when the card shows something else.
func TestSayStopsWithTheCode(t *testing.T) {
	// An aplay that plays in real time, as a device would.
	bin := t.TempDir()
	script := "#!/bin/sh\nhead -c 100 >/dev/null\nexec sleep 60\n"
	if err := os.WriteFile(filepath.Join(bin, "aplay"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	dir := issued(t)
	pay(t, switchOn(t, dir), "271828", 3)
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	g := &globals{Ctx: ctx}
	s, err := look(g, dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.view()
	if err != nil {
		t.Fatal(err)
	}
	say := cardSayCmd{State: dir}
	player := alsa.New("")
	if err := player.Play(make([]int16, 10*voice.Rate)); err != nil {
		t.Fatal(err)
	}
	if err := say.hear(g, player, v); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("got %v", err)
	}
	if err := player.Wait(ctx); err != nil {
		t.Errorf("the player was left at work: %v", err)
	}
}

func TestCardVoiceMistakes(t *testing.T) {
	dir := issued(t)
	run := func(args ...string) []string {
		return append([]string{"run", "--state", dir, "--listen", "127.0.0.1:0"}, args...)
	}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no device":             {run("--prompt", "voice", "--sound", "hw:CARD=nothing-here"), "is there a sound device"},
		"no device, and both":   {run("--prompt", "both", "--sound", "hw:CARD=nothing-here"), "is there a sound device"},
		"a display of a voice":  {run("--prompt", "voice", "--png", "x.png"), "--prompt both"},
		"too often":             {run("--prompt", "voice", "--times", "10"), "--times 1 to 9"},
		"two screens":           {run("--fb", "/dev/fb0", "--epaper", "x"), "--epaper or --fb"},
		"a wiring that is none": {run("--epaper", "/dev/spidev0.0"), "dc=GPIO25"},
		"no framebuffer":        {run("--fb", filepath.Join(t.TempDir(), "fb0")), "framebuffer"},
		"no panel":              {run("--epaper", "no-port,dc=a,reset=b,busy=c"), "no-port"},
	} {
		t.Run(name, func(t *testing.T) {
			_, errOut, code := cardRun(t, "", tt.args...)
			if code != 1 || !strings.Contains(errOut, tt.want) || strings.Count(errOut, "\n") != 1 {
				t.Errorf("got exit %d, %q; want one line with %q", code, errOut, tt.want)
			}
		})
	}
}

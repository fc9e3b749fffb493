package lab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sotto/card"
	"sotto/card/voice"
	"sotto/lab"
)

// openWith starts a lab that is configured otherwise.
func openWith(t *testing.T, change func(*lab.Config)) *lab.Lab {
	t.Helper()
	c := config(t, lab.Mem)
	change(&c)
	l, err := lab.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	return l
}

// radio is what has crossed between phone and card.
func radio(s lab.State) (lines []lab.Crossing) {
	for _, c := range s.Timeline {
		if c.Air != nil {
			lines = append(lines, c)
		}
	}
	return lines
}

// The nearest link that reaches carries, in pieces that make the message, and the
// answer comes by the same.
func TestNearestLinkCarries(t *testing.T) {
	l := open(t, lab.Mem)
	for _, tt := range []struct {
		metres         string
		link           string
		pieces, packed int // packed is what a packet with a piece has around it, in bytes
	}{
		{"0", "nfc", 1, 5}, {"0.02", "nfc", 1, 5}, {"0.2", "rfid", 1, 24}, {"3", "ble", 18, 8}, {"9.5", "ble", 18, 8},
	} {
		s := post(t, l, "air/distance", `{"distance_m":`+tt.metres+`}`)
		if s.Air.Using != tt.link || !s.Phone.InReach {
			t.Errorf("%s m: using %q, want %q", tt.metres, s.Air.Using, tt.link)
		}
		post(t, l, "checkout", `{}`)
		lines := radio(until(t, l, tt.metres, onCard))
		if len(lines) != 2 || lines[0].Kind != "message" || lines[1].Kind != "receipt" {
			t.Fatalf("%s m: got %+v, want a message and a receipt", tt.metres, lines)
		}
		message := lines[0]
		size := 0
		for _, f := range message.Air.Fragments {
			if f.Kind == lab.FragmentPiece {
				size += f.Size - tt.packed
			}
		}
		if a := message.Air; a.Link != tt.link || a.Pieces != tt.pieces || a.Crossed != tt.pieces || a.Lost != 0 || size != message.Size {
			t.Errorf("%s m: %d bytes in %d fragments: %+v", tt.metres, size, len(a.Fragments), a)
		}
		if lines[1].Air.Link != tt.link || lines[0].Air.Took <= 0 || lines[0].Busy || lines[1].Busy {
			t.Errorf("%s m: %+v", tt.metres, lines)
		}
		pays(t, l)
		post(t, l, "leave", `{}`)
	}
}

// A link that is chosen brings the phone to where it reaches, and is the only one
// that is tried.
func TestChooseLink(t *testing.T) {
	l := open(t, lab.Mem)
	for _, tt := range []struct {
		link string
		want float64 // metres
	}{{"nfc", 0.02}, {"rfid", 0.02}, {"ble", 0.02}, {"best", 0.02}} {
		s := post(t, l, "air/link", `{"link":"`+tt.link+`"}`)
		if s.Air.Link != tt.link || s.Air.Distance != tt.want {
			t.Errorf("%s: got %+v, want %v m", tt.link, s.Air, tt.want)
		}
		post(t, l, "checkout", `{}`)
		lines := radio(until(t, l, tt.link, onCard))
		if link := strings.Replace(tt.link, "best", "nfc", 1); lines[0].Air.Link != link {
			t.Errorf("%s: carried by %s", tt.link, lines[0].Air.Link)
		}
	}
	post(t, l, "leave", `{}`)
	post(t, l, "air/distance", `{"distance_m":20}`)
	if s := post(t, l, "air/link", `{"link":"rfid"}`); s.Air.Distance != 0.2 {
		t.Errorf("from 20 m to RFID: got %v m, want 0.2", s.Air.Distance)
	}
	s := post(t, l, "air/distance", `{"distance_m":2}`)
	if s.Air.Using != "" || s.Phone.InReach || !s.Air.Links[2].InReach {
		t.Errorf("RFID over 2 m: %+v", s.Air)
	}
	post(t, l, "checkout", `{}`)
	s = until(t, l, "too far for RFID", unreached)
	if s.Card.Screen.Code != "" || len(radio(s)) != 0 {
		t.Errorf("something crossed: %+v", radio(s))
	}
	post(t, l, "air/link", `{"link":"ble"}`)
	pays(t, l)
}

// held is a radio whose time stands still after so many waits, until somebody lets
// it go.
type held struct {
	after   int64
	count   atomic.Int64 // set to 0 to begin
	reached chan struct{}
	release chan struct{}
}

func hold(after int64) *held {
	h := &held{after: after, reached: make(chan struct{}), release: make(chan struct{})}
	h.count.Store(math.MinInt64)
	return h
}

func (h *held) wait(ctx context.Context, _ time.Duration) error {
	if h.count.Add(1) == h.after {
		close(h.reached)
		select {
		case <-h.release:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// checkout pays, and returns when the message is half across.
func (h *held) checkout(t *testing.T, l *lab.Lab) {
	t.Helper()
	h.count.Store(0)
	post(t, l, "checkout", `{}`)
	select {
	case <-h.reached:
	case <-within(t).Done():
		t.Fatal("nothing crosses")
	}
}

// Who walks away with half a message delivered has delivered nothing; who comes
// back delivers it, from the beginning.
func TestWalkAwayMeanwhile(t *testing.T) {
	h := hold(8)
	l := openWith(t, func(c *lab.Config) { c.Wait = h.wait })
	h.checkout(t, l)
	s := visible(t, l, "half across")
	lines := radio(s)
	if len(lines) != 1 || !lines[0].Busy || lines[0].Air.Crossed == 0 || s.Card.Screen.Code != "" {
		t.Fatalf("half across: %+v", lines)
	}
	post(t, l, "air/walk", `{"away":true}`)
	s = until(t, l, "away", func(s lab.State) bool { return s.Air.Walking == lab.WalkingNot && s.Air.Away })
	if s.Air.Using != "" || s.Air.Distance < 30 || s.Phone.InReach {
		t.Errorf("walked away to %+v", s.Air)
	}
	close(h.release)
	s = until(t, l, "lost", unreached)
	half := radio(s)[0]
	if a := half.Air; !half.Lost || half.Busy || a.Crossed == 0 || a.Crossed >= a.Pieces || a.Lost == 0 || s.Card.Screen.Code != "" {
		t.Errorf("half a message: %+v %+v", half, a)
	}
	post(t, l, "air/walk", `{"away":false}`)
	s = until(t, l, "back", onCard)
	lines = radio(s)
	if last := lines[len(lines)-2]; last.Lost || last.Air.Crossed != last.Air.Pieces || last.Kind != "message" {
		t.Errorf("back: %+v %+v", last, last.Air)
	}
	s = until(t, l, "where it was", func(s lab.State) bool { return s.Air.Walking == lab.WalkingNot && !s.Air.Away })
	if s.Air.Distance != 3 {
		t.Errorf("back at %v m, want 3", s.Air.Distance)
	}
	pays(t, l)
}

// A card that is taken off the phone half-way gets the message by the next link.
func TestFallsOver(t *testing.T) {
	h := hold(4)
	l := openWith(t, func(c *lab.Config) { c.Wait, c.Distance = h.wait, "2cm" })
	h.checkout(t, l)
	post(t, l, "air/distance", `{"distance_m":0.25}`)
	close(h.release)
	lines := radio(until(t, l, "fallen over", onCard))
	first, last := lines[0], lines[len(lines)-1]
	if first.Air.Link != "nfc" || last.Air.Link != "rfid" || last.Kind != "receipt" {
		t.Errorf("by %s first, %s by %s last; want nfc, and a receipt by rfid", first.Air.Link, last.Kind, last.Air.Link)
	}
	pays(t, l)
}

// At the edge of what a link reaches much is lost, all of it is told, and the code
// comes all the same.
func TestAtTheEdge(t *testing.T) {
	l := openWith(t, func(c *lab.Config) { c.Seed = 7 })
	for _, tt := range []struct{ link, metres string }{{"ble", "27"}, {"rfid", "0.55"}, {"nfc", "0.044"}} {
		post(t, l, "air/link", `{"link":"`+tt.link+`"}`)
		post(t, l, "air/distance", `{"distance_m":`+tt.metres+`}`)
		post(t, l, "checkout", `{}`)
		s := until(t, l, tt.link, onCard)
		for _, c := range radio(s) {
			lost, a := 0, c.Air
			for _, f := range a.Fragments {
				if f.Lost {
					lost++
				}
			}
			if a.Lost == 0 || a.Packets != len(a.Fragments)+a.Before || a.Before == 0 && lost != a.Lost {
				t.Errorf("%s: %d fragments, %d of them lost, of %+v", tt.link, len(a.Fragments), lost, a)
			}
		}
		if n := len(s.Timeline); n > 12 {
			t.Errorf("%s: %d lines for one message", tt.link, n)
		}
		pays(t, l)
		post(t, l, "leave", `{}`)
	}
}

// The same seed loses the same packets.
func TestOneSeedOneRadio(t *testing.T) {
	play := func() (all []lab.Fragment, took []float64) {
		l := openWith(t, func(c *lab.Config) { c.Link, c.Distance, c.Seed = "ble", "25m", 7 })
		post(t, l, "checkout", `{}`)
		for _, c := range radio(until(t, l, "seeded", onCard)) {
			all, took = append(all, c.Air.Fragments...), append(took, c.Air.Took)
		}
		return all, took
	}
	first, tookFirst := play()
	again, tookAgain := play()
	if !reflect.DeepEqual(first, again) || !slices.Equal(tookFirst, tookAgain) {
		t.Errorf("seed 7 twice:\n%v in %v\n%v in %v", first, tookFirst, again, tookAgain)
	}
}

func TestRefusesNonsenseOnTheRadio(t *testing.T) {
	l := open(t, lab.Mem)
	before := visible(t, l, "before")
	huge := `{"link":"` + strings.Repeat("x", 5000) + `"}`
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{"air/link", `{}`, 422},
		{"air/link", `{"link":"zigbee"}`, 422},
		{"air/link", `{"link":"BLE"}`, 422},
		{"air/link", `{"link":null}`, 422},
		{"air/link", `{"link":7}`, 400},
		{"air/link", huge, 400},
		{"air/distance", `{}`, 422},
		{"air/distance", `{"distance_m":null}`, 422},
		{"air/distance", `{"distance_m":-0.001}`, 422},
		{"air/distance", `{"distance_m":100.1}`, 422},
		{"air/distance", `{"distance_m":1e300}`, 422},
		{"air/distance", `{"distance_m":1e999}`, 400},
		{"air/distance", `{"distance_m":NaN}`, 400},
		{"air/distance", `{"distance_m":Infinity}`, 400},
		{"air/distance", `{"distance_m":"3m"}`, 400},
		{"air/distance", `{"distance_m":[3]}`, 400},
		{"air/distance", `{"metres":3}`, 400},
		{"air/walk", `{"away":"yes"}`, 400},
		{"air/slow", `{"on":1}`, 400},
		{"air/fly", `{}`, 404},
		{"card/present", `{}`, 422},
		{"card/present", `{"by":"smell","pace":"slow","times":2}`, 422},
		{"card/present", `{"by":"voice","pace":"","times":2}`, 422},
		{"card/present", `{"by":"voice","pace":"slow","times":0}`, 422},
		{"card/present", `{"by":"voice","pace":"slow","times":10}`, 422},
		{"card/present", `{"by":"voice","pace":"slow","times":258}`, 422},
		{"card/present", `{"by":"voice","pace":"slow","times":-1}`, 422},
		{"card/present", `{"by":"voice","pace":"slow","times":1.5}`, 400},
	} {
		status, answer := tries(t, l, c.path, c.body)
		if status != c.want {
			t.Errorf("%s %.60s: status %d (%s), want %d", c.path, c.body, status, answer, c.want)
		}
		if status == 422 && (!json.Valid(answer) || bytes.Contains(answer, []byte("\\n"))) {
			t.Errorf("%s %.60s: got %s, want one sentence in JSON", c.path, c.body, answer)
		}
	}
	for path, method := range map[string]string{"air/link": "GET", "air/distance": "PUT", "air/walk": "DELETE", "card/voice.wav": "POST"} {
		r, err := http.NewRequestWithContext(t.Context(), method, l.URL()+"/lab/"+path, strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if status, _ := send(t, r); status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s: status %d, want 405", method, path, status)
		}
	}
	if after := visible(t, l, "after"); !reflect.DeepEqual(after.Air, before.Air) || after.Card.Presents != before.Card.Presents {
		t.Errorf("nonsense has moved the phone: %+v, %+v", after.Air, after.Card.Presents)
	}
}

func TestParseDistance(t *testing.T) {
	for _, tt := range []struct {
		text string
		want float64
	}{{"3m", 3}, {"2cm", 0.02}, {" 2.5 cm ", 0.025}, {"0m", 0}, {"100m", 100}, {"0.5 m", 0.5}} {
		if got, err := lab.ParseDistance(tt.text); err != nil || math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%q: got %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "m", "3", "-1m", "101m", "1e9m", "1e999m", "nanm", "+infm", "3km", "3 metres", "3mm", "cm", "3cmcm"} {
		if got, err := lab.ParseDistance(text); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, %v, want one sentence", text, got, err)
		}
	}
}

// fetch is the card's voice as anybody may have it.
func fetch(t *testing.T, l *lab.Lab) (status int, header http.Header, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.URL()+"/lab/card/voice.wav", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := http.Client{Timeout: 20 * time.Second}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, b.Bytes()
}

func wantSilence(t *testing.T, l *lab.Lab, step string) {
	t.Helper()
	status, header, body := fetch(t, l)
	var p struct {
		Status int    `json:"status"`
		Type   string `json:"type"`
	}
	if err := json.Unmarshal(body, &p); err != nil || status != 404 || p.Status != 404 || p.Type == "" ||
		header.Get("Content-Type") != "application/problem+json" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: got status %d, %v, %s", step, status, header, body)
	}
	if s := l.State(); s.Card.Voice.Speaks {
		t.Errorf("%s: the card speaks", step)
	}
}

// The card says the code that it shows, in its language, for as long as it shows
// it; with a voice alone its display is blank.
func TestTheCardSpeaks(t *testing.T) {
	l := open(t, lab.Mem)
	wantSilence(t, l, "at rest")
	post(t, l, "checkout", `{}`)
	until(t, l, "by display", onCard)
	wantSilence(t, l, "by display")
	s := post(t, l, "card/present", `{"by":"both","pace":"slow","times":3}`)
	view := card.View{Scene: card.ScenePayment, Code: s.Card.Screen.Code, Amount: "CNY 128.00", Payee: "Tea House"}
	says := func(step string) []byte {
		t.Helper()
		set := card.Presentation{Means: card.ByBoth, Pace: card.PaceSlow, Times: 3}
		if l.State().Card.Presents.By == "voice" {
			set.Means = card.ByVoice
		}
		want := voice.AppendWAV(nil, voice.Say(view, set).Samples(set.Pace))
		status, header, got := fetch(t, l)
		if status != 200 || header.Get("Content-Type") != "audio/wav" || header.Get("Cache-Control") != "no-store" || !bytes.Equal(got, want) {
			t.Errorf("%s: got status %d, %v, %d bytes, want %d of %+v", step, status, header, len(got), len(want), view)
		}
		return got
	}
	english := says("English")
	if got, want := s.Card.Voice.Seconds, float64(len(english)-44)/2/voice.Rate; !s.Card.Voice.Speaks || got != want {
		t.Errorf("voice: got %+v, want %v s", s.Card.Voice, want)
	}
	count := s.Card.Voice.Speech
	view.Language = "zh"
	if s = post(t, l, "language", `{"language":"zh"}`); s.Card.Voice.Speech == count {
		t.Error("another language is the same speech")
	}
	says("Mandarin")
	s = post(t, l, "card/present", `{"by":"voice","pace":"slow","times":3}`)
	if len(s.Card.Screen.Lines) != 0 || s.Card.Screen.Code != "" || s.Card.Screen.PNG != "" {
		t.Errorf("a card with a voice alone shows %+v", s.Card.Screen)
	}
	says("voice alone")
	post(t, l, "switch", `{"switch":"absent","on":true}`)
	wantSilence(t, l, "not here")
	post(t, l, "switch", `{"switch":"absent","on":false}`)
	says("here again")
	post(t, l, "leave", `{}`)
	wantSilence(t, l, "put away")
}

// What the holder has chosen is in the card, and comes back with it.
func TestPresentationIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	first, err := lab.Open(t.Context(), config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	want := lab.Presents{By: "both", Pace: "fast", Times: 1, Spell: true}
	s := post(t, first, "card/present", `{"by":"both","pace":"fast","times":1,"spell":true}`)
	if s.Card.Presents != want {
		t.Errorf("got %+v, want %+v", s.Card.Presents, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir)
	post(t, second, "checkout", `{}`)
	if s := until(t, second, "after", onCard); s.Card.Presents != want || !s.Card.Voice.Speaks {
		t.Errorf("after a restart: got %+v, %+v", s.Card.Presents, s.Card.Voice)
	}
}

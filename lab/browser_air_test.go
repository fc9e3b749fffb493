package lab_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"sotto/bank/bankhttp/browsertest"
	"sotto/lab"
)

// links chooses each link, sends a code by it, and reads what the timeline has of
// the radio; on a narrow and dark page, where nothing may hang over the edge.
func links(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	l := open(t, lab.Mem)
	p := sit(t, b, l, window(320, 720, 1), still())
	p.at("3 m by Bluetooth")
	for _, tt := range []struct{ link, apart, via string }{
		{"nfc", "2 cm by NFC", "NFC, 2 cm · 1 piece · 3 packets"},
		{"rfid", "2 cm by RFID", "RFID, 2 cm · 1 piece · 17 packets"},
		{"ble", "2 cm by Bluetooth", "Bluetooth, 2 cm · 18 pieces · 20 packets"},
	} {
		p.turn("link-" + tt.link)
		p.at(tt.apart)
		p.Click("#checkout")
		p.readCode()
		p.shows(`#score [data-kind=message] .via`, tt.via)
		p.looks()
		p.Click("#cancel")
		p.Click("#leave")
		p.Await("body[data-card=idle] #checkout")
	}
	if got, want := browsertest.Eval[int](p.Tab, `document.querySelectorAll("#score [data-kind=message] .bit.piece").length`), 18; got != want {
		t.Errorf("marks on the timeline: got %d, want %d", got, want)
	}
	// The phone is dragged along the ruler, and pushed by a key.
	drag := func(to int) {
		p.says(fmt.Sprintf(`(() => { const of = document.querySelector("#distance"); of.value = "%d"; of.dispatchEvent(new Event("input")); return ""; })()`, to))
	}
	drag(1000)
	p.at("40 m, out of reach of Bluetooth")
	drag(500)
	p.at("63 cm by Bluetooth")
	p.says(`(() => { document.querySelector("#distance").focus(); return ""; })()`)
	p.Do(chromedp.KeyEvent(kb.End))
	p.at("40 m, out of reach of Bluetooth")
	p.Do(chromedp.KeyEvent(kb.Home))
	p.at("1 cm by Bluetooth")
	p.Do(browsertest.Media("prefers-color-scheme", "dark")(p.Tab))
	p.Shot("narrow-dark")
}

// walk carries the phone away while the code is half across, and back.
func walk(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	h := hold(8)
	l := openWith(t, func(c *lab.Config) { c.Wait, c.Link = h.wait, "ble" })
	p := sit(t, b, l, window(1440, 900, 1))
	p.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 2, 2))
	h.count.Store(0)
	p.Click("#checkout")
	<-h.reached
	p.Await(`#score [data-kind=message] .bit.piece`)
	p.Glance("half")
	p.Click("#walk")
	p.Await(`#walk[data-away=false]`)
	p.at("40 m, out of reach of Bluetooth")
	close(h.release)
	p.Await(`#score [data-kind=unreached]`)
	p.shows(`#score [data-kind=message]`, "of 18 pieces had crossed. Half a message is nothing")
	p.shows("#how-text", "cannot find the card")
	p.Await(`#score [data-kind=message] .bit.lost`)
	p.looks()
	p.Shot("away")
	if scene := l.State().Card.Screen.Scene; scene != "idle" {
		t.Errorf("half a message is on the card: %s", scene)
	}
	p.Click("#walk")
	code := p.readCode()
	p.at("3 m by Bluetooth")
	p.Type("#code", code)
	p.Click("#confirm")
	if got, want := p.Text("#outcome"), "Paid."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// speak has the card tell the code by voice: the page plays the card's own sound,
// and nothing shows it.
func speak(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	l := open(t, lab.Mem)
	p := sit(t, b, l, window(1440, 900, 1), still())
	p.turn("by-voice")
	p.Await(".panel.blank")
	p.Click("#checkout")
	p.hears() // by itself: the page was touched
	if got, want := p.says(`document.querySelector("#paper").alt`), "The card speaks. Its display is blank."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.Glance("voice")
	p.Click("#listen")
	p.Await("#listen:not([data-playing])")
	p.Click("#listen")
	p.hears()
	first := p.says(`document.querySelector("#listen").dataset.seconds`)
	p.turn("pace-slow")
	p.turn("times-3")
	p.hears()
	if second := p.says(`document.querySelector("#listen").dataset.seconds`); second == first {
		t.Errorf("slowly and three times it takes %s s, as before", second)
	}
	p.turn("by-display")
	code := p.readCode()
	p.Await("#card:not(.speaking)")
	p.turn("by-both")
	p.Await("#listen")
	p.looks()
	p.Type("#code", code)
	p.Click("#confirm")
	p.Click("#leave")
	p.Await("#card:has(#listen[hidden])")
}

// at waits until the phone is where the page says it is, and reads that.
func (p person) at(apart string) {
	p.t.Helper()
	p.Await(chromedp.CSS(fmt.Sprintf(`.tracks:has(#distance[aria-valuetext=%q])`, apart)))
	p.shows("#apart", apart)
}

// hears waits until the page plays all that the card says now.
func (p person) hears() {
	p.t.Helper()
	s, err := p.lab.Until(within(p.t), func(s lab.State) bool { return s.Card.Voice.Speaks })
	if err != nil {
		p.t.Fatal("the card keeps silent:", err)
	}
	p.Await(chromedp.CSS(fmt.Sprintf(`#listen[data-playing][data-audio=running][data-seconds="%.2f"]`, s.Card.Voice.Seconds)))
}

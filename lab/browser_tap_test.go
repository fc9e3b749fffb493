package lab_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"sotto/bank/bankhttp/browsertest"
	"sotto/lab"
)

// TestTillInTheBrowser stands at the till, again and again, in one browser: each
// time with a lab of its own.
func TestTillInTheBrowser(t *testing.T) {
	b := browsertest.New(t)
	laptop := window(1280, 832, 1)
	for i, size := range sizes {
		t.Run("tap "+size.name, func(t *testing.T) {
			p := stand(t, b, window(size.width, size.height, size.scale))
			p.once([]string{"lab-tap.png", "lab-tap-narrow.png"}[i], size.width < 900)
		})
	}
	t.Run("pull away", func(t *testing.T) { stand(t, b, laptop, still()).pullsAway() })
	t.Run("pull by hand", func(t *testing.T) { stand(t, b, laptop).pullsByHand() })
	t.Run("try", func(t *testing.T) { stand(t, b, laptop, still()).triesAll() })
	t.Run("type", func(t *testing.T) { stand(t, b, laptop, still()).types() })
	t.Run("parts", func(t *testing.T) { stand(t, b, laptop, still()).looksAround() })
	t.Run("Chinese", func(t *testing.T) { stand(t, b, laptop, still()).readsChinese() })
}

// stand opens the page at the till.
func stand(t *testing.T, b *browsertest.Browser, options ...browsertest.Option) person {
	t.Helper()
	l := open(t, lab.Mem)
	p := person{b.Page(t, l.URL()+"/#tap", options...), t, l}
	p.Await("#till[data-face=idle]")
	return p
}

// still is for tests that have nothing to look at while things move.
func still() browsertest.Option { return browsertest.Media("prefers-reduced-motion", "reduce") }

// tap takes something, holds the phone to the reader, and waits until the till
// has said how it ended.
func (p person) tap(good, face string) {
	p.t.Helper()
	if good != "" {
		p.Click(chromedp.CSS("#good-" + good))
		p.Await("#till[data-face=ready]")
	}
	p.Click("#land")
	p.Await(chromedp.CSS("#till[data-face=" + face + "]"))
	p.looks()
}

func (p person) turn(id string) {
	p.t.Helper()
	p.Click(chromedp.CSS("#" + id))
	p.Await(chromedp.CSS("#" + id + "[aria-checked=true]"))
}

// shows checks a part of what an element says.
func (p person) shows(selector chromedp.CSS, part string) {
	p.t.Helper()
	if got := strings.ReplaceAll(p.Text(selector), "\u00a0", " "); !strings.Contains(got, part) {
		p.t.Errorf("%s: got %q, want %q", selector, got, part)
	}
}

// once takes a pot of tea, reads what the page says of it, and keeps the picture.
func (p person) once(picture string, narrow bool) {
	p.t.Helper()
	p.looks()
	p.tap("pot", "approved")
	p.Await("#counter:not(.hopping)")
	p.shows("#till-says", "Approved: Metro purse.")
	p.shows("#story", "Bus purse comes first, but has only CNY 3.00.")
	p.shows(".applet.taken .has", "CNY 95.00")
	p.shows("#at-till", "CNY 25.00")
	p.shows("#receipt-text", "APPROVED")
	p.shows(`#trace [data-name="SEND POI INFORMATION"]`, "Tells the chip the amount before anything is selected")
	p.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 2, 2))
	if narrow {
		p.says(`(() => { document.querySelector("#story").scrollIntoView(); scrollBy(0, -18); return ""; })()`)
	}
	p.Glance("approved") // when all has come to rest
	p.picture(picture)
	p.Click(`#trace [data-name="GET PROCESSING OPTIONS"] summary`)
	p.shows(`#trace [data-name="GET PROCESSING OPTIONS"] .tree`, "Amount, Authorised")
	p.looks()
}

// pullsAway pulls at the worst moment, looks at where the money is, and taps
// again.
func (p person) pullsAway() {
	p.t.Helper()
	p.turn("pull-worst")
	p.tap("pot", "again")
	p.shows("#story.doubt", "Metro purse has made its debit of CNY 25.00 final, and the till has not heard of it.")
	p.shows("#at-doubt", "CNY 25.00")
	p.shows(`#trace [data-name="READ RECORD"] .gone-of`, "its answer is lost")
	p.Shot("torn")
	p.turn("pull-no")
	p.tap("", "approved")
	p.shows("#story", "Nothing was debited again.")
	p.shows("#at-till", "CNY 25.00")
	p.Click("#do-upload")
	p.Await("#do-upload:disabled")
	p.shows("#at-settlement", "CNY 25.00")
	p.Click("#do-settle")
	p.Await("#do-settle:disabled")
	p.shows("#at-shop", "CNY 25.00")
	p.shows("#story", "Tea House was paid CNY 25.00 for 1 tap.")
	p.shows("#sum-all", "CNY 0.00")
	p.Shot("settled")
}

// pullsByHand taps slowly and presses the pad when the till is reading.
func (p person) pullsByHand() {
	p.t.Helper()
	p.turn("pull-hand")
	p.Click("#good-egg")
	p.Click("#land")
	p.Await("#till[data-face=busy] #land:enabled")
	p.shows("#land-says", "Pull it away now")
	p.Await(`#trace [data-name="SELECT PPSE"]`)
	p.Glance("by-hand")
	p.Click("#land")
	p.Await("#till[data-face=again]")
	p.shows("#story", "nothing was paid")
}

// triesAll tries what there is to try.
func (p person) triesAll() {
	p.t.Helper()
	p.tap("brick", "none")
	p.shows("#story", "opened all 4 accounts and named none")
	p.turn("class-b")
	p.tap("pot", "approved")
	p.shows("#story", "said no, unchanged (6985)")
	p.turn("class-c")
	p.turn("if-off")
	p.shows("#phone-tap-note", "Off.")
	p.tap("set", "approved")
	p.shows("#story", "The phone was off.")
	p.turn("if-cut")
	p.turn("class-a")
	p.tap("egg", "approved")
	p.Await("#do-upload:disabled")
	p.Shot("tried")

	p.Click(chromedp.CSS("#load-" + busPurse))
	p.Type("#load-amount", "30.00")
	p.Click("#load-go")
	p.Await("#story[data-kind=loaded]")
	p.shows(chromedp.CSS(`[data-aid="`+busPurse+`"] .has`), "CNY 31.00")
	p.Click(chromedp.CSS("#lock-" + busPurse))
	p.Await(chromedp.CSS(`[data-aid="` + busPurse + `"].shut`))
	p.Click(chromedp.CSS("#prefer-" + metroPurse))
	p.Await(chromedp.CSS(`#prefer-` + metroPurse + `[aria-pressed=true]`))
	p.says(`(() => { const of = document.querySelector("#policy-of"); of.value = "most-left"; of.dispatchEvent(new Event("change")); return ""; })()`)
	if _, err := p.lab.Until(within(p.t), func(s lab.State) bool { return s.SIM.Policy == "most-left" }); err != nil {
		p.t.Error("the policy was not changed:", err)
	}
}

// types types an amount, with the keys of the till and with those of the
// keyboard, and holds the phone there without a mouse.
func (p person) types() {
	p.t.Helper()
	p.says(`(() => { document.querySelector("#till").focus(); return ""; })()`)
	p.Do(chromedp.KeyEvent("1234"), chromedp.KeyEvent("\b"))
	p.shows("#till-amount", "CNY 1.23")
	for _, label := range []string{"4", "00", "C"} {
		p.says(fmt.Sprintf(`(() => { [...document.querySelectorAll(".keypad button")].find((b) => b.textContent === %q).click(); return ""; })()`, label))
	}
	p.shows("#till-amount", "CNY 0.00")
	p.Do(chromedp.KeyEvent("99"))
	p.says(`(() => { document.querySelector("#land").focus(); return ""; })()`)
	p.Do(chromedp.KeyEvent("\r"))
	p.Await("#till[data-face=approved]")
	p.shows("#till-amount", "CNY 0.99")
}

// looksAround goes from part to part: each has an address, and the one ledger
// stands below both.
func (p person) looksAround() {
	p.t.Helper()
	part := func(name string) {
		p.t.Helper()
		p.Await(chromedp.CSS("#part-" + name))
		other := map[string]string{"tap": "online", "online": "tap"}[name]
		if p.says(`String(document.querySelector("#part-`+other+`").hidden)`) != "true" {
			p.t.Errorf("%s: the other part is shown as well", name)
		}
		if got := p.says(`document.querySelector(".lead [aria-current]").id`); got != "tab-"+name {
			p.t.Errorf("%s: marked is %q", name, got)
		}
		p.Await("#moves")
		p.looks()
	}
	part("tap")
	p.Click("#tab-online")
	part("online")
	p.Await("#checkout")
	p.Do(chromedp.Navigate(p.lab.URL() + "/#nothing"))
	part("online")
	p.Click("#tab-tap")
	part("tap")
}

// readsChinese finds no sentence of the till that is left in English on the
// Chinese page.
func (p person) readsChinese() {
	p.t.Helper()
	p.Click("#lang-zh")
	p.Await("html[lang=zh-CN]")
	check := func(step string) {
		p.t.Helper()
		const foreign = `[...document.querySelectorAll("#trace .why, #trace .says, #trace .gone-of, #story, #till-says, #tries-effect, .station small, .moves .kind")]
			.map((el) => el.textContent).filter((text) => text && !/[\u4e00-\u9fff]/.test(text))`
		if got := browsertest.Eval[[]string](p.Tab, foreign); len(got) > 0 {
			p.t.Errorf("%s: not in Chinese: %q", step, slices.Compact(got))
		}
		for _, wrong := range []string{"undefined", "[object", "function", "NaN"} {
			if text := p.says(`document.body.innerText`); strings.Contains(text, wrong) {
				p.t.Errorf("%s: the page says %q", step, wrong)
			}
		}
	}
	check("at first")
	for _, class := range []string{"a", "b", "c"} {
		p.turn("class-" + class)
		p.turn("pull-worst")
		p.tap("pot", "again")
		check(class + " torn")
		p.turn("pull-no")
		p.tap("", "approved")
		check(class + " found")
		p.turn("pull-before")
		p.tap("egg", "again")
		check(class + " too early")
		p.turn("pull-no")
		p.tap("", "approved")
		check(class + " after that")
		p.tap("set", "approved")
		check(class + " online")
		p.tap("brick", "none")
		check(class + " too much")
	}
	p.Click("#do-settle")
	p.Await("#story[data-kind=settled]")
	check("settled")
	p.Shot("zh")
}

package lab_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"sotto/bank/bankhttp/browsertest"
	"sotto/lab"
)

// update rewrites the pictures of the README.
var update = flag.Bool("update", false, "rewrite docs/img/lab*.png")

const pictureMax = 320 << 10 // bytes, so that a clone stays small

// person is somebody at the page: all that is read and typed goes through the
// browser.
type person struct {
	*browsertest.Tab
	t   *testing.T
	lab *lab.Lab
}

func sit(t *testing.T, b *browsertest.Browser, l *lab.Lab, options ...browsertest.Option) person {
	t.Helper()
	p := person{b.Page(t, l.URL(), options...), t, l}
	p.Await("#checkout")
	p.Await("body[data-card=idle]")
	return p
}

func (p person) says(expression string) string {
	p.t.Helper()
	return browsertest.Eval[string](p.Tab, expression)
}

// readCode reads the code on the card as a screen reader would.
func (p person) readCode() string {
	p.t.Helper()
	p.Await("body[data-card=payment]")
	p.Await(".panel:not(.flash)")
	return p.says(`document.querySelector("#paper").alt.match(/\b\d{6,8}\b/)[0]`)
}

// looks checks what must hold at every moment: the phone has nothing on it, and
// nothing hangs over the edge of the window.
func (p person) looks() {
	p.t.Helper()
	if got := p.says(`[...document.querySelectorAll(".slab")].map((slab) => slab.textContent).join("")`); got != "" {
		p.t.Errorf("on the phone's screen: got %q, want nothing", got)
	}
	if wide := browsertest.Eval[int](p.Tab, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
		p.t.Errorf("the page is %d pixels wider than the window", wide)
	}
}

// settle brings the code's field and the card into the window, and takes the
// hand off the mouse.
func (p person) settle() {
	p.t.Helper()
	p.Do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 2, 2))
	p.says(`(() => {
		document.querySelector("#code").focus();
		if (innerWidth < 900) document.querySelector(".lid").scrollIntoView();
		return "";
	})()`)
}

// picture keeps what is in the window for the README.
func (p person) picture(name string) {
	p.t.Helper()
	var shot []byte
	p.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		shot, err = chromedp.CaptureScreenshot()(ctx, t)
		return err
	}))
	picture := small(p.t, shot)
	path := filepath.Join(p.t.ArtifactDir(), name)
	if *update {
		path = filepath.Join("..", "docs", "img", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, picture, 0o644); err != nil {
		p.t.Fatal(err)
	}
	if len(picture) > pictureMax {
		p.t.Errorf("%s has %d bytes, more than %d", name, len(picture), pictureMax)
	}
}

// small is the same picture in fewer bytes.
func small(t *testing.T, shot []byte) []byte {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// window is a viewport of this size and as fine a screen.
func window(width, height int64, scale float64) browsertest.Option {
	return func(*browsertest.Tab) chromedp.Action[chromedp.Void] {
		return chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale))
	}
}

var sizes = []struct {
	name          string
	width, height int64
	scale         float64
	picture       string
}{
	{"laptop", 1280, 880, 1.5, "lab.png"},
	{"narrow", 390, 844, 2, "lab-narrow.png"},
}

// TestShopInTheBrowser sits at the laptop, again and again, in one browser.
func TestShopInTheBrowser(t *testing.T) {
	b := browsertest.New(t)
	t.Run("pay", func(t *testing.T) { pay(t, b) })
	t.Run("switches", func(t *testing.T) { switches(t, b) })
	t.Run("pay at the bank", func(t *testing.T) { payAtTheBank(t, b) })
	t.Run("Chinese", func(t *testing.T) { chinese(t, b) })
	t.Run("links", func(t *testing.T) { links(t, b) })
	t.Run("walk", func(t *testing.T) { walk(t, b) })
	t.Run("voice", func(t *testing.T) { speak(t, b) })
}

func pay(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	for _, size := range sizes {
		t.Run(size.name, func(t *testing.T) {
			l := open(t, lab.Mem)
			p := sit(t, b, l, window(size.width, size.height, size.scale))
			p.looks()
			p.Glance("1-shelf")
			p.Click("#checkout")
			code := p.readCode()
			p.Await("#how.on")
			p.looks()
			p.settle()
			p.picture(size.picture)
			p.Glance("2-code")
			p.Type("#code", code[:3]+" "+code[3:])
			p.Click("#confirm")
			if got, want := p.Text("#outcome"), "Paid."; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			p.Await("#funds-shop.moved")
			if got, want := p.Text("#funds-shop"), "CNY 128.00"; got != want {
				t.Errorf("shop's account: got %q, want %q", got, want)
			}
			p.looks()
			p.Glance("3-paid")
			if s := l.State(); strings.Contains(p.says(`document.querySelector("#score").textContent`), s.Card.Screen.Code) {
				t.Error("the timeline shows the code")
			}
		})
	}
}

func switches(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	l := open(t, lab.Mem)
	p := sit(t, b, l, window(1280, 832, 1), still())
	turn := func(name string, on bool) {
		t.Helper()
		p.Click(chromedp.CSS("#if-" + name))
		p.Await(chromedp.CSS(fmt.Sprintf("#if-%s[aria-checked=%t]", name, on)))
	}
	shows := func(step, part string) {
		t.Helper()
		p.looks()
		p.Shot(step)
		if got := p.Text("#how-text"); !strings.Contains(got, part) {
			t.Errorf("%s: got %q, want %q", step, got, part)
		}
	}
	paid := func() {
		t.Helper()
		p.Type("#code", p.readCode())
		p.Click("#confirm")
		if got := p.Text("#outcome"); got != "Paid." {
			t.Errorf("got %q, want Paid.", got)
		}
		p.Click("#leave")
		p.Await("#checkout")
	}

	t.Run("out of reach", func(*testing.T) {
		turn("reach", true)
		p.Click("#checkout")
		p.Await(`#score [data-kind=unreached]`)
		shows("reach", "cannot find the card")
		turn("reach", false)
		p.Await("#how.on")
		paid()
	})
	t.Run("offline", func(*testing.T) {
		turn("offline", true)
		p.Click("#checkout")
		p.Await(`#score [data-kind=offline]`)
		shows("offline", "waits at the bank, sealed")
		turn("offline", false)
		p.Await("#how.on")
		paid()
	})
	t.Run("card missing", func(*testing.T) {
		turn("absent", true)
		p.Click("#checkout")
		p.Await(`#score [data-kind=unreached]`)
		p.Await("#gone")
		shows("absent", "cannot find the card")
		turn("absent", false)
		p.Await("#how.on")
		paid()
	})
	t.Run("wrong code", func(*testing.T) {
		p.Click("#checkout")
		p.readCode()
		p.Click("#if-wrong")
		p.Await(`#code[aria-invalid=true]`)
		if got, want := p.Text("#fault"), "That is not the code. 4 tries left."; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		shows("wrong", "The code is on your card.")
		paid()
	})
	t.Run("stolen", func(*testing.T) {
		turn("stolen", true)
		p.Click("#checkout")
		p.Await(`#score [data-kind=unreached]`)
		if got, want := p.Text("#verdict"), "4 keys, 16 tries. It does not open."; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got, want := p.Text("#thief-screen"), "Nothing."; got != want {
			t.Errorf("the thief sees %q, want %q", got, want)
		}
		shows("stolen", "thief’s phone")
		turn("stolen", false)
		paid()
	})
}

// payAtTheBank pays on the bank's own code page, in another tab; the lab's
// page follows.
func payAtTheBank(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	l := open(t, lab.Mem)
	p := sit(t, b, l, window(1280, 832, 1), still())
	p.Click("#checkout")
	code := p.readCode()
	bank := b.Page(t, p.says(`document.querySelector("#bank-page").href`))
	bank.Type("#code", code)
	bank.Click(".pay")
	bank.Await("#outcome")
	if got, want := p.Text("#outcome"), "Paid."; got != want {
		t.Errorf("the shop says %q, want %q", got, want)
	}
}

func chinese(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	for _, size := range sizes {
		t.Run(size.name, func(t *testing.T) {
			l := open(t, lab.Mem)
			p := sit(t, b, l, window(size.width, size.height, 1), browsertest.Media("prefers-color-scheme", "dark"))
			p.Click("#lang-zh")
			p.Await("html[lang=zh-CN]")
			p.Click("#checkout")
			code := p.readCode()
			if alt := p.says(`document.querySelector("#paper").alt`); !strings.Contains(alt, "云雾茶铺") || !strings.Contains(alt, "付款") {
				t.Errorf("the card shows %q, want payee and labels in Chinese", alt)
			}
			p.looks()
			p.Shot("zh-dark")
			p.Type("#code", code)
			p.Click("#confirm")
			if got, want := p.Text("#outcome"), "已付款。"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			for _, english := range []string{"undefined", "[object", "function"} {
				if text := p.says(`document.body.innerText`); strings.Contains(text, english) {
					t.Errorf("the page says %q", english)
				}
			}
		})
	}
}

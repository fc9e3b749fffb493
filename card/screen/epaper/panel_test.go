package epaper

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sotto/card"
	"sotto/card/screen"
	"sotto/dyncode"
	"sotto/ident"
)

func payment(code string) *screen.Layout {
	return screen.Compose(card.View{
		Scene: card.ScenePayment, Code: code, Amount: "CNY 128.00",
		Payee: strings.Repeat("Blue Kiln Ceramics 杭州青瓷 ", 8), CardID: "SC-4821", Holder: "Lin Mei",
	})
}

func open(t *testing.T, c *controller) *Panel {
	t.Helper()
	p, err := New(c, c.lines())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (c *controller) want(t *testing.T, what string, l *screen.Layout, page int) {
	t.Helper()
	want := screen.Frame{}
	if l != nil {
		want = l.Frame(page)
	}
	if got := c.sees(); !got.Equal(&want) {
		t.Errorf("%s: the glass shows something else", what)
	}
}

// What crosses the bus for one picture, byte by byte up to the picture itself.
func TestSequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newController(t)
		p := open(t, c)
		if err := p.Blank(); err != nil {
			t.Fatal(err)
		}
		got, want := strings.Join(c.log, " "), "12 01 11 44 45 3C 18 21 4E 4F 26 4E 4F 24 22 20 10"
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !c.asleep {
			t.Error("the panel was not sent to sleep")
		}
	})
}

// Pages of a view come by the short way, for the code stays where it is; what
// belongs to another view comes after the long way has taken every ghost off.
func TestPicturesArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newController(t)
		p := open(t, c)
		first, second := payment("482913"), payment("506718")
		for _, step := range []struct {
			what string
			do   func() error
			l    *screen.Layout
			page int
			by   []byte
		}{
			{"the first picture, over anything", func() error { return p.Put(first, 0) }, first, 0, []byte{0xF7, 0xFF}},
			{"its next page", func() error { return p.Put(first, 1) }, first, 1, []byte{0xFF}},
			{"another view", func() error { return p.Put(second, 0) }, second, 0, []byte{0xF7, 0xFF}},
			{"nothing", p.Blank, nil, 0, []byte{0xF7}},
			{"nothing, again", p.Blank, nil, 0, nil},
			{"a view on blank glass", func() error { return p.Put(first, 2) }, first, 2, []byte{0xFF}},
		} {
			c.refreshes = nil
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.what, err)
			}
			c.want(t, step.what, step.l, step.page)
			if !slices.Equal(c.refreshes, step.by) {
				t.Errorf("%s: got refreshes % X, want % X", step.what, c.refreshes, step.by)
			}
		}
	})
}

// powerCut runs do and reports whether the power went.
func powerCut(do func()) (lost bool) {
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case cut:
			lost = true
		default:
			panic(r)
		}
	}()
	do()
	return false
}

// The power goes at every transfer of an update in turn. The glass shows what it
// showed, blank paper or the new page, whole; and once the power is back the
// first picture is right whatever was there.
func TestPowerLostAtEveryTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := payment("482913"), payment("506718")
		for _, update := range []struct {
			name string
			l    *screen.Layout
			page int
		}{{"the next page", first, 1}, {"another view", second, 0}} {
			seen := map[string]int{}
			for at := 1; ; at++ {
				c := newController(t)
				p := open(t, c)
				if err := p.Put(first, 0); err != nil {
					t.Fatal(err)
				}
				c.transfers, c.cutAt = 0, at
				lost := powerCut(func() { _ = p.Put(update.l, update.page) })
				got := c.sees()
				what := "a part of something"
				for name, f := range map[string]screen.Frame{"old": first.Frame(0), "blank": {}, "new": update.l.Frame(update.page)} {
					if got.Equal(&f) {
						what = name
					}
				}
				seen[what]++
				if what == "a part of something" {
					t.Fatalf("%s, cut at transfer %d: the glass shows %s", update.name, at, what)
				}
				c.powerOn()
				idle := screen.Compose(card.View{CardID: "SC-4821"})
				if err := open(t, c).Put(idle, 0); err != nil {
					t.Fatal(err)
				}
				c.want(t, "after the power is back", idle, 0)
				if !lost {
					break
				}
			}
			t.Logf("%s: %v", update.name, seen)
			if seen["old"] < 10 || seen["new"] == 0 || update.l != first && seen["blank"] < 10 {
				t.Errorf("%s: got %v", update.name, seen)
			}
		}
	})
}

// A transfer fails, each in turn. The next picture is right all the same,
// although nobody knows what the glass had.
func TestTransferThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := payment("482913"), payment("506718"), payment("271828")
		for at := 1; ; at++ {
			c := newController(t)
			p := open(t, c)
			if err := p.Put(first, 0); err != nil {
				t.Fatal(err)
			}
			c.transfers, c.failAt = 0, at
			err := p.Put(second, 0)
			if err == nil {
				break
			}
			if !errors.Is(err, errBus) {
				t.Fatalf("transfer %d: got %v", at, err)
			}
			if err := p.Put(third, 0); err != nil {
				t.Fatal(err)
			}
			c.want(t, "after the bus was mended", third, 0)
		}
	})
}

// An update that failed may have come to the glass or not: either way the next
// page of the same view is not drawn over what is only believed to be there.
func TestPageAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := payment("482913")
		for at := 1; ; at++ {
			c := newController(t)
			p := open(t, c)
			if err := p.Put(l, 0); err != nil {
				t.Fatal(err)
			}
			c.transfers, c.failAt = 0, at
			if p.Put(l, 1) == nil {
				break
			}
			if err := p.Put(l, 2); err != nil {
				t.Fatal(err)
			}
			c.want(t, "the page after", l, 2)
		}
	})
}

type kept struct{}

func (kept) Save([]byte) error { return nil }

// The same from the card's side: at whatever transfer the power goes while one
// code follows another, the glass has the one, the other or none.
func TestCardWhosePowerIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		message := func(id byte, code string) []byte {
			m, err := dyncode.AppendLines(nil, ident.Raw{id}, dyncode.Lines{Lifetime: 60, Code: []byte(code), Text: [][]byte{[]byte("Pay CNY 128.00")}})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		glassOf := func(d *card.Device) screen.Frame { return screen.Render(d.View(), 0) }
		seen := [3]int{}
		for at := 1; ; at++ {
			c := newController(t)
			m := card.NewMemory(dyncode.Personalization{Card: ident.Raw{1}, Holder: "LIN MEI", Language: "en", Profile: dyncode.Plain})
			d := card.New(m, kept{}, &screen.Prompt{Panel: open(t, c)}, nil)
			d.Handle(message(1, "482913"))
			old := glassOf(d)
			c.want(t, "the first code", screen.Compose(d.View()), 0)
			c.transfers, c.cutAt = 0, at
			var answer []byte
			lost := powerCut(func() { answer = d.Handle(message(2, "506718")) })
			fresh := card.New(m, kept{}, &screen.Prompt{}, nil)
			fresh.Handle(message(2, "506718"))
			next, none, got := glassOf(fresh), screen.Frame{}, c.sees()
			switch {
			case got.Equal(&old):
				seen[0]++
			case got.Equal(&none):
				seen[1]++
			case got.Equal(&next):
				seen[2]++
			default:
				t.Fatalf("cut at transfer %d: the glass shows half a picture", at)
			}
			if !lost {
				if _, err := dyncode.ParseReceipt(answer); err != nil || !got.Equal(&next) {
					t.Errorf("without a cut: %v", err)
				}
				break
			}
		}
		t.Logf("the old code %d times, none %d, the new one %d", seen[0], seen[1], seen[2])
		if slices.Min(seen[:]) == 0 {
			t.Error("not every state was seen: the cuts did not go through the update")
		}
	})
}

// A panel that does not answer is an error in time, and the next picture begins
// anew.
func TestPanelThatStaysBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newController(t)
		p := open(t, c)
		c.silent = true
		begin := time.Now()
		if err := p.Put(payment("482913"), 0); !errors.Is(err, errBusy) {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(begin); took > busyMax+time.Second {
			t.Errorf("it took %v", took)
		}
		c.silent = false
		l := payment("506718")
		if err := p.Put(l, 0); err != nil {
			t.Fatal(err)
		}
		c.want(t, "after the panel was mended", l, 0)
	})
}

func TestPack(t *testing.T) {
	var f screen.Frame
	if got := Pack(&f); got[0] != 0xFF || got[memory-1] != 0xFF {
		t.Error("blank paper is not all ones")
	}
	f.Set(0, screen.Height-1, true)
	f.Set(3, 0, true)
	got := Pack(&f)
	if got[0] != 0x7F || got[3*16+15] != 0xFF&^(0x80>>(121%8)) {
		t.Errorf("got %02X, %02X", got[0], got[3*16+15])
	}
}

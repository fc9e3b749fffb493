package screen

import (
	"math/bits"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sotto/card"
)

// eachRune calls do for all of the first plane and samples of the others.
func eachRune(do func(r rune)) {
	for r := range rune(0x10000) {
		do(r)
	}
	for r := rune(0x10000); r <= 0x10ffff; r += 97 {
		do(r)
	}
}

func ink(rows []uint32) int {
	n := 0
	for _, row := range rows {
		n += bits.OnesCount32(row)
	}
	return n
}

func TestOnlySpaceIsBlank(t *testing.T) {
	eachRune(func(r rune) {
		c := cellOf(r)
		if got, want := ink(c.rows[:]) == 0, r == ' '; got != want {
			t.Errorf("%U: blank: got %v, want %v", r, got, want)
		}
		for _, row := range c.rows {
			if row<<c.advance != 0 {
				t.Errorf("%U: ink right of its own width of %d", r, c.advance)
			}
		}
	})
}

// A character that is not drawn as itself is drawn like no other character.
func TestBoxesAreUnique(t *testing.T) {
	seen := make(map[[cellHeight]uint32]rune)
	eachRune(func(r rune) {
		c := cellOf(r)
		if c.drawn {
			return
		}
		if other, ok := seen[c.rows]; ok {
			t.Errorf("%U looks like %U", r, other)
		}
		seen[c.rows] = r
	})
}

func TestUnseenCharactersAreBoxed(t *testing.T) {
	for r, want := range map[rune]bool{
		'A': true, '中': true, 'é': true, '¥': true, '€': true, '（': true, '›': true, ' ': true, '…': true,
		0: false, '\t': false, '\n': false, 0x1b: false, 0x7f: false, 0x85: false, 0xad: false,
		0xa0: false, 0x3000: false, 0x2003: false, // spaces that are not U+0020
		0x200b: false, 0x200d: false, 0x200e: false, 0x202e: false, 0x2066: false, 0xfeff: false, // unseen
		0xfe0f: false, 0xe000: false, 0x3164: false, 0x2028: false, 0xd800: false,
		'😀': false, '𠮷': false, '⟦': false, '⟧': false,
	} {
		if got := cellOf(r).drawn; got != want {
			t.Errorf("%U: drawn as itself: got %v, want %v", r, got, want)
		}
	}
}

func TestShown(t *testing.T) {
	got := Shown("a\u202eb 中😀\n⟦\xff")
	want := "a⟦U+202E⟧b 中⟦U+1F600⟧⟦U+000A⟧⟦U+27E6⟧⟦U+FFFD⟧"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Everyday Chinese must not come out in boxes.
func TestChineseIsCovered(t *testing.T) {
	const text = "付款收款方订单平台卡银行支付宝微信淘宝京东美团拼多多有限责任公司股份集团超市药房酒店餐饮" +
		"王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎" +
		"浩宇轩欣怡梓涵诗琪嘉怡雨桐思源晨曦睿哲珺瑶翊芮昕玥璟，。、；：？！（）《》“”‘’—…·￥％"
	for _, r := range text {
		if !cellOf(r).drawn {
			t.Errorf("%c (%U) is drawn as a box", r, r)
		}
	}
}

// Digits must be told apart at a glance and through scratches.
func TestSheetsAreWhole(t *testing.T) {
	for _, tt := range []struct {
		name          string
		sheet         map[rune]glyph
		names         string
		width, height int // 0: any
		apart         int // pixels in which two glyphs differ at least
	}{
		{"code", codeSheet(), "0123456789", 22, heroHeight, 60},
		{"amount", amountSheet(), "0123456789.,", 0, 0, 2},
		{"mark", markSheet(), "sot", 0, heroHeight, 60},
		{"picture", pictureSheet(), "cpx", 0, 0, 60},
	} {
		if got, want := len(tt.sheet), len(tt.names); got != want {
			t.Errorf("%s: got %d glyphs, want %d", tt.name, got, want)
		}
		for _, r := range tt.names {
			g := tt.sheet[r]
			if ink(g.rows) == 0 || tt.width != 0 && g.width != tt.width || tt.height != 0 && len(g.rows) != tt.height {
				t.Errorf("%s %c: got %d by %d, want %d by %d with ink", tt.name, r, g.width, len(g.rows), tt.width, tt.height)
			}
			for _, other := range tt.names {
				if d := apart(g, tt.sheet[other]); r != other && d < tt.apart {
					t.Errorf("%s %c and %c: got %d pixels apart, want %d", tt.name, r, other, d, tt.apart)
				}
			}
		}
	}
}

func apart(a, b glyph) int {
	n := 0
	for i := range max(len(a.rows), len(b.rows)) {
		var x, y uint32
		if i < len(a.rows) {
			x = a.rows[i]
		}
		if i < len(b.rows) {
			y = b.rows[i]
		}
		n += bits.OnesCount32(x ^ y)
	}
	return n
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string // lines joined by |
	}{
		{"", 60, ""},
		{"Blue Kiln", 60, "Blue Kiln"},
		{"Blue Kilns of", 60, "Blue Kilns |of"},
		{"Blue Kiln Shop", 60, "Blue Kiln |Shop"},
		{"Unbreakableness", 60, "Unbreakabl|eness"},
		{"青瓷文化有限公司", 60, "青瓷文化有|限公司"},
		{"青瓷文化有，限", 60, "青瓷文化|有，限"},
		{"青瓷文化（限", 60, "青瓷文化|（限"},
		{"买Kiln瓷", 30, "买|Kiln|瓷"},
		{"2026-04-17", 48, "2026-04-|17"},
		{"a      b", 18, "a   |   |b"},
	} {
		if got := strings.Join(slices.Collect(wrap(tt.text, tt.width)), "|"); got != tt.want {
			t.Errorf("%q in %d: got %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestWrapDropsNothingAndFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		width := rapid.IntRange(0, contentWidth).Draw(t, "width")
		lines := slices.Collect(wrap(text, width))
		if got := strings.Join(lines, ""); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		for _, line := range lines {
			got := widthOf(faceText, strings.TrimSuffix(line, " "))
			if got > width && len([]rune(line)) > 1 {
				t.Errorf("%q is %d wide, want at most %d", line, got, width)
			}
		}
	})
}

// To draw a page takes nothing from the heap, and to compose a view one object.
func TestDrawingAllocatesNothing(t *testing.T) {
	v := card.View{
		Scene: card.ScenePayment, Code: "482913", Amount: "CNY 128.00", Payee: "杭州青瓷 Blue Kiln Ceramics", CardID: "T5R6-W8Y0", Holder: "林美",
		Details: []card.Detail{{Kind: card.DetailOrder, Text: "2026-0417-8831"}, {Kind: card.DetailDescription, Text: "龙泉青瓷茶具一套（六件）"}},
	}
	l, f := Compose(v), Frame{}
	if got := testing.AllocsPerRun(20, func() { l = Compose(v) }); got != 1 {
		t.Errorf("composing: got %v allocations, want 1", got)
	}
	if got := testing.AllocsPerRun(20, func() { f = l.Frame(0) }); got != 0 {
		t.Errorf("drawing: got %v allocations, want none", got)
	}
	if ink := f.Ink(margin, 1); !ink || l.Pages() != 1 {
		t.Errorf("nothing was drawn, or %d pages", l.Pages())
	}
}

// Runs stay on the panel and never touch each other, whatever the texts are.
func TestRunsKeepToTheirPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 200, -1)
		l := Compose(card.View{
			Scene: card.Scene(rapid.IntRange(0, 5).Draw(t, "scene")), Code: text.Draw(t, "code"),
			Amount: text.Draw(t, "amount"), Payee: text.Draw(t, "payee"), Phone: text.Draw(t, "phone"),
			CardID: text.Draw(t, "card"), Holder: text.Draw(t, "holder"),
			Lines: []string{text.Draw(t, "line"), text.Draw(t, "next line")}, Language: text.Draw(t, "language"),
		})
		for page := range l.Pages() {
			runs := l.place(page, nil)
			if len(runs) > runsMax {
				t.Errorf("page %d: %d runs", page, len(runs))
			}
			y, right := 0, 0
			for _, r := range runs {
				if r.y != y {
					if r.y < y+12 {
						t.Errorf("page %d: %q stands on the line above", page, r.text)
					}
					y, right = r.y, 0
				}
				if r.x < right || r.x < margin {
					t.Errorf("page %d: %q begins at %d, inside its neighbour or margin", page, r.text, r.x)
				}
				right = r.x + widthOf(r.face, strings.TrimSuffix(r.text, " "))
				if right > Width-margin || r.y > Height-2 {
					t.Errorf("page %d: %q ends at %d, %d", page, r.text, right, r.y)
				}
			}
		}
	})
}

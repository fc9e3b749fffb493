package term_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sotto/card"
	"sotto/card/screen"
	"sotto/card/screen/term"
)

var layout = screen.Compose(card.View{Scene: card.ScenePayment, Code: "482913", Amount: "CNY 1.00", Payee: "青瓷"})

func TestDrawFitsTheColumns(t *testing.T) {
	for _, tt := range []struct{ columns, wantColumns, wantRows int }{
		{400, 250, 61}, {250, 250, 61}, {249, 125, 31}, {125, 125, 31},
	} {
		rows := strings.Split(strings.TrimSuffix(term.Draw(layout, 0, tt.columns), "\n"), "\n")
		if got := len(rows); got != tt.wantRows {
			t.Errorf("%d columns: got %d rows, want %d", tt.columns, got, tt.wantRows)
		}
		for i, row := range rows {
			if got := utf8.RuneCountInString(row); got != tt.wantColumns {
				t.Errorf("%d columns, row %d: got %d wide, want %d", tt.columns, i, got, tt.wantColumns)
			}
		}
	}
}

func TestDrawKeepsEveryPixel(t *testing.T) {
	f := layout.Frame(0)
	for y, row := range strings.Split(strings.TrimSuffix(term.Draw(layout, 0, 250), "\n"), "\n") {
		for x, r := range []rune(row) {
			got := [2]bool{r == '█' || r == '▀', r == '█' || r == '▄'}
			want := [2]bool{f.Ink(x, 2*y), f.Ink(x, 2*y+1)}
			if got != want {
				t.Fatalf("column %d, row %d: got %v, want %v", x, y, got, want)
			}
		}
	}
	inked := 0
	for _, r := range term.Draw(layout, 0, 125) {
		for bits := r - '\u2800'; bits > 0; bits &= bits - 1 {
			inked++
		}
	}
	want := 0
	for y := range screen.Height {
		for x := range screen.Width {
			if f.Ink(x, y) {
				want++
			}
		}
	}
	if inked != want {
		t.Errorf("Braille dots: got %d, want %d", inked, want)
	}
}

func TestDrawNarrowIsText(t *testing.T) {
	got := term.Draw(layout, 0, 80)
	want := "-------------\nPay  CNY 1.00\n482913\nTo  青瓷\n-------------\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

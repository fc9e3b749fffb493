package screen_test

import (
	"bytes"
	"flag"
	stdpng "image/png"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sotto/card"
	"sotto/card/screen"
	"sotto/card/screen/png"
)

var update = flag.Bool("update", false, "write the golden pictures anew; look at them before you commit")

// payment is the everyday view that the others vary.
func payment(vary func(*card.View)) card.View {
	v := card.View{
		Scene: card.ScenePayment, Code: "482913", Amount: "CNY 128.00", Payee: "Blue Kiln Ceramics",
		Details: []card.Detail{
			{Kind: card.DetailPlatform, Text: "Kiln & Co. Online"},
			{Kind: card.DetailOrder, Text: "2026-0417-8831"},
		},
		CardID: "SC-4821", Holder: "Lin Mei",
	}
	if vary != nil {
		vary(&v)
	}
	return v
}

var goldenViews = []struct {
	name string
	view card.View
}{
	{"latin", payment(nil)},
	{"chinese", payment(func(v *card.View) {
		v.Language, v.Code, v.Amount = "zh", "506718", "CNY 1,299.00"
		v.Payee, v.Holder = "杭州青瓷文化有限公司", "林美"
		v.Details = []card.Detail{
			{Kind: card.DetailPlatform, Text: "淘宝网 Taobao"},
			{Kind: card.DetailOrder, Text: "202604178831"},
			{Kind: card.DetailDescription, Text: "龙泉青瓷茶具一套（六件）"},
			{Kind: card.DetailCard, Text: "尾号 6621"},
		}
	})},
	{"mixed", payment(func(v *card.View) {
		v.Payee = "青瓷 Blue Kiln Ceramics（杭州）Co., Ltd. 西湖店 No. 12"
	})},
	{"long-payee", payment(func(v *card.View) {
		v.Payee = "The Worshipful Company of Porcelain, Stoneware and Earthenware Makers of the Eastern " +
			"Provinces, Incorporated 1893, Retail-and-Wholesale/Export Division (Second Floor)"
	})},
	{"eight-digits", payment(func(v *card.View) { v.Code, v.Amount = "90361745", "USD 12,480.50" })},
	{"largest-amount", payment(func(v *card.View) {
		v.Amount, v.Holder = "CNY 92,233,720,368,547,758.07", "Maximilian von und zu Hohenstein"
	})},
	{"hostile", payment(func(v *card.View) {
		v.Payee = "Kiln\u202eliK\u200b\u2066 e\u0301 \tPay\nTo  Friend 😀\x00\x1b[2J"
	})},
	{"no-code", card.View{Scene: card.ScenePayment}},
	{"bind", card.View{Scene: card.SceneBind, Code: "750264", Phone: "Mei's Pixel 9", CardID: "SC-4821", Holder: "Lin Mei"}},
	{"bind-chinese", card.View{Scene: card.SceneBind, Code: "750264", Phone: "林美的手机", CardID: "SC-4821", Holder: "林美", Language: "zh"}},
	{"released", card.View{Scene: card.SceneReleased, Phone: "Mei's Pixel 9", CardID: "SC-4821", Holder: "Lin Mei"}},
	{"plain-code", card.View{
		Scene: card.ScenePlain, Code: "482913", CardID: "SC-4821", Holder: "Lin Mei",
		Lines: []string{"Pay CNY 128.00", "To Blue Kiln Ceramics"},
	}},
	{"plain-message", card.View{
		Scene: card.ScenePlain, CardID: "SC-4821", Holder: "Lin Mei",
		Lines: []string{"Your card was charged CNY 128.00.", "Blue Kiln Ceramics, 17 April", "Questions? Call the number on the back."},
	}},
	{"idle", card.View{CardID: "SC-4821", Holder: "Lin Mei"}},
	{"empty", card.View{}},
}

// TestGolden compares every page with the picture, and its lines with the text,
// that somebody has looked at.
func TestGolden(t *testing.T) {
	for _, tt := range goldenViews {
		t.Run(tt.name, func(t *testing.T) {
			l := screen.Compose(tt.view)
			var text strings.Builder
			for page := range l.Pages() {
				f := l.Frame(page)
				comparePicture(t, tt.name+"-"+strconv.Itoa(page+1)+".png", &f)
				text.WriteString(strings.Join(l.Lines(page), "\n") + "\n\n")
			}
			compareText(t, tt.name+".txt", text.String())
		})
	}
}

func comparePicture(t *testing.T, name string, f *screen.Frame) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		var b bytes.Buffer
		if err := png.Encode(&b, f, 2); err != nil {
			t.Fatal(err)
		}
		writeGolden(t, path, b.Bytes())
	}
	img, err := stdpng.Decode(bytes.NewReader(readGolden(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	var want screen.Frame
	for y := range screen.Height {
		for x := range screen.Width {
			r, _, _, _ := img.At(2*x, 2*y).RGBA()
			want.Set(x, y, r == 0)
		}
	}
	if !f.Equal(&want) {
		t.Errorf("%s differs; -update writes it anew", path)
	}
}

func compareText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		writeGolden(t, path, []byte(got))
	}
	if want := string(readGolden(t, path)); got != want {
		t.Errorf("%s:\ngot\n%s\nwant\n%s", path, got, want)
	}
}

func writeGolden(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestGoldenHasNoStrays finds golden files that no view writes any more.
func TestGoldenHasNoStrays(t *testing.T) {
	var want []string
	for _, tt := range goldenViews {
		want = append(want, tt.name+".txt")
		for page := range screen.Compose(tt.view).Pages() {
			want = append(want, tt.name+"-"+strconv.Itoa(page+1)+".png")
		}
	}
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() && !slices.Contains(want, e.Name()) {
			t.Errorf("testdata/%s belongs to no view", e.Name())
		}
	}
}

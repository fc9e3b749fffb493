package screen_test

import (
	"fmt"
	"strings"

	"sotto/card"
	"sotto/card/screen"
)

func Example() {
	layout := screen.Compose(card.View{
		Scene: card.ScenePayment, Code: "482913", Amount: "CNY 128.00", Payee: "杭州青瓷 Blue\u202eKiln",
		Details: []card.Detail{
			{Kind: card.DetailPlatform, Text: "淘宝网"},
			{Kind: card.DetailOrder, Text: "202604178831"},
			{Kind: card.DetailCard, Text: "6621"},
		},
		CardID: "SC-4821", Holder: "林美", Language: "zh",
	})
	for page := range layout.Pages() {
		fmt.Println(strings.Join(layout.Lines(page), " | "))
	}
	// Output:
	// 付款  CNY 128.00 | 482913 | 收款方  杭州青瓷 Blue⟦U+202E⟧Kiln | 平台  淘宝网 | 订单  202604178831 | SC-4821  林美  1/2
	// 付款  CNY 128.00 | 482913 | 银行卡  6621 | SC-4821  林美  2/2
}

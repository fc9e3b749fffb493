package screen

import "sotto/card"

// words are the screen's own texts in one language.
type words struct {
	pay, bind, released string // titles
	noCode, message     string
	code, amount, to    string // labels
	phone, bindPhone    string
	platform, order     string
	description, card   string
	other               string
	thisCard, holder    string
	question            string // follows the phone's name
	bindNote            []string
	releasedNote        []string
}

var english = words{
	pay: "Pay", bind: "New phone", released: "Phone released",
	noCode: "No code", message: "Message",
	code: "Code", amount: "Amount", to: "To",
	phone: "Phone", bindPhone: "Bind phone",
	platform: "Platform", order: "Order", description: "For", card: "Card",
	other:    "Info",
	thisCard: "Card id", holder: "Holder",
	question:     "?",
	bindNote:     []string{"Enter this code at your bank.", "Not you? Then do nothing."},
	releasedNote: []string{"This card is bound to no phone now.", "To bind one again, ask your bank."},
}

var chinese = words{
	pay: "付款", bind: "新手机", released: "已解除绑定",
	noCode: "无验证码", message: "消息",
	code: "验证码", amount: "金额", to: "收款方",
	phone: "手机", bindPhone: "绑定手机",
	platform: "平台", order: "订单", description: "说明", card: "银行卡",
	other:    "其他",
	thisCard: "卡号", holder: "持卡人",
	question:     "？",
	bindNote:     []string{"请在银行页面输入此码。", "若非本人操作，请勿理会。"},
	releasedNote: []string{"此卡当前未绑定任何手机。", "如需重新绑定，请联系银行。"},
}

func wordsFor(language string) words {
	if language == "zh" {
		return chinese
	}
	return english
}

func (w words) detail(k card.DetailKind) string {
	switch k {
	case card.DetailPlatform:
		return w.platform
	case card.DetailOrder:
		return w.order
	case card.DetailDescription:
		return w.description
	case card.DetailCard:
		return w.card
	}
	return w.other
}

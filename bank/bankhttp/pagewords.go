package bankhttp

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sotto/bank"
	"sotto/bankapi"
)

// words are the code page's texts in one language. Exported fields are for the
// template.
type words struct {
	Lang, Other, OtherName string // of the page, and of the one to switch to

	Heading, PayTo, Via, Order, For, Card, CardEnding string
	Journey, PhoneNote                                string
	Label, HintSix, HintEight, Pay, TimeLeft          string
	OneLeft, SomeLeft, Compare                        string
	Resend, Cancel, Refresh, Back, ErrorTitle         string

	notice, unknown, later, foreign, unreadable string

	delivery map[bankapi.Delivery]string
	ended    map[bankapi.PaymentStatus]ending
	declined map[bankapi.Reason]string
	refused  map[bankapi.Reason]string
}

type ending struct{ tone, title, text string }

var english = &words{
	Lang: "en", Other: "zh", OtherName: "中文",
	Heading: "Confirm your payment", PayTo: "To", Via: "Through", Order: "Order", For: "For", Card: "Card", CardEnding: "Card ending in",
	Journey: "Way of the code", PhoneNote: "Your phone stays blank. It only passes the code on.",
	Label: "Code on your card", HintSix: "6 digits", HintEight: "8 digits", Pay: "Pay", TimeLeft: "Time left",
	OneLeft: "1 attempt left. After that the payment is declined.", SomeLeft: " attempts left.",
	Compare: "Go on only if your card shows this amount and this payee. If it does not, cancel.",
	Resend:  "Send a new code", Cancel: "Cancel payment", Refresh: "See whether anything is new", Back: "Back to", ErrorTitle: "That did not work",
	notice: "There is nothing to pay here", unknown: "The bank knows no payment at this address. Go back to the shop and start again.",
	later:      "The bank cannot answer now. Reload this page in a moment.",
	foreign:    "This form came from another site, so the bank did not look at it.",
	unreadable: "The bank cannot read what was sent. Go back and try again.",
	delivery: map[bankapi.Delivery]string{
		bankapi.DeliverySending: "Sending the code to your phone…",
		bankapi.DeliveryOnPhone: "Passing the code to your card…",
		bankapi.DeliveryOnCard:  "The code is on your card.",
		bankapi.DeliveryFailed:  "Your card did not take the code. Send a new one.",
	},
	ended: map[bankapi.PaymentStatus]ending{
		bankapi.Succeeded:  {"good", "Paid", "{amount} has gone to {payee}."},
		bankapi.Authorized: {"good", "Confirmed", "{amount} is set aside for {payee}."},
		bankapi.Declined:   {"bad", "Declined", "No money has moved."},
		bankapi.Expired:    {"calm", "The time is over", "No money has moved. Go back to the shop and start again."},
		bankapi.Canceled:   {"calm", "Cancelled", "No money has moved."},
		bankapi.Refunded:   {"calm", "Refunded", "{amount} has come back from {payee}."},
	},
	declined: map[bankapi.Reason]string{
		bankapi.TooManyAttempts:   "There were too many wrong codes. No money has moved.",
		bankapi.InsufficientFunds: "There is not enough money in the account. No money has moved.",
		bankapi.CardBlockedNow:    "The card is blocked. No money has moved.",
	},
	refused: map[bankapi.Reason]string{
		bankapi.WrongCode:        "That is not the code. Compare it with your card.",
		bankapi.Invalid:          "Type the {digits} digits that your card shows.",
		bankapi.CodeLocked:       "There were too many wrong codes on this card. It takes codes again in {wait} min.",
		bankapi.Paced:            "This card has had many codes just now. Wait {seconds} s before you ask for another.",
		bankapi.CardBlockedNow:   "The card is blocked. Call your bank.",
		bankapi.CardUnbound:      "The card is bound to no phone. Call your bank.",
		bankapi.PhoneUnavailable: "The phone of this card is no longer in use. Call your bank.",
		"":                       "The bank could not do that now. Try again in a moment.",
	},
}

var chinese = &words{
	Lang: "zh", Other: "en", OtherName: "English",
	Heading: "确认付款", PayTo: "收款方", Via: "平台", Order: "订单", For: "说明", Card: "银行卡", CardEnding: "银行卡尾号",
	Journey: "验证码的传递", PhoneNote: "手机不会显示任何内容，只负责传递。",
	Label: "卡片上显示的验证码", HintSix: "6 位数字", HintEight: "8 位数字", Pay: "支付", TimeLeft: "剩余时间",
	OneLeft: "还可尝试 1 次，再次输错将拒绝付款。", SomeLeft: " 次尝试机会。",
	Compare: "请核对卡片上的金额和收款方，一致时再继续；不一致请取消。",
	Resend:  "重新发送验证码", Cancel: "取消付款", Refresh: "刷新状态", Back: "返回", ErrorTitle: "操作未成功",
	notice: "此处没有待付款项", unknown: "银行查不到此地址对应的付款，请返回商店重新下单。",
	later:      "银行暂时无法应答，请稍后刷新本页。",
	foreign:    "此表单来自其他网站，银行未予处理。",
	unreadable: "银行无法读取所提交的内容，请返回重试。",
	delivery: map[bankapi.Delivery]string{
		bankapi.DeliverySending: "正在把验证码发送到您的手机…",
		bankapi.DeliveryOnPhone: "正在把验证码传给您的卡片…",
		bankapi.DeliveryOnCard:  "验证码已显示在您的卡片上。",
		bankapi.DeliveryFailed:  "卡片未接收验证码，请重新发送。",
	},
	ended: map[bankapi.PaymentStatus]ending{
		bankapi.Succeeded:  {"good", "付款成功", "{amount} 已付给 {payee}。"},
		bankapi.Authorized: {"good", "已确认", "已为 {payee} 预留 {amount}。"},
		bankapi.Declined:   {"bad", "付款被拒绝", "没有发生扣款。"},
		bankapi.Expired:    {"calm", "已超时", "没有发生扣款，请返回商店重新下单。"},
		bankapi.Canceled:   {"calm", "已取消", "没有发生扣款。"},
		bankapi.Refunded:   {"calm", "已退款", "{payee} 已退回 {amount}。"},
	},
	declined: map[bankapi.Reason]string{
		bankapi.TooManyAttempts:   "输错次数过多，没有发生扣款。",
		bankapi.InsufficientFunds: "账户余额不足，没有发生扣款。",
		bankapi.CardBlockedNow:    "此卡已被冻结，没有发生扣款。",
	},
	refused: map[bankapi.Reason]string{
		bankapi.WrongCode:        "验证码不正确，请与卡片核对。",
		bankapi.Invalid:          "请输入卡片上显示的 {digits} 位数字。",
		bankapi.CodeLocked:       "此卡输错次数过多，{wait} 分钟后可再试。",
		bankapi.Paced:            "此卡刚收到多个验证码，请等待 {seconds} 秒后再发送。",
		bankapi.CardBlockedNow:   "此卡已被冻结，请联系银行。",
		bankapi.CardUnbound:      "此卡未绑定手机，请联系银行。",
		bankapi.PhoneUnavailable: "此卡绑定的手机已停用，请联系银行。",
		"":                       "银行暂时无法处理，请稍后重试。",
	},
}

// AttemptsLeft warns, the last time in so many words.
func (w *words) AttemptsLeft(n int) string {
	switch {
	case n == 1:
		return w.OneLeft
	case w == chinese:
		return "还有 " + strconv.Itoa(n) + w.SomeLeft
	}
	return strconv.Itoa(n) + w.SomeLeft
}

// refusal puts an answer into the payer's words. Of a code it says that it is
// wrong, and nothing more.
func (w *words) refusal(a bank.Answer, v *payView) string {
	text, ok := w.refused[a.Reason]
	if !ok {
		text = w.refused[""]
	}
	if a.Reason == bankapi.WrongCode {
		return text + " " + w.AttemptsLeft(v.Left)
	}
	return strings.NewReplacer("{digits}", strconv.Itoa(v.Digits), "{seconds}", strconv.Itoa(a.RetryAfter),
		"{wait}", strconv.Itoa((a.RetryAfter+59)/60)).Replace(text)
}

// wordsFor chooses by ?lang=, or else by what the browser prefers.
func wordsFor(r *http.Request) *words {
	switch r.URL.Query().Get("lang") {
	case "zh":
		return chinese
	case "en":
		return english
	}
	if prefersChinese(r.Header.Get("Accept-Language")) {
		return chinese
	}
	return english
}

// prefersChinese reads Accept-Language (RFC 9110, 12.5.4): whether the first of
// the languages we have is Chinese.
func prefersChinese(header string) bool {
	type choice struct {
		language string
		q        float64
	}
	var all []choice
	for part := range strings.SplitSeq(header[:min(len(header), 200)], ",") {
		tag, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		language, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		q := 1.0
		if value, ok := strings.CutPrefix(strings.TrimSpace(weight), "q="); ok {
			if given, err := strconv.ParseFloat(value, 64); err == nil {
				q = given
			}
		}
		if q > 0 && (language == "zh" || language == "en") {
			all = append(all, choice{language, q})
		}
	}
	slices.SortStableFunc(all, func(a, b choice) int { return cmp.Compare(b.q, a.q) })
	return len(all) > 0 && all[0].language == "zh"
}

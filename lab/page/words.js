// Every word of the page, in both languages. Texts are functions where they
// speak of something. Those of the till are in wordstap.js.

import * as till from "./wordstap.js";
import * as air from "./wordsair.js";

const en = {
  tap: till.en, ...air.en,
  skip: "To the page",
  headlineTap: "One tap. The SIM finds the money.",
  subTap: "Hold the dark phone to a till. The SIM in it opens all its accounts, finds one that can pay, and pays: no app, no network, no battery.",
  till: "The till", simTitle: "The SIM in your phone", where: "Where the money is", traceTitle: "What they said", both: "One ledger", parts: "The two inventions",
  headline: "Told to the card. Not to the phone.",
  sub: "Buy some tea. The bank seals a code, the dark phone carries it past everyone without opening it, and only the card in your hand can read it.",
  laptop: "Your laptop", bank: "The bank", phone: "Your phone", card: "Your card", what: "What if…",
  crossed: "What crossed",
  crossedSub: "Every message of this payment, tapped where it left one device for the next. Open a line for its bytes. Red is sealed for the card. Small squares are pieces on the radio, dots are words about them; what hangs crooked was lost.",
  introduced: "How card and phone were introduced to each other, when this lab was made. Open a line for its bytes.",
  foot: "Bank, phone, card, SIM and till here are the real ones, in one process. The radio is a model, and the money make-believe.",
  api: "The bank’s API", state: "This page as JSON", gone: "The card is not here.",
  lost: "The page has lost the lab. Is it still running?",

  shelfNote: "Small shop, good leaves.",
  less: (name) => `One ${name} less`, more: (name) => `One ${name} more`,
  total: "Total", pay: (number) => `Pay with card ${number}`, empty: "Put something into the basket.",
  order: (id) => `Order ${id}`, by: (number) => `Card ${number}`,
  code: "Code from your card", confirm: (amount) => `Pay ${amount}`,
  resend: "New code", cancel: "Cancel", page: "At the bank instead",
  delivery: {
    sending: "The bank has sealed a code and is looking for your phone.",
    offline: "Your phone is offline. The code waits at the bank, sealed.",
    unreached: "Your phone holds it, sealed, and cannot find the card.",
    crossing: "Your phone is passing it on to the card, sealed.",
    on_phone: "Your phone holds it, sealed, and is looking for the card.",
    on_card: "The code is on your card.",
    stolen: "The thief’s phone holds it, sealed. It does not reach your card.",
    failed: "The card refused the message. Send a new code.",
  },
  left: (clock) => `${clock} left.`,
  paid: "Paid.", paidNote: (amount, payee) => `${amount} to ${payee}. The code went from the bank to your card to your eyes, and nothing else could read it.`,
  again: "Buy something else", back: "Back to the shop",
  ended: { declined: "Declined.", expired: "Time is up.", canceled: "Canceled.", refunded: "Refunded." },
  endedNote: {
    declined: "No money moved.", expired: "The code was not typed in time and is void. No money moved.",
    canceled: "The code is void. No money moved.", refunded: "The money has gone back.",
    "too-many-attempts": "Five wrong codes are enough. No money moved.",
    "insufficient-funds": "The account does not have the money.",
  },
  fault: {
    "wrong-code": (n) => (n === 1 ? "That is not the code. One try left." : `That is not the code. ${n} tries left.`),
    "too-many-attempts": () => "Too many wrong codes. The payment is declined.",
    "insufficient-funds": () => "The account does not have the money. Top it up below “The bank”.",
    paced: () => "Enough codes for this card. Wait a little.",
    "code-locked": () => "Too many wrong codes on this card. Wait a minute.",
    invalid: () => "A code is six to eight digits.",
    expired: () => "The time for this code is over. Send a new one.",
  },

  mine: "Your account", theirs: (shop) => shop, topup: "Add demo money",
  phoneDark: "The phone. Its screen is dark; there is nothing on it.",
  phoneTaken: "The phone is gone; a thief has it.",
  phoneNote: {
    idle: "Connected, within reach of the card, and dark. It will stay dark.",
    carried: "It carried the code past you. Nothing appeared, nothing was kept.",
    far: "Too far from the card. It keeps what is sealed, and tries again.",
    offline: "No network. It cannot hear the bank.",
    off: "Off. It cannot hear the bank; its SIM could still pay at a till.",
    stolen: "Somebody else has it now. See below what that is worth.",
    absent: "It looks for a card that is not here.",
  },
  cardSays: (lines) => `The card shows: ${lines.join(". ")}`,
  turn: (page, pages) => `Page ${page} of ${pages} ›`,

  switches: {
    reach: ["the phone is too far from the card", "The phone keeps the sealed message and calls the card again and again, until the code runs out. Bring it back and the code appears at once."],
    offline: ["the phone has no network", "The code waits in the bank’s outbox, sealed. When the phone is back it asks for what it has missed."],
    stolen: ["the phone is stolen", "The thief has the phone unlocked, with every file and key on it. Buy something and watch what he gets."],
    absent: ["the card is not here", "Without the card nobody reads the code. The payment waits and then expires; no money moves."],
    slow: ["slowly, to watch", "A tenth of a second for each packet on the radio, which really takes a thousandth or two. Buy something, and walk the phone away meanwhile."],
    wrong: ["you type a wrong code", "Types a code that is not the one on the card. Five of these and the payment is declined; no new code resets the count on the card."],
  },
  switchIdle: "Turn one on, then buy something.",

  thief: "What the thief holds",
  thiefSub: "This phone, unlocked and rooted: its screen, its log, its files, and the last code that came to it. All of it is read from the phone itself, now.",
  thiefScreen: "Its screen", thiefScreenNote: "Nothing.",
  thiefFiles: "Its files", thiefLog: "Its log", thiefSealed: "The last code, as it lies on the phone",
  thiefNone: "No code has come yet. Buy something.",
  thiefTries: "Every key on the phone, tried on it",
  ways: (n) => `tried ${n} ways`, opensNot: "does not open", opens: "opens",
  verdict: (keys, tries) => `${keys} keys, ${tries} tries. It does not open.`,
  verdictBad: "It opened. That must never happen: please report it.",
  keys: { "phone-key": "Key between bank and phone", "bus-seed": "Key for the bank’s bus", "key-source": "Key source of the device", pairing: "Secret shared with the card" },
  bytes: (n) => `${n} bytes`,

  lanes: { payer: "You", shop: "Shop", bank: "Bank", phone: "Phone", card: "Card" },
  scoreEmpty: "Nothing yet. Buy something.",
  what_: {
    create: "The shop asks the bank for the money.",
    resend: "The shop asks for a new code. The old one is void.",
    cancel: "The shop cancels.",
    code: "Over TLS: code and payment, sealed for the card. The phone has no key to that.",
    pair: "The bank introduces the card to the phone.",
    message: "By radio, in an envelope of the phone’s own. The card opens both and shows what is inside.",
    receipt: "The card signs that it has shown it.",
    refusal: (reason) => `The card refuses (${reason}). It shows nothing.`,
    unreached: (n) => (n > 1 ? `No card in reach. Called ${n} times.` : "No card in reach. The phone goes on calling."),
    report: "The phone passes the card’s answer back. It could not have made it up.",
    offline: "The phone is not there. The sealed code waits in the outbox.",
    typed: "You read the code on the card and type it.",
    paid: "The bank checks code, amount and payee together, and moves the money.",
    bound: "The bank trusts this phone to reach this card.",
    refused: (reason) => ({
      "wrong-code": "Wrong code. No money moves.", "too-many-attempts": "One wrong code too many. The payment is declined.",
      "insufficient-funds": "Right code, but not enough money.",
    }[reason] ?? `The bank says no (${reason}).`),
  },
  part: {
    id: "message id", kind: "kind", profile: "profile", card: "card id", until: "expires", version: "version", counter: "counter",
    "sealed-card": "sealed for the card", "sealed-phone": "sealed by the phone", "sealed-for-phone": "sealed for the phone", answer: "card’s answer", result: "result", proof: "card’s signature (MAC)", reason: "reason",
  },
};

const zh = {
  tap: till.zh, ...air.zh,
  skip: "前往页面内容",
  headlineTap: "一刷，SIM 自己找到钱。",
  subTap: "把漆黑的手机放到收银机上。里面的 SIM 打开所有账户，找到付得起的那个，付款：不用应用，不用网络，不用电池。",
  till: "收银机", simTitle: "您手机里的 SIM", where: "钱在哪里", traceTitle: "它们说了什么", both: "一本账", parts: "两项发明",
  headline: "只告诉卡片，不告诉手机。",
  sub: "买一点茶试试。银行把验证码封好，漆黑的手机原样转交，自己打不开；只有您手中的卡片能读出来。",
  laptop: "您的电脑", bank: "银行", phone: "您的手机", card: "您的卡片", what: "假如……",
  crossed: "传了什么",
  crossedSub: "本次付款的每一条消息，都在离开一台设备、进入下一台时截取。展开可看字节；红色部分是为卡片封好的。小方块是无线电上的分片，小点是相关的应答；歪的是丢失的。",
  introduced: "本实验室建立时，卡片与手机相互认识的经过。展开可看字节。",
  foot: "这里的银行、手机、卡片、SIM 和收银机都是真的，只是跑在同一个进程里；无线电是模型，钱是假的。",
  api: "银行接口文档", state: "本页的 JSON", gone: "卡片不在这里。",
  lost: "页面与实验室失去联系，它还在运行吗？",

  shelfNote: "小店，好茶。",
  less: (name) => `减少一份${name}`, more: (name) => `增加一份${name}`,
  total: "合计", pay: (number) => `用卡 ${number} 付款`, empty: "请先选一点东西。",
  order: (id) => `订单 ${id}`, by: (number) => `卡 ${number}`,
  code: "卡片上的验证码", confirm: (amount) => `支付 ${amount}`,
  resend: "重新发送", cancel: "取消", page: "改在银行页面输入",
  delivery: {
    sending: "银行已封好验证码，正在联系您的手机。",
    offline: "手机离线。验证码封好后留在银行等待。",
    unreached: "手机拿着封好的消息，但找不到卡片。",
    crossing: "手机正在把封好的消息转给卡片。",
    on_phone: "手机拿着封好的消息，正在寻找卡片。",
    on_card: "验证码已显示在您的卡片上。",
    stolen: "小偷的手机拿着封好的消息，够不到您的卡片。",
    failed: "卡片拒收了消息，请重新发送。",
  },
  left: (clock) => `剩余 ${clock}。`,
  paid: "已付款。", paidNote: (amount, payee) => `${amount}，付给${payee}。验证码从银行到卡片，再到您的眼睛，其他谁也读不到。`,
  again: "再买一点", back: "返回商店",
  ended: { declined: "已拒绝。", expired: "已超时。", canceled: "已取消。", refunded: "已退款。" },
  endedNote: {
    declined: "没有扣款。", expired: "验证码未及时输入，已作废。没有扣款。", canceled: "验证码已作废。没有扣款。", refunded: "款项已退回。",
    "too-many-attempts": "输错五次，付款已终止。没有扣款。", "insufficient-funds": "账户余额不足。",
  },
  fault: {
    "wrong-code": (n) => `验证码不对，还可再试 ${n} 次。`,
    "too-many-attempts": () => "输错次数过多，付款已拒绝。",
    "insufficient-funds": () => "账户余额不足，可在“银行”下方充值。",
    paced: () => "这张卡的验证码已发得够多，请稍候。",
    "code-locked": () => "这张卡输错次数过多，请等一分钟。",
    invalid: () => "验证码为六至八位数字。",
    expired: () => "验证码已过期，请重新发送。",
  },

  mine: "您的账户", theirs: (shop) => shop, topup: "充入演示资金",
  phoneDark: "手机。屏幕漆黑，上面什么也没有。",
  phoneTaken: "手机不见了，在小偷手里。",
  phoneNote: {
    idle: "已联网，够得着卡片，漆黑一片，并将一直如此。",
    carried: "它把验证码转交了过去：没有显示，也没有留存。",
    far: "离卡片太远。它留着封好的消息，不断重试。",
    offline: "没有网络，听不到银行。",
    off: "已关机，听不到银行；里面的 SIM 仍能在收银机上付款。",
    stolen: "现在它在别人手里。看看下面，它值什么。",
    absent: "它在找一张不在这里的卡。",
  },
  cardSays: (lines) => `卡片显示：${lines.join("；")}`,
  turn: (page, pages) => `第 ${page}/${pages} 页 ›`,

  switches: {
    reach: ["手机离卡片太远", "手机留着封好的消息，反复呼叫卡片，直到验证码过期。拿回来，验证码立刻出现。"],
    offline: ["手机没有网络", "验证码封好后留在银行的发件箱里。手机恢复联网后会主动来取。"],
    stolen: ["手机被偷", "小偷拿到了解锁的手机，以及上面的全部文件和密钥。买点东西，看看他能得到什么。"],
    absent: ["卡片不在身边", "没有卡片，谁也读不到验证码。付款会等到超时，不会扣款。"],
    slow: ["放慢，看清楚", "无线电上每个包花十分之一秒，实际只要千分之一二秒。买点东西，传到一半时拿着手机走开试试。"],
    wrong: ["您输错验证码", "输入一个与卡片不符的验证码。输错五次，付款即被拒绝；重新发送并不会清除卡的计数。"],
  },
  switchIdle: "打开一项，然后买点东西。",

  thief: "小偷手里有什么",
  thiefSub: "这部手机已解锁并取得最高权限：屏幕、日志、文件，以及最近一条验证码消息。全部内容都是此刻从手机上读出来的。",
  thiefScreen: "屏幕", thiefScreenNote: "什么也没有。",
  thiefFiles: "文件", thiefLog: "日志", thiefSealed: "最近一条验证码，原样如此",
  thiefNone: "还没有收到验证码。买点东西试试。",
  thiefTries: "用手机上的每一把密钥去试",
  ways: (n) => `试了 ${n} 种方法`, opensNot: "打不开", opens: "打开了",
  verdict: (keys, tries) => `${keys} 把密钥，${tries} 次尝试，打不开。`,
  verdictBad: "打开了。这绝不应该发生，请报告此问题。",
  keys: { "phone-key": "银行与手机之间的密钥", "bus-seed": "连接银行的密钥", "key-source": "设备的密钥源", pairing: "与卡片共享的秘密" },
  bytes: (n) => `${n} 字节`,

  lanes: { payer: "您", shop: "商店", bank: "银行", phone: "手机", card: "卡片" },
  scoreEmpty: "还没有。买点东西试试。",
  what_: {
    create: "商店向银行请求收款。",
    resend: "商店请求新的验证码，旧的作废。",
    cancel: "商店取消付款。",
    code: "经 TLS 发给手机。里面是验证码和付款信息，为卡片封好；手机没有这把钥匙。",
    pair: "银行把卡片介绍给手机。",
    message: "经无线电发给卡片，外面再套上手机自己的封套。卡片打开两层，显示验证码。",
    receipt: "卡片签字：已经显示。",
    refusal: (reason) => `卡片拒收（${reason}），什么也不显示。`,
    unreached: (n) => (n > 1 ? `附近没有卡片，已呼叫 ${n} 次。` : "附近没有卡片，手机继续呼叫。"),
    report: "手机把卡片的回执转给银行，它自己伪造不了。",
    offline: "手机不在线。封好的验证码留在发件箱里。",
    typed: "您从卡片上读出验证码并输入。",
    paid: "银行把验证码、金额和收款方放在一起核对，然后划款。",
    bound: "银行从此通过这部手机联系这张卡。",
    refused: (reason) => ({
      "wrong-code": "验证码不对，没有扣款。", "too-many-attempts": "又错一次，付款已拒绝。", "insufficient-funds": "验证码正确，但余额不足。",
    }[reason] ?? `银行拒绝（${reason}）。`),
  },
  part: {
    id: "消息编号", kind: "类型", profile: "模式", card: "卡编号", until: "有效期", version: "版本", counter: "计数器",
    "sealed-card": "为卡片封好", "sealed-phone": "由手机封好", "sealed-for-phone": "为手机封好", answer: "卡片的回执", result: "结果", proof: "卡片的签名（MAC）", reason: "原因",
  },
};

const all = { en, zh };
let spoken = "";
let now = en;

// words are those of the language in use.
export const words = () => now;

// speak changes the language of everything that is not drawn anew by itself.
export function speak(language) {
  if (language === spoken) return;
  spoken = language;
  now = all[language] ?? en;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const el of document.querySelectorAll("[data-t]")) el.textContent = now[el.dataset.t];
  for (const el of document.querySelectorAll("[data-l]")) el.setAttribute("aria-label", now[el.dataset.l]);
}

// The words about the radio between phone and card, and about the card's voice.

import { short } from "./ruler.js";

const linksEn = { best: "Nearest in reach", nfc: "NFC", rfid: "RFID", ble: "Bluetooth" };
const linksZh = { best: "够得着的最近者", nfc: "NFC", rfid: "RFID", ble: "蓝牙" };

const ms = (n) => (n < 1000 ? `${Math.round(n)} ms` : `${(n / 1000).toFixed(1)} s`);
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

export const en = {
  air: {
    title: "In between", link: "Link", distance: "Distance of the phone from the card", links: linksEn,
    away: "Walk it away", back: "Come back",
    none: "nothing crosses",
    out: (distance, link) => `${distance}, out of reach${link === "best" ? "" : ` of ${linksEn[link]}`}`,
    over: (distance, link, loss) => `${distance} by ${link}${loss ? `, ${loss} % lost` : ""}`,
    via: (a, c) => [
      `${linksEn[a.link]}, ${short(a.distance_m)}`,
      a.crossed < a.pieces ? `${a.crossed} of ${plural(a.pieces, "piece", "pieces")}` : plural(a.pieces, "piece", "pieces"),
      a.lost ? `${a.lost} of ${a.packets} packets lost` : `${plural(a.packets, "packet", "packets")}`,
      c.times > 1 ? `${c.times} tries` : "",
      a.took_ms ? ms(a.took_ms) : "",
    ].filter(Boolean).join(" · "),
    bit: (f, a) => `${{
      piece: f.number ? `piece ${f.number} of ${a.pieces}` : "a piece once more", have: "what has come", who: "which card is this", status: "is there something, is there room",
    }[f.kind]}, ${f.size} bytes${f.again ? ", sent again" : ""}${f.lost ? ", lost" : ""}`,
    lost: (a) => `Lost on the way: ${a.crossed} of ${plural(a.pieces, "piece", "pieces")} had crossed. Half a message is nothing, so the phone begins again.`,
  },
  voice: {
    by: "Your card tells you", means: { display: ["on its display"], voice: ["by voice"], both: ["both"] },
    pace: "It speaks", paces: { slow: ["slowly"], normal: ["normally"], fast: ["fast"] },
    times: "It says the code", often: { 1: ["once"], 2: ["twice"], 3: ["three times"] },
    spell: "and spells the payee", listen: "Listen", stop: "Stop", speaks: "The card speaks. Its display is blank.",
  },
};

export const zh = {
  air: {
    title: "两者之间", link: "连接方式", distance: "手机与卡片的距离", links: linksZh,
    away: "拿着走开", back: "走回来",
    none: "什么也传不过去",
    out: (distance, link) => `${distance}，${link === "best" ? "" : linksZh[link]}够不着`,
    over: (distance, link, loss) => `${distance}，${link}${loss ? `，丢失 ${loss} %` : ""}`,
    via: (a, c) => [
      `${linksZh[a.link]}，${short(a.distance_m)}`,
      a.crossed < a.pieces ? `${a.pieces} 片到了 ${a.crossed} 片` : `${a.pieces} 片`,
      a.lost ? `${a.packets} 个包丢失 ${a.lost} 个` : `${a.packets} 个包`,
      c.times > 1 ? `尝试 ${c.times} 次` : "",
      a.took_ms ? ms(a.took_ms) : "",
    ].filter(Boolean).join(" · "),
    bit: (f, a) => `${{
      piece: f.number ? `第 ${f.number} 片，共 ${a.pieces} 片` : "重发的一片", have: "已收到哪些", who: "这是哪张卡", status: "有没有数据、有没有空位",
    }[f.kind]}，${f.size} 字节${f.again ? "，重发" : ""}${f.lost ? "，丢失" : ""}`,
    lost: (a) => `途中丢失：${a.pieces} 片只到了 ${a.crossed} 片。半条消息等于没有，手机重新开始。`,
  },
  voice: {
    by: "卡片怎样告诉您", means: { display: ["屏幕显示"], voice: ["语音"], both: ["两者"] },
    pace: "语速", paces: { slow: ["慢"], normal: ["正常"], fast: ["快"] },
    times: "验证码念", often: { 1: ["一遍"], 2: ["两遍"], 3: ["三遍"] },
    spell: "并拼读收款方", listen: "听", stop: "停", speaks: "卡片正在说话，屏幕空白。",
  },
};

// The till: what stands on its display, its keys, and the pad that the phone is
// held to.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";
import { act } from "./lab.js";

export const money = (minor) => `CNY ${(minor / 100).toFixed(2)}`;

// What the shop sells over the counter, so that nobody has to type.
const goods = [["egg", 200], ["pot", 2500], ["set", 15000], ["brick", 500000]];
const most = 9_999_999;

let typed = null; // by somebody at the keys; null: nothing since the last tap
let now = null; // the newest state

// due is what would be paid now, in minor units.
function due(s) {
  if (typed !== null) return typed;
  return s.till.sale?.amount.minor ?? 0;
}

// face says what state the display is in.
function face(s) {
  if (s.tap.busy) return "busy";
  if (typed !== null) return typed > 0 ? "ready" : "idle";
  const e = s.till.ending;
  if (!e) return due(s) > 0 ? "ready" : "idle";
  if (e.again) return "again";
  return { approved: "approved", declined: "declined" }[e.outcome] ?? "none";
}

export function drawTill(s) {
  now = s;
  const w = words();
  const looks = face(s);
  keyed($("box"), [s.language], () => [
    h("div", { class: "glass", id: "display" },
      h("p", { class: "kicker" }, h("span", {}, s.shop.payee), h("span", { id: "till-order" })),
      h("p", { class: "amount", id: "till-amount" }),
      h("p", { class: "how", id: "till-how", role: "status" }, h("span", { id: "till-says" }))),
    h("div", { class: "goods", role: "group", "aria-label": w.tap.goods }, ...goods.map(([name, price]) =>
      h("button", { type: "button", "data-keep": name, id: `good-${name}`, onclick: () => type(price) }, h("span", {}, w.tap.good[name]), h("span", { class: "price" }, (price / 100).toFixed(2))))),
    h("div", { class: "deck" },
      h("div", { class: "keypad", role: "group", "aria-label": w.tap.keypad }, ...keypad(w)),
      h("button", { type: "button", class: "land", id: "land", "data-keep": "land", onclick: land },
        h("span", { class: "arcs", "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("i")), h("span", { id: "land-says" }))),
  ]);
  const shown = looks === "ready" || looks === "idle" || looks === "again" ? due(s) : s.tap.amount.minor;
  put($("till-amount"), money(shown));
  put($("till-order"), looks === "again" ? s.till.sale.order : "TILL1");
  put($("till-says"), says(s, looks));
  $("till-how").classList.toggle("on", looks === "approved");
  const till = $("till");
  till.dataset.face = looks;
  till.dataset.class = s.till.class;
  const busy = looks === "busy";
  put($("land-says"), w.tap.land[busy ? (s.tap.slow ? "pull" : "busy") : looks === "again" ? "again" : s.till.class === "c" ? "slot" : "pad"]);
  $("land").disabled = busy ? !s.tap.slow : due(s) === 0;
  for (const b of document.querySelectorAll(".goods button, .keypad button")) b.disabled = busy;
}

function keypad(w) {
  const key = (text, label, press) => h("button", { type: "button", "data-keep": `key-${text}`, "aria-label": label, onclick: press }, text);
  const digit = (d) => key(d, undefined, () => press(d));
  return [..."123456789"].map(digit).concat(key("C", w.tap.clear, clear), digit("0"), digit("00"));
}

function says(s, looks) {
  const t = words().tap;
  const e = s.till.ending;
  switch (looks) {
    case "idle": return t.says.idle;
    case "ready": return s.till.class === "c" ? t.says.insert : t.says.ready;
    case "busy": return t.says.busy;
    case "again": return t.says.again;
    case "approved": return t.says.approved(t.label(e.label));
    default: return t.says.no(t.reason[e.reason] ?? e.reason);
  }
}

// type puts an amount on the display. An amount other than that of a sale which
// is to be tried again is another sale.
function type(minor) {
  if (minor > most) return;
  typed = minor;
  if (now) drawTill(now);
}

const press = (digits) => type((typed ?? 0) * 10 ** digits.length + Number(digits));

async function clear() {
  typed = null;
  if (now?.till.sale || now?.till.ending) await act("till/new");
  else if (now) drawTill(now);
}

// land is what happens at the pad: the phone comes, or a hand pulls it away.
async function land() {
  if (now.tap.busy) {
    await act("tap/pull");
    return;
  }
  const amount = due(now);
  if (amount === 0) return;
  typed = null;
  const { pull, slow } = gesture();
  await act("tap", { amount, pull, slow });
}

// gesture is what the switches beside the till say that the hand shall do.
let gesture = () => ({ pull: "", slow: false });
export const handsAt = (f) => { gesture = f; };

$("till").addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || now?.tap.busy) return;
  if (/^\d$/.test(e.key)) press(e.key);
  else if (e.key === "Backspace") type(Math.floor((typed ?? 0) / 10));
  else return;
  e.preventDefault();
});

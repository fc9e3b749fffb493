// The shop's page on the laptop: shelf, code, and how it ended.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";
import { act } from "./lab.js";

const money = (minor) => `CNY ${(minor / 100).toFixed(2)}`;
const short = (number) => `···${number.slice(-4)}`;

export function drawShop(s) {
  const p = s.bank.payment;
  const glass = $("glass");
  if (!p) shelf(glass, s);
  else if (p.status === "awaiting_code") code(glass, s, p);
  else ended(glass, s, p);
}

function shelf(glass, s) {
  const w = words();
  const basket = Object.fromEntries(s.shop.basket.map((i) => [i.good, i.quantity]));
  keyed(glass, ["shelf", s.language, basket, s.shop.problem], () => [
    h("h3", {}, s.shop.payee),
    h("p", { class: "kicker" }, w.shelfNote),
    h("ul", { class: "shelf" }, ...s.shop.goods.map((g) => good(g, basket[g.id] ?? 0, s.language))),
    h("div", { class: "sum" }, h("span", {}, w.total), h("span", { class: "price", id: "total" }, s.shop.total.text)),
    h("p", { class: "fault", role: "alert", hidden: !s.shop.problem }, s.shop.problem ? fault(s.shop.problem) : ""),
    h("div", { class: "actions" },
      h("button", {
        type: "button", class: "go wide", id: "checkout", "data-keep": "checkout", disabled: s.shop.total.minor === 0,
        onclick: () => act("checkout"),
      }, s.shop.total.minor === 0 ? w.empty : w.pay(short(s.card.number)))),
  ]);
}

function good(g, n, language) {
  const w = words();
  const name = g.name[language];
  const set = (quantity) => () => act("basket", { good: g.id, quantity });
  return h("li", {},
    h("span", { class: "name" }, name, h("small", {}, g.note[language])),
    h("span", { class: "price" }, money(g.price)),
    h("span", { class: "steps" },
      h("button", { type: "button", "aria-label": w.less(name), "data-keep": `less-${g.id}`, disabled: n === 0, onclick: set(n - 1) }, "–"),
      h("output", {}, String(n)),
      h("button", { type: "button", "aria-label": w.more(name), "data-keep": `more-${g.id}`, disabled: n === 9, onclick: set(n + 1) }, "+")));
}

function code(glass, s, p) {
  const w = words();
  const fresh = keyed(glass, ["code", p.id, s.language], () => [
    h("div", { class: "due" },
      h("div", {}, h("h3", {}, p.payee), h("p", { class: "kicker" }, w.order(p.order))),
      h("span", { class: "price" }, money(p.amount))),
    h("p", { class: "how", id: "how", role: "status" }, h("span", { id: "how-text" })),
    h("form", { class: "code-form", autocomplete: "off", onsubmit: typed },
      h("label", { for: "code" }, w.code),
      h("input", {
        id: "code", name: "code", "data-keep": "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 10,
        spellcheck: "false", "aria-describedby": "fault",
      }),
      h("p", { class: "fault", id: "fault", role: "alert" }),
      h("div", { class: "actions" }, h("button", { class: "go wide", id: "confirm", "data-keep": "confirm" }, w.confirm(money(p.amount))))),
    h("div", { class: "actions" },
      h("button", { type: "button", class: "quiet", id: "resend", "data-keep": "resend", onclick: () => act("resend") }, w.resend),
      h("button", { type: "button", class: "quiet", id: "cancel", "data-keep": "cancel", onclick: () => act("cancel") }, w.cancel),
      h("a", { class: "quiet", href: p.code_url, target: "_blank", rel: "noopener", id: "bank-page" }, w.page)),
  ]);
  if (fresh && matchMedia("(min-width: 861px)").matches) $("code").focus({ preventScroll: true });
  put($("fault"), s.shop.problem ? fault(s.shop.problem) : "");
  $("code").setAttribute("aria-invalid", String(Boolean(s.shop.problem)));
  tick(s);
}

async function typed(e) {
  e.preventDefault();
  const field = $("code");
  const digits = field.value.replace(/\D/g, "");
  field.value = "";
  await act("confirm", { code: digits });
}

// tick says how far the code has come, and how long it lasts.
export function tick(s) {
  const p = s.bank.payment;
  if (p?.status !== "awaiting_code" || !$("how-text")) return;
  const w = words();
  const seconds = Math.max(0, Math.round((Date.parse(p.expires_at) - Date.now()) / 1000));
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  let how = p.delivery;
  if (how === "sending" && !s.phone.online) how = "offline";
  else if (how !== "on_card" && s.timeline.at(-1)?.busy) how = "crossing";
  else if (how !== "on_card" && how !== "failed" && s.phone.waiting) how = s.phone.stolen ? "stolen" : "unreached";
  $("how").classList.toggle("on", how === "on_card");
  // Screen readers need not hear every second.
  put($("how-text"), `${w.delivery[how]} ${w.left(clock)}`);
  $("how").setAttribute("aria-live", seconds % 30 === 0 ? "polite" : "off");
}

function fault(problem) {
  return words().fault[problem.reason]?.(problem.attempts_left ?? 0) ?? problem.text;
}

function ended(glass, s, p) {
  const w = words();
  const good = p.status === "succeeded" || p.status === "authorized";
  const fresh = keyed(glass, ["ended", p.id, p.status, s.language], () => h("div", { class: "end" },
    h("h3", { id: "outcome" }, good ? w.paid : w.ended[p.status]),
    h("p", { role: "status" }, good ? w.paidNote(money(p.amount), p.payee) : w.endedNote[p.reason] ?? w.endedNote[p.status]),
    h("div", { class: "actions" }, h("button", {
      type: "button", class: "go", id: "leave", "data-keep": "leave", onclick: () => act("leave"),
    }, good ? w.again : w.back))));
  if (fresh && document.activeElement === document.body) $("leave").focus({ preventScroll: true });
}

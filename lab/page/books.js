// Where the money is: at each station by the word of whoever has it, and the
// bank's ledger, which holds both worlds.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";
import { act } from "./lab.js";

export function drawBooks(s) {
  const w = words();
  const b = s.bank.balances;
  keyed($("books"), [s.language, b], () => [
    line(w.mine, b.payer), line(w.tap.float, b.float), line(w.tap.settlement, b.settlement), line(w.theirs(s.shop.payee), b.shop),
  ]);
}

const line = (name, m, id) => h("div", {}, h("dt", {}, name), h("dd", { id }, m.text));

export function drawWhere(s) {
  const t = words().tap;
  const a = s.tap.where;
  const busy = s.tap.busy;
  keyed($("stations"), [s.language, a, busy, s.till.offline], () => [
    station("payer", t.stations.payer, a.payer, null),
    station("purses", t.stations.purses, a.purses, t.verbs.load),
    a.doubt.minor !== 0 ? station("doubt", t.stations.doubt, a.doubt, t.verbs.torn) : null,
    station("till", t.stations.till, a.till, a.doubt.minor !== 0 ? t.verbs.again : t.verbs.tap),
    station("settlement", t.stations.settlement, a.settlement, verb("upload", t.verbs.upload, busy || s.till.offline || a.till.minor === 0)),
    station("shop", t.stations.shop, a.shop, verb("settle", t.verbs.settle, busy || s.till.offline || a.till.minor + a.settlement.minor === 0)),
  ]);
}

// verb is how money comes to the next station, if a button brings it.
const verb = (name, text, disabled) => h("button", {
  type: "button", class: "verb", id: `do-${name}`, "data-keep": `do-${name}`, disabled, onclick: () => act(`till/${name}`),
}, text);

function station(name, [title, note], amount, by) {
  return h("li", { class: `station${amount.minor === 0 ? " empty" : ""}`, id: `at-${name}` },
    h("span", { class: "way" }, by),
    h("span", { class: "held" }, amount.text),
    h("span", { class: "who" }, title),
    h("small", {}, note));
}

export function drawLedger(s) {
  const w = words();
  const t = w.tap;
  const b = s.bank.balances;
  put($("both-sub"), t.bothSub);
  const names = { payer: w.mine, shop: w.theirs(s.shop.payee), float: t.float, settlement: t.settlement, vault: t.vault };
  const clock = new Intl.DateTimeFormat(s.language === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  keyed($("moves"), [s.language, s.bank.moves], () => s.bank.moves.map((m) => h("li", { "data-kind": m.kind },
    h("time", { datetime: new Date(m.at).toISOString() }, clock.format(m.at)),
    h("span", { class: "ways" }, names[m.from] ?? m.from, h("i", { "aria-label": t.to }, "→"), names[m.to] ?? m.to),
    h("span", { class: "kind" }, t.kinds[m.kind === "tap" && m.from === "payer" ? "asked" : m.kind] ?? m.kind),
    h("span", { class: "held" }, m.amount.text))));
  const all = Object.keys(names).reduce((sum, name) => sum + b[name].minor, 0);
  keyed($("sums"), [s.language, b], () => [
    ...Object.keys(names).map((name) => line(names[name], b[name], `sum-${name}`)),
    h("div", { class: "all" }, h("dt", {}, t.all), h("dd", { id: "sum-all" }, `CNY ${(all / 100).toFixed(2)}`)),
  ]);
}

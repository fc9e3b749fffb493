// The timeline, as a score: one line for each party, time going down.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";
import { bits } from "./bits.js";

const lanes = ["payer", "shop", "bank", "phone", "card"];

export function drawScore(s) {
  put($("crossed-sub"), s.timeline.some((c) => c.kind === "pair") ? words().introduced : words().crossedSub);
  const open = new Set([...$("score").querySelectorAll("details[open]")].map((d) => d.dataset.number));
  keyed($("score"), [s.language, s.timeline], () => s.timeline.length === 0
    ? h("li", { class: "empty" }, words().scoreEmpty)
    : [legend(), ...s.timeline.map((c) => line(c, open.has(String(c.number))))]);
}

function legend() {
  const w = words();
  return h("li", { class: "legend", "aria-hidden": "true" }, h("span", { class: "at" }),
    h("div", { class: "lanes" }, ...lanes.map((l) => h("span", {}, w.lanes[l]))), h("span"));
}

function line(c, open) {
  const w = words();
  return h("li", { "data-kind": c.kind },
    h("span", { class: "at" }, `${c.at_ms.toFixed(1)} ms`),
    diagram(c),
    h("div", { class: "what-crossed" },
      h("span", {}, says(c)), " ",
      c.size ? h("span", { class: "size" }, w.bytes(c.size)) : null,
      c.air ? bits(c) : null,
      c.parts ? bytes(c, open) : null));
}

function diagram(c) {
  const w = words();
  const from = lanes.indexOf(c.from), to = lanes.indexOf(c.to);
  const arrow = h("span", { class: `arrow${to < from ? " left" : ""}${c.parts?.some((p) => p.sealed) ? " sealed" : ""}${c.lost || c.busy ? " lost" : ""}` });
  arrow.style.left = `calc(var(--lane) * ${Math.min(from, to) + 0.5} + 1px)`;
  arrow.style.width = `calc(var(--lane) * ${Math.abs(to - from)} - 2px)`;
  return h("div", { class: "lanes", role: "img", "aria-label": `${w.lanes[c.from]} → ${w.lanes[c.to]}` }, ...lanes.map(() => h("span")), arrow);
}

function says(c) {
  const text = words().what_[c.kind];
  if (c.lost && c.air) return words().air.lost(c.air);
  if (c.kind === "unreached") return text(c.times ?? 1);
  return typeof text === "function" ? text(c.reason) : text;
}

function bytes(c, open) {
  const w = words();
  const sealed = c.parts.find((p) => p.sealed);
  const peek = (sealed ?? c.parts.at(-1)).hex.replace(/(..)/g, "$1 ");
  return h("details", { class: "bytes", "data-number": c.number, open },
    h("summary", {}, h("span", { class: `peek${sealed ? " s" : ""}` }, peek)),
    h("dl", {}, ...c.parts.flatMap((p) => [
      h("dt", {}, w.part[p.name] ?? p.name), h("dd", { class: p.sealed ? "s" : "" }, p.hex.replace(/(.{8})/g, "$1 ")),
    ])));
}

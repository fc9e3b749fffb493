// What till, SIM and bank said during a tap, as a score: one line for each, time
// going down. Commands are told in words; their bytes open on request.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";

const lanes = ["till", "sim", "bank"];

// notes says whether the till's own notes stand between the commands.
let notes = matchMedia("(min-width: 861px)").matches;

export function drawTrace(s) {
  const t = words().tap;
  const open = new Set([...$("trace").querySelectorAll("details[open]")].map((d) => d.dataset.number));
  const first = s.tap.trace[0]?.number;
  keyed($("trace"), [s.language, s.tap.began, s.tap.trace.length, first], () => s.tap.trace.length === 0
    ? h("li", { class: "empty" }, t.traceEmpty)
    : [legend(s, t), ...timed(s.tap.trace).map((l) => row(l, open.has(String(l.number)), t))]);
  $("trace").classList.toggle("all", notes);
  keyed($("trace-sub"), [summary(s, t), notes], () => [
    document.createTextNode(summary(s, t)),
    s.tap.trace.length === 0 ? null : h("button", {
      type: "button", class: "quiet notes", id: "notes", "data-keep": "notes", "aria-pressed": String(notes),
      onclick: () => { notes = !notes; drawTrace(s); },
    }, notes ? t.notesOff : t.notesOn),
  ]);
  const paper = s.tap.busy ? "" : s.till.ending?.receipt ?? "";
  $("receipt").hidden = paper === "";
  put($("receipt-text"), paper.trimEnd());
}

// summary is what the tap takes in the field, and what the question about the
// amount costs of it.
function summary(s, t) {
  const commands = s.tap.trace.filter((l) => l.kind === "apdu");
  if (s.tap.busy || commands.length === 0) return t.traceSub;
  if (s.tap.class === "c") return t.traceContact(commands.length);
  const air = commands.reduce((sum, l) => sum + (l.air_ms ?? 0), 0);
  const poi = commands.find((l) => l.name === "SEND POI INFORMATION")?.air_ms;
  return t.traceAir(commands.length, air.toFixed(0), poi?.toFixed(1));
}

// timed adds to each command how long all until then were in the field.
function timed(trace) {
  let sum = 0;
  return trace.map((l) => {
    if (l.air_ms) sum += l.air_ms;
    return { ...l, since: l.air_ms ? sum : 0 };
  });
}

function legend(s, t) {
  return h("li", { class: "legend", "aria-hidden": "true" }, h("span", { class: "at" }, s.tap.class === "c" ? "" : t.inField),
    h("div", { class: "lanes" }, ...lanes.map((l) => h("span", {}, t.lanes[l]))), h("span"));
}

function row(l, open, t) {
  return h("li", { "data-kind": l.kind, "data-name": l.name, "data-fact": l.fact },
    h("span", { class: "at" }, l.since ? `${l.since.toFixed(1)} ms` : ""),
    diagram(l, t),
    h("div", { class: "what-crossed" }, ...text(l, open, t)));
}

const arrow = (from, to, place, lost) => {
  const el = h("span", { class: `arrow ${place}${to < from ? " left" : ""}${lost ? " lost" : ""}` });
  el.style.left = `calc(var(--lane) * ${Math.min(from, to) + 0.5} + 1px)`;
  el.style.width = `calc(var(--lane) * ${Math.abs(to - from)} - 2px)`;
  return el;
};

const dot = (lane, look) => {
  const el = h("span", { class: `dot ${look}` });
  el.style.left = `calc(var(--lane) * ${lane + 0.5})`;
  return el;
};

function diagram(l, t) {
  const marks = {
    apdu: () => [arrow(0, 1, "there", l.lost === "command"), l.lost === "command" ? null : arrow(1, 0, "back", l.lost === "answer")],
    sim: () => [dot(1, l.fact === "choice" || l.fact === "committed" ? "seal" : "")],
    bank: () => [l.fact === "asked" ? arrow(0, 2, "only") : arrow(2, 0, "only")],
    till: () => [dot(0, "small")],
    end: () => [dot(0, l.text === "approved" ? "seal" : "")],
  }[l.kind]();
  return h("div", { class: "lanes", role: "img", "aria-label": t.lanes[{ apdu: "till", end: "till" }[l.kind] ?? l.kind] }, ...lanes.map(() => h("span")), ...marks);
}

function text(l, open, t) {
  switch (l.kind) {
    case "apdu": return [h("b", {}, l.name), " ", h("span", { class: "why" }, t.english(l.why)), " ", aside(l, t), bytes(l, open, t)];
    case "sim": return [h("span", { class: "says" }, t.fact(l.fact, t.label(l.applet), t.reason[l.reason] ?? l.reason))];
    case "bank": return [h("span", { class: "says" }, t.bankSays[l.fact] ?? l.fact)];
    case "end": return [h("b", {}, t.outcome[l.text] ?? l.text), " ", h("span", { class: "why" }, t.reason[l.reason] ?? l.reason)];
    default: return [h("span", { class: "says" }, t.english(l.text))];
  }
}

function aside(l, t) {
  if (l.lost) return h("span", { class: "gone-of" }, t.lost[l.lost]);
  if (l.meaning) return h("span", { class: "gone-of" }, `${l.status}: ${t.status[l.status] ?? l.meaning}.`);
  return l.air_ms ? h("span", { class: "size" }, t.air(l.air_ms.toFixed(1))) : null;
}

// spaced is hex in groups of four bytes.
const spaced = (hex) => hex.replace(/(.{8})(?=.)/g, "$1 ");

function bytes(l, open, t) {
  return h("details", { class: "bytes", "data-number": l.number, open },
    h("summary", {}, h("span", { class: "peek" }, l.command.replace(/(..)(?=.)/g, "$1 "))),
    h("div", { class: "apdu-of" },
      h("p", { class: "raw" }, h("i", {}, t.command), h("code", {}, spaced(l.command))),
      tree(l.sent),
      h("p", { class: "raw" }, h("i", {}, t.answer), h("code", {}, l.lost === "command" || !l.status ? "–" : `${spaced(l.answer ?? "")} ${l.status}`)),
      tree(l.received)));
}

function tree(data) {
  if (!data?.length) return null;
  return h("ul", { class: "tree" }, ...data.map((d) => h("li", {},
    d.tag ? h("code", {}, d.tag) : null, h("span", {}, d.name), d.value ? value(d.value) : null, tree(d.parts))));
}

// value is what a data object holds; long bytes in groups.
const value = (text) => (/^[0-9A-F*]{17,}$/.test(text) ? h("span", { class: "value hex" }, spaced(text)) : h("span", { class: "value" }, text));

// The SIM with its applets, as their holder sees them.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";
import { act } from "./lab.js";

let loading = null; // AID of the purse whose form is open

const icon = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
};

const policies = ["preferred", "best-fit", "most-left", "fixed"];

export function drawWallet(s) {
  const t = words().tap;
  keyed($("policy"), [s.language, s.sim.policy], () => [
    h("label", { for: "policy-of" }, t.policy),
    h("select", { id: "policy-of", "data-keep": "policy", onchange: (e) => act("sim/policy", { policy: e.target.value }) },
      ...policies.map((p) => h("option", { value: p, selected: p === s.sim.policy }, t.policies[p]))),
  ]);
  const chosen = chosenOf(s);
  keyed($("applets"), [s.language, s.sim.applets, chosen, loading, s.tap.busy], () => s.sim.applets.map((a) => row(a, chosen, s)));
}

// chosenOf is the label of the applet that the last tap has come to.
function chosenOf(s) {
  const fact = s.tap.trace.findLast((l) => l.kind === "sim" && (l.fact === "choice" || l.fact === "offered" || l.fact === "online" || l.fact === "committed"));
  return fact?.applet ?? (s.tap.story?.kind === "recovered" ? s.tap.story.chosen : undefined);
}

function row(a, chosen, s) {
  const t = words().tap;
  const name = t.label(a.label);
  const taken = a.label === chosen;
  const busy = s.tap.busy;
  const button = (id, look, label, on, press) => h("button", {
    type: "button", class: "tool", id: `${id}-${a.aid}`, "data-keep": `${id}-${a.aid}`, title: label, "aria-label": `${name}: ${label}`,
    "aria-pressed": on === null ? null : String(on), disabled: busy, onclick: press,
  }, icon(look));
  return h("li", { class: `applet${taken ? " taken" : ""}${a.usable ? "" : " shut"}`, "data-label": a.label, "data-aid": a.aid },
    h("i", { class: "mark-of", "aria-hidden": "true" }),
    h("span", { class: "name" }, name, h("small", {}, notes(a).join(t.and))),
    h("span", { class: "has" }, a.available.text),
    h("span", { class: "tools" },
      button("prefer", "star", a.preferred ? t.unprefer : t.prefer, a.preferred, () => act("sim/prefer", { applet: a.preferred ? "" : a.aid })),
      button("lock", a.locked ? "lock" : "unlock", a.locked ? t.unlock : t.lock, a.locked, () => act("sim/lock", { applet: a.aid, on: !a.locked })),
      a.kind === "purse"
        ? button("load", "plus", t.topUp, null, () => { loading = loading === a.aid ? null : a.aid; drawWallet(s); $("load-amount")?.focus(); })
        : h("span", { class: "tool none" })),
    loading === a.aid ? form(a) : null);
}

function notes(a) {
  const t = words().tap;
  const list = [];
  if (a.torn) list.push(t.torn);
  else if (a.locked) list.push(t.locked);
  else if (a.expired) list.push(t.expired);
  else if (a.blocked) list.push(t.blocked);
  else if (a.kind === "account") list.push(t.atBank);
  else if (a.preferred) list.push(t.first);
  if (a.kind === "purse" && !a.torn && a.tap_max.minor < a.most.minor) list.push(t.tapMax(a.tap_max.text));
  list.push(`••\u00a0${a.number.slice(-4)}`);
  return list;
}

// form asks how much a purse is to be loaded with.
function form(a) {
  const t = words().tap;
  return h("form", {
    class: "load", onsubmit: async (e) => {
      e.preventDefault();
      const minor = Math.round(Number(e.target.elements.amount.value) * 100);
      loading = null;
      await act("sim/load", { applet: a.aid, amount: minor });
    },
  },
  h("label", { for: "load-amount" }, t.loadLabel),
  h("input", { id: "load-amount", name: "amount", "data-keep": "load-amount", type: "number", inputmode: "decimal", min: "0.01", max: "10000", step: "0.01", value: "20.00", required: true, onfocus: (e) => e.target.select() }),
  h("button", { class: "go", id: "load-go", "data-keep": "load-go" }, t.loadGo));
}

export function drawPhoneAtTill(s) {
  const t = words().tap;
  const slab = $("slab-tap");
  slab.classList.toggle("off", s.switches.off);
  slab.classList.toggle("there", s.tap.busy);
  slab.setAttribute("aria-label", words().phoneDark);
  put($("phone-tap-note"), s.switches.off ? t.phone.off : s.tap.busy ? t.phone.there : t.phone.idle);
}

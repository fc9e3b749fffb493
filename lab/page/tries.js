// What the visitor may try at the till: another reader, a phone that is off, a
// till without a network, and a hand that pulls the phone away.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";
import { act } from "./lab.js";
import { choice } from "./choice.js";
import { handsAt } from "./till.js";

let pull = "";
let slow = false;
let last = "class"; // what was touched last: its effect is explained

handsAt(() => ({ pull: pull === "hand" ? "" : pull, slow: slow || pull === "hand" }));

export function drawTries(s) {
  const t = words().tap;
  keyed($("tries"), [s.language, s.till.class, s.switches.off, s.switches.cut, pull, slow, last], () => [
    choice("class", t.classTitle, t.classes, s.till.class, (to) => { last = "class"; act("till/reader", { class: to }); }),
    choice("pull", t.pullTitle, t.pulls, pull, (to) => { last = "pull"; pull = to; drawTries(s); }),
    h("div", { class: "switches" },
      flip("off", t.off, s.switches.off, (on) => act("switch", { switch: "off", on })),
      flip("cut", t.cut, s.switches.cut, (on) => act("switch", { switch: "cut", on })),
      flip("slow", t.slow, slow, (on) => { slow = on; drawTries(s); })),
    h("p", { class: "effect", id: "tries-effect", role: "status" }),
  ]);
  put($("tries-effect"), effect(s, t));
}

function effect(s, t) {
  switch (last) {
    case "class": return t.classes[s.till.class][1];
    case "pull": return t.pulls[pull][1];
    case "off": return t.off[1];
    case "cut": return t.cut[1];
    default: return t.slow[1];
  }
}

function flip(name, [label], on, turn) {
  return h("button", {
    type: "button", class: "switch", role: "switch", id: `if-${name}`, "data-keep": name, "aria-checked": String(on),
    onclick: () => { last = name; turn(!on); },
  }, h("i"), h("span", {}, label));
}

// What if: switches, and a hand that types a wrong code.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";
import { act } from "./lab.js";

let last = null; // the switch that was touched last

export function drawSwitches(s) {
  const w = words();
  const { reach, offline, stolen, absent } = s.switches;
  const on = { reach, offline, stolen, absent };
  keyed($("switches"), s.language, () => [
    ...Object.keys(on).map((name) => h("button", {
      type: "button", class: "switch", role: "switch", id: `if-${name}`, "data-keep": name,
      onclick: (e) => {
        last = name;
        act("switch", { switch: name, on: e.currentTarget.getAttribute("aria-checked") !== "true" });
      },
    }, h("i"), h("span", {}, w.switches[name][0]))),
    h("button", {
      type: "button", class: "switch press", id: "if-wrong", "data-keep": "wrong",
      onclick: () => {
        last = "wrong";
        act("confirm", { wrong: true });
      },
    }, h("i"), h("span", {}, w.switches.wrong[0])),
    h("button", {
      type: "button", class: "switch", role: "switch", id: "if-slowly", "data-keep": "slowly",
      onclick: (e) => {
        last = "slow";
        act("air/slow", { on: e.currentTarget.getAttribute("aria-checked") !== "true" });
      },
    }, h("i"), h("span", {}, w.switches.slow[0])),
    h("p", { class: "effect", id: "effect", role: "status" }),
  ]);
  for (const [name, value] of Object.entries(on)) $(`if-${name}`).setAttribute("aria-checked", String(value));
  $("if-slowly").setAttribute("aria-checked", String(Boolean(s.air.slow)));
  $("if-wrong").disabled = s.bank.payment?.status !== "awaiting_code";
  const active = on[last] || last === "wrong" || (last === "slow" && s.air.slow) ? last : Object.keys(on).find((name) => on[name]);
  put($("effect"), active ? w.switches[active][1] : w.switchIdle);
}

// What a thief gets: read from the phone itself.

import { $, h, keyed } from "./dom.js";
import { words } from "./words.js";

export function drawThief(s) {
  const loot = s.phone.thief;
  const el = $("thief");
  el.hidden = !loot;
  if (!loot) return;
  const w = words();
  keyed(el, [s.language, loot], () => [
    h("h2", { id: "thief-title" }, w.thief),
    h("p", {}, w.thiefSub),
    h("div", { class: "cols" },
      h("div", {}, h("h3", {}, w.thiefScreen), h("div", { class: "slab", role: "img", "aria-label": w.phoneDark }, h("span", { class: "lens" })), h("p", { id: "thief-screen" }, loot.screen || w.thiefScreenNote)),
      h("div", {},
        h("h3", {}, w.thiefSealed), ...sealed(loot.sealed)),
      h("div", {},
        h("h3", {}, w.thiefFiles), h("ul", { class: "files" }, ...loot.files.map(file)),
        h("h3", {}, w.thiefLog), h("div", { class: "log", tabindex: "0", "aria-label": w.thiefLog }, loot.log.join("\n")))),
  ]);
}

function sealed(message) {
  const w = words();
  if (!message) return [h("p", {}, w.thiefNone)];
  const tries = message.keys.reduce((n, k) => n + k.ways, 0);
  return [
    h("div", { class: "hex", tabindex: "0", "aria-label": w.thiefSealed }, message.hex.replace(/(.{8})/g, "$1 ")),
    h("h3", {}, w.thiefTries),
    h("ul", { class: "tries" }, ...message.keys.map((k) => h("li", {},
      h("span", {}, w.keys[k.key] ?? k.key), h("b", {}, k.opened ? w.opens : w.opensNot)))),
    h("p", { class: "verdict", id: "verdict" }, message.opened ? w.verdictBad : w.verdict(message.keys.length, tries)),
  ];
}

function file(f) {
  return h("li", {}, h("code", {}, f.name), " ", words().bytes(f.size), h("small", {}, [f.mode, ...f.holds].join("  ")));
}

// How the card tells its holder: by its display, by its voice, or by both.

import { $, h, keyed } from "./dom.js";
import { words } from "./words.js";
import { act } from "./lab.js";
import { choice } from "./choice.js";

export function drawTells(s) {
  const w = words().voice;
  const now = s.card.presents;
  const set = (change) => act("card/present", { ...now, ...change });
  keyed($("tells"), [s.language, now], () => [
    choice("by", w.by, w.means, now.by, (by) => set({ by })),
    ...now.by === "display" ? [] : [
      choice("pace", w.pace, w.paces, now.pace, (pace) => set({ pace })),
      choice("times", w.times, w.often, String(now.times), (times) => set({ times: Number(times) })),
      h("button", {
        type: "button", class: "switch", role: "switch", id: "if-spell", "data-keep": "spell", "aria-checked": String(now.spell),
        onclick: () => set({ spell: !now.spell }),
      }, h("i"), h("span", {}, w.spell)),
    ],
  ]);
}

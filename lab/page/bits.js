// The packets of one message: on the timeline, and on their way over the stage.

import { h } from "./dom.js";
import { words } from "./words.js";

// look is how a packet looks: a piece of what is sealed, of an answer, or a word.
function look(f) {
  const kind = f.kind === "piece" ? "piece" : "word";
  return `bit ${kind}${f.from === "card" ? " back" : ""}${f.lost ? " lost" : ""}`;
}

// bits are the marks on the timeline, one for each packet.
export function bits(c) {
  const w = words().air;
  const a = c.air;
  return h("div", { class: "via" },
    h("p", {}, w.via(a, c)),
    h("p", { class: "bits", "aria-hidden": "true" },
      a.before ? h("span", { class: "size" }, `+${a.before}`) : null,
      ...a.fragments.map((f) => h("i", { class: look(f), title: w.bit(f, a) }))));
}

// parts of a flight, as shares of the way.
const falls = 0.5;

// launch sends packets over the stage, one after the other, and returns when the
// last has set out; all of them land later.
export async function launch(stage, list, from, to, slow) {
  const flights = [];
  const gap = slow ? 105 : Math.min(48, Math.max(7, 1100 / list.length));
  for (const f of list) {
    flights.push(fly(stage, f, ...(f.from === "phone" ? [from, to] : [to, from])));
    await new Promise((done) => setTimeout(done, gap));
  }
  return Promise.all(flights);
}

async function fly(stage, f, from, to) {
  const el = h("i", { class: `${look(f)} flying` });
  stage.append(el);
  // Neighbours fly beside each other.
  const side = ((f.number ?? 0) % 5 - 2) * 5;
  const at = (k, dx = 0, dy = 0) => `translate(${from.x + (to.x - from.x) * k + side + dx}px, ${from.y + (to.y - from.y) * k + dy}px)`;
  const path = f.lost
    ? [
      { transform: `${at(0.06)} scale(.5)`, opacity: 0 },
      { transform: at(0.15), opacity: 1, offset: 0.15 },
      { transform: at(falls), opacity: 1, offset: 0.45 },
      { transform: `${at(falls, side < 0 ? -26 : 26, 70)} rotate(140deg)`, opacity: 0 },
    ]
    : [
      { transform: `${at(0.06)} scale(.5)`, opacity: 0 },
      { transform: at(0.18), opacity: 1, offset: 0.2 },
      { transform: at(0.88), opacity: 1, offset: 0.82 },
      { transform: `${at(1)} scale(.5)`, opacity: 0 },
    ];
  const ms = f.lost ? 620 : 340;
  const flight = el.animate(path, { duration: ms, easing: f.lost ? "ease-in" : "cubic-bezier(.45,.05,.3,1)" });
  // A window that draws no frames never ends a flight; the card waits for none.
  await Promise.race([flight.finished, new Promise((done) => setTimeout(done, ms + 80))]);
  el.remove();
}

// What lies between phone and card: how far they are from each other, which links
// reach so far, and which of them is to carry.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";
import { act } from "./lab.js";
import { steps } from "./choice.js";
import { metres, place, short } from "./ruler.js";

const marks = [0.01, 0.1, 1, 10];
const percent = (at) => `${(100 * at).toFixed(2)}%`;

let held = false; // somebody has the phone in his hand
let asked = null; // where he wants it next
let asking = false;

// bring takes the phone somewhere, one request after another.
async function bring(m) {
  asked = m;
  if (asking) return;
  asking = true;
  while (asked !== null) {
    const to = asked;
    asked = null;
    await act("air/distance", { distance_m: to });
  }
  asking = false;
}

export function drawAir(s) {
  const w = words().air;
  const names = ["best", ...s.air.links.map((l) => l.name)];
  keyed($("air"), [s.language, s.air.link, s.air.links.map((l) => l.name)], () => [
    h("header", {},
      h("h2", { class: "over", id: "air-title" }, w.title),
      h("p", { class: "apart", id: "apart" }),
      h("button", { type: "button", class: "quiet", id: "walk", "data-keep": "walk", onclick: walk })),
    h("div", { class: "ruler" },
      h("div", { class: "links", role: "radiogroup", "aria-label": w.link, onkeydown: steps("link", names, s.air.link, choose) },
        ...names.map((name) => h("button", {
          type: "button", role: "radio", id: `link-${name}`, "data-keep": `link-${name}`,
          "aria-checked": String(name === s.air.link), tabindex: name === s.air.link ? "0" : "-1", onclick: () => choose(name),
        }, w.links[name]))),
      h("div", { class: "tracks", id: "tracks" },
        ...marks.map(mark), ...s.air.links.map(track), h("i", { class: "here" }),
        h("input", {
          type: "range", id: "distance", min: "0", max: "1000", step: "1", "aria-label": w.distance, "data-keep": "distance",
          oninput: (e) => bring(Math.round(1000 * metres(e.target.value / 1000)) / 1000),
          onpointerdown: () => { held = true; }, onpointerup: () => { held = false; }, onpointercancel: () => { held = false; },
        }))),
  ]);
  walkable(s);
  put($("apart"), apart(s));
  const at = place(s.air.distance_m);
  $("tracks").style.setProperty("--here", percent(at));
  const slider = $("distance");
  if (!held) slider.value = String(Math.round(1000 * at));
  slider.setAttribute("aria-valuetext", apart(s));
  const carried = new Set(s.timeline.filter((c) => c.air && !c.lost).map((c) => c.air.link));
  for (const l of s.air.links) {
    const el = $(`track-${l.name}`);
    el.classList.toggle("out", !l.in_reach);
    el.classList.toggle("off", s.air.link !== "best" && s.air.link !== l.name);
    el.classList.toggle("using", s.air.using === l.name);
    el.classList.toggle("lit", Boolean(s.bank.payment) && carried.has(l.name));
  }
}

const choose = (name) => act("air/link", { link: name });

// mark is a line of the ruler.
const mark = (m) => {
  const el = h("span", { class: "tick" }, h("small", {}, short(m)));
  el.style.left = percent(place(m));
  return el;
};

// track is how far a link reaches: whole as long as nothing is lost, and then
// fading out.
const track = (l, i) => {
  const el = h("span", { class: "track", id: `track-${l.name}` });
  el.style.setProperty("--row-of", String(i + 1));
  el.style.setProperty("--clear", percent(place(l.clear_m)));
  el.style.setProperty("--range", percent(place(l.range_m)));
  return el;
};

const leaving = (s) => s.air.walking === "away" || (!s.air.walking && Boolean(s.air.away));

function walkable(s) {
  const w = words().air;
  $("walk").dataset.away = String(!leaving(s));
  put($("walk"), leaving(s) ? w.back : w.away);
}

const walk = (e) => act("air/walk", { away: e.currentTarget.dataset.away === "true" });

// apart says how far, and what that means.
function apart(s) {
  const w = words().air;
  const l = s.air.links.find((x) => x.name === s.air.using);
  if (s.switches.reach || s.switches.stolen || s.switches.absent || s.switches.off) return w.none;
  if (!l) return w.out(short(s.air.distance_m), s.air.link);
  return w.over(short(s.air.distance_m), w.links[l.name], Math.round(100 * l.loss));
}

// away is how far the phone has gone on the stage, from 0 in one room to 1.
export const away = (s) => Math.max(0, (place(s.air.distance_m) - 0.75) / 0.25);

// beside is how near it is to the card, from 1 when they touch to 0.
export const beside = (s) => Math.max(0, 1 - place(s.air.distance_m) / 0.25);

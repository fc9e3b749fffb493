// The page of the lab: it draws the state that the lab sends, and posts what the
// person does. It keeps no state of its own but the order of its motions.

import { $, put } from "./dom.js";
import { speak, words } from "./words.js";
import { drawShop, tick } from "./shop.js";
import { drawBank, drawPhone, drawCard, fitPanel } from "./devices.js";
import { drawSwitches } from "./switches.js";
import { drawScore } from "./score.js";
import { drawThief } from "./thief.js";
import { drawWires, landed, travel } from "./motion.js";
import { drawAir } from "./air.js";
import { drawTells } from "./tells.js";
import { drawVoice } from "./voice.js";
import { part, show } from "./parts.js";
import { drawTill } from "./till.js";
import { drawTries } from "./tries.js";
import { drawPhoneAtTill, drawWallet } from "./wallet.js";
import { drawStory } from "./story.js";
import { drawBooks, drawLedger, drawWhere } from "./books.js";
import { drawTrace } from "./trace.js";
import { crossing, drawField, hop } from "./tapmotion.js";

let state = null; // the newest
let moving = false;
const queue = []; // what has crossed and was not shown crossing yet
let hopping = false;
const hops = []; // of the trace, likewise

// act posts to the lab and draws its answer.
export async function act(path, body = {}) {
  try {
    const answer = await fetch(`/lab/${path}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const result = await answer.json();
    if (!answer.ok) throw new Error(result.error);
    toast("");
    take(result);
  } catch (err) {
    toast(err instanceof TypeError ? words().lost : err.message);
  }
}

function toast(text) {
  $("toast").hidden = text === "";
  put($("toast"), text);
}

// take draws a state. What has crossed since the last one is shown crossing, and
// the card changes only when it has arrived: so the eye can follow.
async function take(next) {
  if (state && next.look < state.look) return; // overtaken by a newer one
  if (state) queue.push(...fresh(state, next));
  if (state && part() === "tap" && !next.tap.slow) hops.push(...said(state, next));
  state = next;
  speak(next.language);
  draw(next);
  follow();
  if (moving) return;
  moving = true;
  while (queue.length > 0) {
    await travel(queue.shift(), state.air.slow);
    if (queue.length === 0) await landed();
  }
  moving = false;
  drawCard(state);
  drawVoice(state);
  drawWires(state);
}

// fresh is what has crossed since before, and of what crosses by radio the packets.
function fresh(before, next) {
  const known = new Map(before.began === next.began ? before.timeline.map((c) => [c.number, c]) : []);
  return next.timeline.flatMap((c) => {
    const was = known.get(c.number);
    if (!c.air) return was ? [] : [c];
    const n = c.air.packets - (was?.air?.packets ?? 0);
    return n > 0 ? [{ ...c, bits: c.air.fragments.slice(-n) }] : [];
  });
}

// said is what was said since before, at the till.
function said(before, next) {
  const known = before.tap.began === next.tap.began ? before.tap.trace.length : 0;
  return next.tap.trace.slice(known);
}

// follow shows a tap as it goes, and how it ended only then.
async function follow() {
  crossing(state);
  if (hopping) return;
  hopping = true;
  if (hops.length > 0) reading(state);
  while (hops.length > 0) await hop(hops.shift());
  $("counter").classList.remove("hopping");
  hopping = false;
  drawTap(state);
}

// reading is the till while messages are shown that have long been read.
function reading(s) {
  const now = { ...s, tap: { ...s.tap, busy: true, slow: false } };
  $("counter").classList.add("hopping");
  drawTill(now);
  drawPhoneAtTill(now);
}

function drawTap(s) {
  drawTill(s);
  drawTries(s);
  drawWallet(s);
  drawPhoneAtTill(s);
  drawStory(s);
  drawBooks(s);
  drawWhere(s);
  drawTrace(s);
  drawField(s);
}

function draw(s) {
  drawLedger(s);
  drawShop(s);
  drawBank(s);
  drawPhone(s);
  drawAir(s);
  drawSwitches(s);
  drawTells(s);
  drawScore(s);
  drawThief(s);
  drawWires(s);
  for (const l of ["en", "zh"]) $(`lang-${l}`).setAttribute("aria-pressed", String(s.language === l));
}

for (const l of ["en", "zh"]) $(`lang-${l}`).addEventListener("click", () => act("language", { language: l }));
$("turn").addEventListener("click", () => act("card/page"));
$("slab").addEventListener("transitionend", () => state && drawWires(state)); // it has come to rest elsewhere
new ResizeObserver(() => {
  fitPanel();
  if (state) drawWires(state);
}).observe($("stage"));
new ResizeObserver(() => state && drawField(state)).observe($("counter"));
setInterval(() => state && tick(state), 500);

show();
addEventListener("hashchange", () => {
  show();
  if (!state) return;
  draw(state);
  drawTap(state);
  fitPanel();
});

const events = new EventSource("/lab/events");
events.onopen = () => {
  if (state) state.look = 0; // it may be another lab, which counts from the beginning
};
events.onmessage = (e) => {
  toast("");
  take({ ...JSON.parse(e.data), look: Number(e.lastEventId) });
};
events.onerror = () => toast(words().lost);

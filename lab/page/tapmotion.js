// Motion at the till: messages hop between the reader and the SIM, and the field
// lights up.

import { $ } from "./dom.js";

const still = () => document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches;

function middle(el) {
  const a = el.getBoundingClientRect(), b = $("counter").getBoundingClientRect();
  return { x: a.left + a.width / 2 - b.left, y: a.top + a.height / 2 - b.top };
}

async function fly(from, to, look, ms) {
  const el = document.createElement("div");
  el.className = look;
  $("counter").append(el);
  const at = (p) => `translate(${p.x}px, ${p.y}px)`;
  const flight = el.animate([{ transform: at(from), opacity: 1 }, { transform: at(to), opacity: 1 }], { duration: ms, easing: "ease-in-out" });
  await Promise.race([flight.finished, new Promise((done) => setTimeout(done, ms + 60))]);
  el.remove();
}

const ends = () => ({ till: middle($("land")), sim: middle($("simcard").querySelector(".pad")) });

// hop shows one line of the trace.
export async function hop(l) {
  if (still() || !$("land")) return;
  if (l.kind === "sim") {
    for (const row of document.querySelectorAll("#applets .applet")) row.classList.toggle("opened", l.fact === "choice");
    await new Promise((done) => setTimeout(done, l.fact === "choice" ? 380 : 60));
    for (const row of document.querySelectorAll("#applets .applet")) row.classList.remove("opened");
    return;
  }
  if (l.kind !== "apdu") return;
  const { till, sim } = ends();
  await fly(till, sim, "packet hop", 95);
  if (l.lost !== "command") await fly(sim, till, "packet back hop", 95);
}

// crossing shows one message at a pace that can be followed; it is drawn anew for
// each, and nobody waits for it.
let shown = "";
export function crossing(s) {
  const now = s.tap.busy ? `${s.tap.trace.length} ${s.tap.crossing ?? ""}` : "";
  if (now === shown) return;
  shown = now;
  if (!s.tap.crossing || still() || !$("land")) return;
  const { till, sim } = ends();
  if (s.tap.crossing === "sim") fly(till, sim, "packet", 520);
  else fly(sim, till, "packet back", 520);
}

// drawField joins till, SIM, phone and bank.
export function drawField(s) {
  const svg = $("field");
  if ($("part-tap").hidden || getComputedStyle(svg).display === "none" || !$("land")) return;
  const box = $("counter").getBoundingClientRect();
  const r = (el) => {
    const a = el.getBoundingClientRect();
    return { l: a.left - box.left, r: a.right - box.left, t: a.top - box.top, b: a.bottom - box.top };
  };
  const till = r($("box")), bank = r($("bank-tap")), books = r($("books")), phone = r($("slab-tap").parentElement), sim = r($("simcard"));
  // The slab itself may be on its way to the till just now.
  const y1 = books.t + 17, mid = phone.r - $("slab-tap").offsetWidth / 2, gap = 12;
  const asked = s.tap.trace.some((l) => l.kind === "bank") || ["settled"].includes(s.tap.story?.kind);
  const touched = s.tap.trace.some((l) => l.kind === "apdu" && !l.lost);
  const gone = s.tap.story?.kind === "torn" && !s.tap.busy;
  const paths = [
    { d: `M${till.r + gap} ${y1}H${bank.l - gap}`, cut: s.till.offline, lit: asked },
    { d: `M${mid} ${phone.b + 9}V${sim.t - 9}` },
    { d: `M${till.r + gap} ${sim.t + 44}H${sim.l - gap}`, eye: s.till.class !== "c", lit: touched && !gone, cut: gone },
  ];
  svg.replaceChildren(...paths.map((p) => {
    const el = document.createElementNS("http://www.w3.org/2000/svg", "path");
    el.setAttribute("d", p.d);
    el.setAttribute("class", [p.lit && !p.cut && "lit", p.cut && "cut", p.eye && !p.cut && "eye"].filter(Boolean).join(" "));
    return el;
  }));
}

// Motion that explains: a seal travels from the bank past the phone to the card,
// and the card's answer goes back.

import { $ } from "./dom.js";
import { launch } from "./bits.js";

const still = () => document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches;

// middle is the centre of a device on the stage.
function middle(party) {
  const of = { shop: $("glass"), payer: $("glass"), bank: $("ledger"), phone: $("slab"), card: $("paper") }[party];
  const a = of.getBoundingClientRect(), b = $("stage").getBoundingClientRect();
  return { x: a.left + a.width / 2 - b.left, y: a.top + a.height / 2 - b.top };
}

const flights = new Set(); // packets that have not landed

// landed is when all packets have.
export const landed = () => Promise.all(flights);

// travel shows one crossing. Of packets the next may set out before the last have
// landed.
export async function travel(c, slow) {
  if (still()) return;
  if (c.bits) {
    const all = launch($("stage"), c.bits, middle("phone"), middle("card"), slow);
    flights.add(all);
    all.finally(() => flights.delete(all));
    await Promise.race([all, new Promise((done) => setTimeout(done, 1200))]);
  } else if (c.parts?.some((p) => p.sealed)) await fly(c, "packet", 620);
  else if (c.kind === "unreached") await fly(c, "packet", 520, 0.45);
  else if (c.kind === "receipt" || c.kind === "report") await fly(c, "packet back", 260);
}

async function fly(c, look, ms, far = 1) {
  const from = middle(c.from), to = middle(c.to);
  const el = document.createElement("div");
  el.className = look;
  $("stage").append(el);
  const at = (k) => `translate(${from.x + (to.x - from.x) * k}px, ${from.y + (to.y - from.y) * k}px)`;
  const frames = [
    { transform: `${at(0)} scale(.4)`, opacity: 0 },
    { transform: `${at(0.12 * far)} scale(1)`, opacity: 1, offset: 0.18 },
    { transform: `${at(0.9 * far)} scale(1)`, opacity: 1, offset: 0.84 },
    { transform: `${at(far)} scale(.5)`, opacity: 0 },
  ];
  const flight = el.animate(frames, { duration: ms, easing: "cubic-bezier(.45,.05,.3,1)" });
  // A window that draws no frames never ends a flight; the card waits for none.
  await Promise.race([flight.finished, new Promise((done) => setTimeout(done, ms + 80))]);
  el.remove();
}

// drawWires joins the devices. Red is a link that the last payment has used.
export function drawWires(s) {
  const svg = $("wires");
  if (getComputedStyle(svg).display === "none") return;
  const box = $("stage").getBoundingClientRect();
  const r = (el) => {
    const a = el.getBoundingClientRect();
    return { l: a.left - box.left, r: a.right - box.left, t: a.top - box.top, b: a.bottom - box.top };
  };
  const lid = r($("shop").querySelector(".lid")), bank = r($("bank")), ledger = r($("ledger")), slab = r($("slab"));
  const body = r(s.card.present ? $("card").querySelector(".body") : $("gone"));
  const paying = s.bank.payment && s.bank.payment.status !== "canceled";
  const done = new Set(paying ? s.timeline.filter((c) => !c.lost).map((c) => c.from + c.to) : []);
  const y1 = ledger.t + 17, mid = (slab.l + slab.r) / 2;
  const gap = 12;
  const paths = [
    { d: `M${lid.r + gap} ${y1}H${bank.l - gap}`, lit: done.has("shopbank") },
    { d: `M${ledger.r + gap} ${y1}H${mid - 9}q9 0 9 9V${slab.t - 9}`, lit: done.has("bankphone"), cut: !s.phone.online },
    { d: `M${mid} ${slab.b + 9}V${body.t - 9}`, lit: done.has("phonecard"), cut: !s.phone.in_reach },
    { d: `M${body.l - gap} ${body.t + 150}H${lid.r + gap}`, eye: true, lit: paying && s.card.present && (s.card.screen.scene === "payment" || s.card.voice.speaks) },
  ];
  svg.replaceChildren(...paths.map((p) => {
    const el = document.createElementNS("http://www.w3.org/2000/svg", "path");
    el.setAttribute("d", p.d);
    el.setAttribute("class", [p.lit && !p.cut && "lit", p.cut && "cut", p.eye && "eye"].filter(Boolean).join(" "));
    return el;
  }));
}

// Bank, phone and card as they look from outside.

import { $, h, keyed, put } from "./dom.js";
import { words } from "./words.js";
import { act } from "./lab.js";
import { away, beside } from "./air.js";

let funds = "";

export function drawBank(s) {
  const w = words();
  const b = s.bank.balances;
  const moved = funds !== "" && funds !== b.payer.text + b.shop.text;
  funds = b.payer.text + b.shop.text;
  const low = b.payer.minor < 20000;
  keyed($("ledger"), [s.language, b], () => [
    h("div", {}, h("dt", {}, w.mine), h("dd", { class: moved ? "moved" : "", id: "funds-payer" }, b.payer.text)),
    h("div", {}, h("dt", {}, w.theirs(s.shop.payee)), h("dd", { class: moved ? "moved" : "", id: "funds-shop" }, b.shop.text)),
  ]);
  keyed($("bank-note"), [s.language, low], () => low
    ? h("button", { type: "button", class: "quiet", id: "topup", "data-keep": "topup", onclick: () => act("topup") }, w.topup)
    : []);
}

export function drawPhone(s) {
  const w = words();
  const slab = $("slab");
  const sent = s.switches.reach && s.card.present && !s.phone.stolen;
  slab.style.setProperty("--away", sent ? 1 : away(s).toFixed(3));
  slab.style.setProperty("--beside", sent ? 0 : beside(s).toFixed(3));
  slab.classList.toggle("off", !s.phone.online);
  slab.classList.toggle("taken", s.phone.stolen);
  slab.setAttribute("aria-label", s.phone.stolen ? w.phoneTaken : w.phoneDark);
  let note = s.bank.payment?.delivery === "on_card" ? "carried" : "idle";
  if (s.phone.stolen) note = "stolen";
  else if (s.phone.off) note = "off";
  else if (!s.phone.online) note = "offline";
  else if (!s.card.present) note = "absent";
  else if (!s.phone.in_reach) note = "far";
  put($("phone-note"), w.phoneNote[note]);
}

export function drawCard(s) {
  const w = words();
  const { screen, present } = s.card;
  const paper = $("paper");
  $("card").querySelector(".body").hidden = !present;
  $("gone").hidden = present;
  put($("number"), s.card.number.replace(/(.{4})(?=.)/g, "$1 ").replaceAll("*", "•"));
  put($("holder"), s.card.holder);
  const says = screen.lines.length ? w.cardSays(screen.lines) : s.card.voice.speaks ? w.voice.speaks : "";
  put($("read"), present ? says : w.gone);
  paper.alt = says;
  document.body.dataset.card = screen.scene;
  $("turn").hidden = screen.pages < 2;
  put($("turn"), w.turn(screen.page, screen.pages));
  const panel = paper.parentElement;
  panel.classList.toggle("blank", !screen.png);
  if (!screen.png || paper.getAttribute("src") === screen.png) return;
  if (paper.hasAttribute("src") && !document.hidden && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
    panel.classList.remove("flash");
    void panel.offsetWidth; // begins the animation anew
    panel.classList.add("flash");
    panel.addEventListener("animationend", () => panel.classList.remove("flash"), { once: true });
  }
  paper.src = screen.png;
  fitPanel();
}

// fitPanel makes each pixel of the e-paper the same whole number of pixels of
// this screen.
export function fitPanel() {
  const body = $("card").querySelector(".body");
  const room = body.clientWidth - 2 * 22;
  if (room <= 0) return;
  const ratio = window.devicePixelRatio || 1;
  const scale = Math.max(1, Math.floor((room * ratio) / 250)) / ratio;
  $("paper").style.width = `${250 * scale}px`;
  $("paper").style.height = `${122 * scale}px`;
}

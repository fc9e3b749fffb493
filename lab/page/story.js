// What has just happened, in a sentence or two.

import { $, put } from "./dom.js";
import { words } from "./words.js";

export function drawStory(s) {
  const el = $("story");
  const text = s.tap.busy ? telling(s) : tell(s);
  put(el, text || words().tap.storyIdle);
  el.classList.toggle("doubt", s.tap.story?.kind === "torn" && s.tap.story.final && !s.tap.busy);
  el.dataset.kind = s.tap.busy ? "" : s.tap.story?.kind ?? "";
}

// telling is what goes on just now.
function telling(s) {
  const t = words().tap;
  const l = s.tap.trace.at(-1);
  if (!l) return t.says.busy;
  if (l.kind === "sim") return t.fact(l.fact, t.label(l.applet), t.reason[l.reason] ?? l.reason);
  if (l.kind === "bank") return t.bankSays[l.fact] ?? "";
  return t.english(l.why ?? l.text);
}

function tell(s) {
  const t = words().tap;
  const y = s.tap.story;
  if (!y) return "";
  const label = (name) => t.label(name);
  const facts = {
    amount: y.amount.text, applets: y.applets, first: label(y.first), firstHas: y.first_has?.text, why: y.first_why,
    chosen: label(y.chosen), had: y.chosen_had?.text, has: y.chosen_has?.text, declined: y.declined ?? 0,
    reason: t.reason[y.reason] ?? y.reason, shop: s.shop.payee,
  };
  const out = [];
  const say = (text) => { if (text) out.push(text); };
  switch (y.kind) {
    case "paid":
      if (y.restored) say(t.story.restored);
      if (y.class === "a") say(!y.first || y.first === y.chosen ? t.story.chosen(facts) : t.story.other(facts));
      else if (y.class === "b") say(facts.declined > 0 ? t.story.walked(facts) : t.story.firstPaid(facts));
      else say(t.story.contact(facts));
      say(y.online ? t.story.online : t.story.offline);
      if (s.switches.off) say(t.story.off);
      break;
    case "torn":
      say(y.final ? t.story.doubt(facts) : t.story.torn(facts));
      break;
    case "recovered":
      say(t.story.recovered(facts));
      break;
    case "none":
      say(y.class === "a" ? t.story.none(facts) : t.story.noneWalked(facts));
      break;
    case "declined":
      say(t.story.declined(facts));
      break;
    case "settled":
      say(y.applets ? t.story.settled(facts) : t.story.nothing);
      break;
    case "loaded": case "returned":
      say(t.story[y.kind](facts));
      break;
    case "refused":
      say(t.story.refused({ ...facts, reason: t.refusals[y.reason] ?? facts.reason }));
  }
  for (const f of s.till.ending?.found ?? []) say(t.story.found(f.reference, f.amount.text));
  return out.join(t.space).replace(/CNY (?=\d)/g, "CNY\u00a0");
}

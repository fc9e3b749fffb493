// A row of which one is taken: arrow keys go from one to the next.

import { $, h } from "./dom.js";

// steps makes arrow keys go through keys, from the one that is taken.
export function steps(name, keys, taken, take) {
  return (e) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
    if (!by) return;
    e.preventDefault();
    const next = keys[(keys.indexOf(taken) + by + keys.length) % keys.length];
    take(next);
    queueMicrotask(() => $(`${name}-${next || "no"}`)?.focus());
  };
}

// choice has options by key, of which each begins with its text.
export function choice(name, title, options, taken, take) {
  const keys = Object.keys(options);
  return h("div", { class: "choice" },
    h("h3", { id: `${name}-title` }, title),
    h("div", { class: "segments", role: "radiogroup", "aria-labelledby": `${name}-title`, onkeydown: steps(name, keys, taken, take) },
      ...keys.map((key) => h("button", {
        type: "button", role: "radio", id: `${name}-${key || "no"}`, "data-keep": `${name}-${key}`,
        "aria-checked": String(key === taken), tabindex: key === taken ? "0" : "-1", onclick: () => take(key),
      }, options[key][0]))));
}

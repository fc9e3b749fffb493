// The two parts of the page, each with an address of its own: #online and #tap.

import { $ } from "./dom.js";

const names = ["online", "tap"];

export const part = () => (names.includes(location.hash.slice(1)) ? location.hash.slice(1) : names[0]);

// show shows the part of the address.
export function show() {
  const now = part();
  document.body.dataset.part = now;
  for (const name of names) {
    $(`part-${name}`).hidden = name !== now;
    if (name === now) $(`tab-${name}`).setAttribute("aria-current", "page");
    else $(`tab-${name}`).removeAttribute("aria-current");
  }
}

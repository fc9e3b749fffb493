// Small help with the document. Text always goes in as text.

export const $ = (id) => document.getElementById(id);

// h makes an element: h("button", {type: "button", onclick: f}, "text", child).
export function h(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (value === true) el.setAttribute(name, "");
    else el.setAttribute(name, value);
  }
  el.append(...children.filter((c) => c !== null && c !== undefined && c !== false));
  return el;
}

// keyed builds what is inside el anew only when key has changed, and gives the
// focus back to the control of the same data-keep.
export function keyed(el, key, build) {
  const text = JSON.stringify(key);
  if (el.dataset.key === text) return false;
  const held = el.contains(document.activeElement) ? document.activeElement.dataset.keep : undefined;
  el.dataset.key = text;
  el.replaceChildren(...[build()].flat().filter(Boolean));
  if (held) el.querySelector(`[data-keep="${held}"]`)?.focus();
  return true;
}

// put sets a text if it differs, so that screen readers hear changes only.
export function put(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

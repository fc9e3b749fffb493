// Keeps the code page up to date. The server draws every state of it; this
// module only asks again when told that something has changed, and swaps the
// parts that differ. What the payer has typed stays.

const page = document.getElementById("page");
const events = page.dataset.events && new EventSource(page.dataset.events);
let deadline = performance.now() + 1000 * Number(clock().dataset.seconds);
let asking = null;

function clock() { return document.getElementById("clock"); }

if (events) {
  events.onmessage = (e) => { if (e.data !== page.dataset.state) refresh(); };
}
const ticking = setInterval(tick, 1000);

function tick() {
  const left = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
  clock().textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (left === 0) refresh();
}

// refresh asks for the page again; while it is asking, it asks once more after.
async function refresh() {
  if (asking) { asking.again = true; return; }
  asking = { again: false };
  try {
    const address = new URL(location.href);
    address.searchParams.set("lang", document.documentElement.lang);
    const answer = await fetch(address, { cache: "no-store" });
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* the next event, or the payer, will ask again */ }
  const { again } = asking;
  asking = null;
  if (again) refresh();
}

function show(fresh) {
  const next = fresh.getElementById("page");
  page.dataset.state = next.dataset.state;
  if (!next.dataset.events) return end(fresh, next);
  const journey = document.getElementById("journey");
  journey.dataset.delivery = fresh.getElementById("journey").dataset.delivery;
  for (const id of ["status", "hint"]) {
    const old = document.getElementById(id), now = fresh.getElementById(id);
    if (old.innerHTML !== now.innerHTML) old.replaceChildren(...now.childNodes);
  }
  deadline = performance.now() + 1000 * Number(fresh.getElementById("clock").dataset.seconds);
}

// end shows the outcome and puts the focus on it, so that it is read out.
function end(fresh, next) {
  events?.close();
  clearInterval(ticking);
  document.title = fresh.title;
  page.replaceChildren(...next.childNodes);
  document.getElementById("outcome").focus();
}

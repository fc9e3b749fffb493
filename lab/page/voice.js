// The card's voice: Web Audio plays the card's own WAV. A browser lets a page make
// sounds once somebody has touched it; until then the button waits to be pressed.

import { $, put } from "./dom.js";
import { words } from "./words.js";

let context = null; // made at the first touch
let speech = 0; // the last that was heard of
let playing = null; // a source

const touched = () => navigator.userActivation?.hasBeenActive ?? context !== null;

async function audible() {
  context ??= new AudioContext();
  if (context.state !== "running") await context.resume();
  return context;
}

// play fetches what the card says now, and says it.
async function play() {
  hush();
  const audio = await audible();
  const answer = await fetch("/lab/card/voice.wav");
  if (!answer.ok) return;
  const buffer = await audio.decodeAudioData(await answer.arrayBuffer());
  hush();
  const source = new AudioBufferSourceNode(audio, { buffer });
  source.connect(audio.destination);
  source.onended = () => { if (playing === source) hush(); };
  source.start();
  playing = source;
  const button = $("listen");
  button.dataset.seconds = buffer.duration.toFixed(2);
  button.dataset.audio = audio.state;
  show();
}

// hush is silence at once.
function hush() {
  const source = playing;
  playing = null;
  if (source) source.stop();
  show();
}

function show() {
  const button = $("listen");
  button.toggleAttribute("data-playing", playing !== null);
  button.querySelector("use").setAttribute("href", playing ? "#stop" : "#speaker");
  put($("listen-says"), playing ? words().voice.stop : words().voice.listen);
  $("card").classList.toggle("speaking", playing !== null);
}

// drawVoice follows the card: it says what is new by itself, and falls silent with
// it.
export function drawVoice(s) {
  const { speaks, speech: now } = s.card.voice;
  $("listen").hidden = !speaks;
  const fresh = now !== speech;
  speech = now;
  if (!speaks || fresh) hush();
  else show();
  if (speaks && fresh && touched() && !document.hidden) play().catch(() => hush());
}

$("listen").addEventListener("click", () => {
  if (playing) hush();
  else play().catch(() => hush());
});

// SPDX-License-Identifier: Apache-2.0
// What the clip in the form would need, before it is started.
import {ask} from "/page/server.js";
import {apply, read} from "/page/clip_form.js";
import {announce, byId, byteWords, capital, el, timeWords} from "/page/words.js";

const PAUSE_MS = 350;  // after the last key
const MOST_UNLIKE = 4;  // times the work of an earlier clip: beyond that it tells nothing
let waiting = 0, running = null;
let earlierClips = () => [];

// `earlier` gives the completed videos that are known.
export function setUp(earlier) { earlierClips = earlier; }

export function planSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(plan, PAUSE_MS);
}

async function plan() {
  running?.abort();
  running = new AbortController();
  // The longest prompt is planned for: the answer does not change with every word.
  const asked = {...read(), prompt: "", seed: null};
  try {
    show(await ask("POST", "/v1/plans", asked, running.signal));
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status) refuse(error.message);
  }
}

function refuse(message) {
  show({fits: false, refusal: message, nearest: [], warnings: [], notes: []});
}

// Pixels, weighed by how often they are computed; decoding counts about as two steps.
function workOf(video) {
  const [width, height] = video.size.split("x").map(Number);
  const isGuided = video.guided ?? video.guidance !== 1;
  return width * height * video.frames * (video.steps * (isGuided ? 2 : 1) + 2);
}

// [seconds, whether that clip was just like this one], by an earlier clip.
function byExperience(plan) {
  let best = null;
  for (const video of earlierClips()) {
    if (!video.took_seconds) continue;
    const ratio = workOf(plan) / workOf(video);
    const unlike = Math.abs(Math.log(ratio));
    if (unlike <= Math.log(MOST_UNLIKE) && (best === null || unlike < best.unlike)) {
      best = {unlike, seconds: video.took_seconds * ratio};
    }
  }
  return best && [best.seconds, best.unlike < 0.01];
}

const about = (seconds) => (seconds < 1 ? "Under a second" : `About ${timeWords(seconds)}`);

function timeLine(plan) {
  const known = byExperience(plan);
  if (known) return `${about(known[0])}, ${known[1] ? "as last time" : "going by an earlier clip"}`;
  if (!plan.gpu.is_here) return "The first clip will tell how long one takes here";
  return `${about(plan.predicted_seconds)}${plan.measured ? "" : ", a prediction"}`;
}

function memoryLine(plan) {
  const need = `${byteWords(plan.gpu_bytes)} of GPU memory`;
  const host = `${byteWords(plan.host_bytes)} of main memory`;
  if (plan.gpu.is_here) return `${capital(need)} out of ${byteWords(plan.gpu.bytes)}, ${host}.`;
  return `Made on the processor. For comparison, ${plan.gpu.name}: ${need}, ${host}, ` +
         `${timeWords(plan.predicted_seconds)} (a prediction).`;
}

function nearestButton(one) {
  if (!one.frames && !one.size) return el("span", {className: "quiet"}, one.text);
  return el("button", {type: "button", onclick: () => apply(one)}, one.text);
}

// Whether it is the plan that refuses with this sentence.
export function says(message) {
  return byId("plan").classList.contains("refused") && byId("plan-time").textContent === capital(message);
}

// To whoever starts what it has refused.
export function point() {
  const plan = byId("plan");
  plan.scrollIntoView({block: "nearest"});
  plan.classList.remove("pointed-at");
  void plan.offsetWidth;  // so that the animation begins again
  plan.classList.add("pointed-at");
  announce(byId("plan-time").textContent);
}

// What stays the same is not said again.
function setText(id, text) { if (byId(id).textContent !== text) byId(id).textContent = text; }

function show(plan) {
  byId("plan").classList.toggle("refused", !plan.fits);
  setText("plan-time", plan.fits ? timeLine(plan) : capital(plan.refusal));
  setText("plan-memory", plan.fits ? memoryLine(plan) : plan.nearest.length ? "What would fit:" : "");
  byId("plan-notes").replaceChildren(...plan.warnings.map((text) => el("li", {}, text)));
  byId("plan-nearest").hidden = plan.nearest.length === 0;
  byId("plan-nearest").replaceChildren(...plan.nearest.map(nearestButton));
}

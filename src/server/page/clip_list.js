// SPDX-License-Identifier: Apache-2.0
// The two lists: clips in the making, and those that are made.
import {Flipbook} from "/page/flipbook.js";
import {drop, source} from "/page/server.js";
import * as videos from "/page/videos.js";
import {announce, byId, el, etaWords, lengthWords, phaseWords, sizeWords, toast} from "/page/words.js";

const SHOWN_AT_FIRST = 24;
let most = SHOWN_AT_FIRST;
let actions = {};
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

// Makes, updates and removes the cards of a list so that they stand as `wanted`.
function reconcile(list, cards, wanted, Card) {
  for (const [id, card] of cards) {
    if (wanted.some((video) => video.id === id)) continue;
    card.gone?.();
    card.element.remove();
    cards.delete(id);
  }
  wanted.forEach((video, at) => {
    if (!cards.has(video.id)) cards.set(video.id, new Card(video));
    const card = cards.get(video.id);
    card.update(video);
    if (list.children[at] !== card.element) list.insertBefore(card.element, list.children[at] ?? null);
  });
}

class JobCard {
  constructor(video) {
    this.book = new Flipbook(video, "");
    this.phase = el("p", {className: "phase"});
    this.bar = el("progress", {max: 100, value: 0, "aria-label": "How far the clip is"});
    const cancel = el("button", {type: "button", onclick: () => actions.cancel(video.id),
                                 "aria-label": `Cancel: ${video.prompt}`}, "Cancel");
    this.goOn = el("button", {type: "button", onclick: () => actions.goOn(video.id), hidden: true,
                              "aria-label": `Continue: ${video.prompt}`}, "Continue");
    this.element = el("li", {className: "job"}, this.book.box,
                      el("div", {className: "job-text"}, el("p", {className: "prompt"}, video.prompt),
                         this.bar, this.phase, el("div", {className: "actions"}, this.goOn, cancel)));
    const [width, height] = video.size.split("x").map(Number);
    this.element.style.setProperty("--proportion", width / height);
    this.said = "";
    this.gone = videos.onPreview(video.id, (step, steps, url) => {
      this.book.show(url, `After step ${step} of ${steps}: ${video.prompt}`).catch(() => {});
    });
  }

  update(video) {
    const phase = phaseWords(video), eta = etaWords(video.eta_seconds);
    this.element.classList.toggle("waiting", video.status === "queued");
    this.phase.textContent = eta && video.status !== "queued" ? `${phase}, ${eta}` : phase;
    this.book.setWords(phase);
    this.goOn.hidden = !video.held;
    this.bar.value = video.progress;
    // Each phase once; the seconds that are left would never stop talking.
    if (video.status === "in_progress" && phase !== this.said) announce(`${phase}.`);
    this.said = phase;
  }
}

const factsOf = (video) =>
    [sizeWords(video.size), lengthWords(video.frames, video.fps), `seed ${video.seed}`].join(" \u00b7 ");

class FailedCard {
  constructor(video) {
    this.element = el(
        "li", {className: "failed clip"}, el("p", {className: "prompt"}, video.prompt),
        el("p", {className: "error"}, video.error?.message ?? "The clip could not be made."),
        el("div", {className: "actions"},
           el("button", {type: "button", onclick: () => actions.reuse(video.id)}, "Change and try again"),
           el("button", {type: "button", onclick: () => actions.remove(video.id),
                         "aria-label": `Remove the failed clip: ${video.prompt}`}, "Remove")));
  }
  update() {}
}

// Films are fetched once they come near the window.
const nearby = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    nearby.unobserve(entry.target);
    entry.target.dispatchEvent(new Event("near"));
  }
}, {rootMargin: "200px"});

class MadeCard {
  constructor(video) {
    this.film = el("video", {muted: true, loop: true, playsInline: true, preload: "metadata", tabIndex: -1,
                             "aria-hidden": "true"});
    const box = el("span", {className: "film"}, this.film);
    box.style.aspectRatio = video.size.replace("x", " / ");
    const open = el("button", {type: "button", className: "open", onclick: () => actions.open(video.id),
                               "aria-label": `Open: ${video.prompt}`},
                    box, el("span", {className: "prompt"}, video.prompt));
    this.element = el("li", {className: "clip"}, open, el("p", {className: "quiet"}, factsOf(video)));
    const play = () => { if (!stillness.matches) this.film.play().catch(() => {}); };
    for (const event of ["pointerenter", "focus"]) open.addEventListener(event, play);
    for (const event of ["pointerleave", "blur"]) open.addEventListener(event, () => this.film.pause());
    this.film.addEventListener("near", () => this.load(video, box), {once: true});
    nearby.observe(this.film);
  }

  async load(video, box) {
    if (video.bytes === null) {
      box.append(el("span", {className: "wait"}, "Removed to save space"));
      return;
    }
    this.film.src = await source(`/v1/videos/${video.id}/content`).catch(() => "");
  }

  update() {}
  gone() {
    nearby.unobserve(this.film);
    drop(this.film.src);
  }
}

class ClipCard {
  constructor(video) { return video.status === "failed" ? new FailedCard(video) : new MadeCard(video); }
}

const jobCards = new Map(), clipCards = new Map();

function render() {
  const visible = videos.all().filter((video) => !actions.isHidden(video.id));
  const jobs = videos.unfinished().filter((video) => !actions.isHidden(video.id));
  const made = visible.filter(videos.isOver);
  byId("now").hidden = jobs.length === 0;
  byId("clips").hidden = visible.length > 0 && made.length === 0;
  byId("empty").hidden = visible.length > 0;
  byId("older").hidden = made.length <= most && !videos.hasOlder;
  reconcile(byId("unfinished"), jobCards, jobs, JobCard);
  reconcile(byId("gallery"), clipCards, made.slice(0, most), ClipCard);
  const front = jobs[0];
  document.title = front?.status === "in_progress" ? `${front.progress} % \u00b7 Reel` : "Reel";
}

const before = new Map();  // id -> status, to tell when a clip ends while the page is open

function tell(video) {
  const was = before.get(video.id);
  before.set(video.id, video.status);
  if (actions.isHidden(video.id) || !was || was === video.status) return;
  if (video.status === "completed") announce(`The clip is ready: ${video.prompt}`);
  if (video.status === "failed") toast(`A clip failed. ${video.error?.message ?? ""}`);
}

// `given` has open, reuse, goOn, cancel and remove, called with an id, and isHidden.
export function setUp(given) {
  actions = given;
  videos.onChange(() => {
    for (const video of videos.all()) tell(video);
    render();
  });
  byId("older").addEventListener("click", async () => {
    most += SHOWN_AT_FIRST;
    if (videos.all().length < most && videos.hasOlder) await videos.loadOlder();
    render();
  });
}

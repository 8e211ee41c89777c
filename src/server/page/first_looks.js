// SPDX-License-Identifier: Apache-2.0
// Scouting: several seeds of one clip are begun, each is held after its first step, and the one that
// is chosen goes on from there.
import {Flipbook} from "/page/flipbook.js";
import * as videos from "/page/videos.js";
import {announce, byId, el, phaseWords} from "/page/words.js";
import {randomSeed} from "/page/clip_form.js";

const SEEDS = 4;
const HIDDEN = "reel-looks";  // videos of this tab that are looks, not clips
const hidden = new Set(JSON.parse(sessionStorage.getItem(HIDDEN) ?? "[]"));
let body = null, looks = [], goOn = () => {}, failed = () => {};

export const isLook = (id) => hidden.has(id);

class Look {
  constructor(seed) {
    this.seed = seed;
    this.book = new Flipbook(body, "Waiting");
    this.button = el("button", {type: "button", disabled: true, onclick: () => this.choose(),
                                "aria-label": `Make the clip of seed ${seed}`}, "Make this one");
    this.element = el("li", {className: "look"}, this.book.box,
                      el("span", {className: "quiet seed"}, `Seed ${seed}`), this.button);
  }

  async begin() {
    const video = await videos.create({...body, seed: this.seed, look_after: 1}, hide);
    this.id = video.id;
    this.stopListening = videos.onPreview(this.id, (step, steps, url) => this.see(step, url));
  }

  update() {
    const video = videos.all().find((one) => one.id === this.id);
    if (!video || this.isSeen) return;
    this.book.setWords(video.status === "failed" ? "Failed" : phaseWords(video));
    if (video.status === "failed") failed(video.error?.message);
    // Held before its events were read.
    if (video.held) this.see(1, `/v1/videos/${this.id}/previews/1`);
  }

  async see(step, url) {
    if (this.isSeen) return;
    this.isSeen = true;
    try {
      await this.book.show(url, `First look at seed ${this.seed}: ${body.prompt}`);
      if (looks.every((look) => look.isSeen)) announce("All first looks are there.");
    } catch {
      this.book.setWords("No picture");
    }
    this.button.disabled = false;
  }

  async end() {
    this.stopListening?.();
    const {id} = this;
    this.id = null;
    if (!id) return;
    await videos.remove(id).catch(() => {});
  }

  async choose() {
    const {id} = this;
    this.button.disabled = true;
    if (!await goOn(id)) {
      this.button.disabled = false;
      return;
    }
    this.stopListening?.();
    this.id = null;  // from now on it is a clip
    this.button.textContent = "Chosen";
  }
}

const keepHidden = () => sessionStorage.setItem(HIDDEN, JSON.stringify([...hidden]));
function hide(id) { hidden.add(id); keepHidden(); }
export function unhide(id) { hidden.delete(id); keepHidden(); }

// What a page of this tab began and left.
function sweep() {
  for (const id of [...hidden]) videos.remove(id).then(() => unhide(id), () => {});
}

// `request` is the form's; its seed is the first.
export async function begin(request) {
  await close();
  body = request;
  byId("board").hidden = false;
  byId("board-prompt").textContent = `${body.prompt} \u00b7 after the first of ${body.steps} steps`;
  byId("looks").replaceChildren();
  looks = Array.from({length: SEEDS}, (_, at) => new Look(at === 0 ? body.seed : randomSeed()));
  byId("looks").append(...looks.map((look) => look.element));
  byId("board-title").focus();
  const mine = looks;
  for (const look of mine) {
    await look.begin();
    if (looks !== mine) return look.end();  // closed meanwhile
  }
}

export async function close() {
  const old = looks;
  looks = [];
  byId("board").hidden = true;
  await Promise.all(old.map((look) => look.end()));
}

// `continueClip` gets the id of the look that is chosen and resolves to whether it goes on; `again`
// gets a request, `tellError` a message.
export function setUp(continueClip, again, tellError) {
  goOn = continueClip;
  failed = tellError;
  sweep();
  byId("board-close").addEventListener("click", () => { close().then(() => byId("prompt").focus()); });
  byId("board-more").addEventListener("click", () => again({...body, seed: randomSeed()}));
  videos.onChange(() => { for (const look of looks) if (look.id) look.update(); });
}

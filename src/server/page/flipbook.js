// SPDX-License-Identifier: Apache-2.0
// Plays a preview: up to six frames in rows of three become one moving picture.
import {source, drop} from "/page/server.js";
import {el} from "/page/words.js";

const GAP_PX = 4;  // between the frames of a sheet
const COLUMNS = 3;
const MOST = 6;
const PAUSE_MS = 320;
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

export class Flipbook {
  // In a box with the clip's proportions, which says `words` until there is a picture.
  constructor(video, words) {
    const [width, height] = video.size.split("x").map(Number);
    this.count = Math.min(MOST, (video.frames - 1) / 4 + 1);
    this.canvas = el("canvas", {width, height, hidden: true});
    this.wait = el("span", {className: "wait"}, words);
    this.box = el("div", {className: "film"}, this.canvas, this.wait);
    this.box.style.aspectRatio = `${width} / ${height}`;
    this.asked = this.shown = 0;
    this.at = 0;
    this.timer = 0;
  }

  setWords(words) { if (this.wait.textContent !== words) this.wait.textContent = words; }

  // Loads the picture at `path`; what is shown stays until it is there.
  async show(path, label) {
    const image = new Image();
    const turn = ++this.asked;
    const url = await source(path);
    image.src = url;
    try { await image.decode(); } finally { drop(url); }
    if (turn < this.shown) return;  // a later one was quicker
    this.shown = turn;
    this.sheet = image;
    this.canvas.hidden = false;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", label);
    this.wait.hidden = true;
    this.draw();
    if (!this.timer) this.timer = setInterval(() => this.turn(), PAUSE_MS);
  }

  turn() {
    if (!this.box.isConnected) return this.stop();
    if (stillness.matches || document.hidden) return;
    this.at = (this.at + 1) % this.count;
    this.draw();
  }

  draw() {
    const columns = Math.min(COLUMNS, this.count), rows = Math.ceil(this.count / columns);
    const width = (this.sheet.naturalWidth - GAP_PX * (columns - 1)) / columns;
    const height = (this.sheet.naturalHeight - GAP_PX * (rows - 1)) / rows;
    const x = (this.at % columns) * (width + GAP_PX);
    const y = Math.floor(this.at / columns) * (height + GAP_PX);
    const paper = this.canvas.getContext("2d");
    paper.imageSmoothingQuality = "high";
    paper.drawImage(this.sheet, x, y, width, height, 0, 0, this.canvas.width, this.canvas.height);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
  }
}

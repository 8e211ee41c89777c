// SPDX-License-Identifier: Apache-2.0
// What is asked for: the fields, their defaults from the model, and errors beside them.
import {byId, capital, el, lengthWords, sizeWords} from "/page/words.js";

const OWN = "own";
const SHAPE_PX = 18;  // the long side of the little rectangle beside a size

const field = Object.fromEntries(
    ["prompt", "width", "height", "frames", "seed", "steps", "fps", "negative"]
        .map((name) => [name, byId(name)]));
let listener = () => {};

export function randomSeed() { return String(crypto.getRandomValues(new Uint32Array(1))[0]); }

function choice(value, words, shape) {
  return el("label", {className: "choice"},
            el("input", {type: "radio", name: "size", value}), ...(shape ? [shape] : []), words);
}

function shapeOf(size) {
  const [width, height] = size.split("x").map(Number);
  const scale = SHAPE_PX / Math.max(width, height);
  const shape = el("span", {className: "shape", "aria-hidden": "true"});
  shape.style.width = `${width * scale}px`;
  shape.style.height = `${height * scale}px`;
  return shape;
}

const chosenSize = () => byId("sizes").querySelector(":checked").value;

export function readSize() {
  const size = chosenSize();
  return size === OWN ? `${field.width.value}x${field.height.value}` : size;
}

function setSize(size) {
  const radios = [...byId("sizes").querySelectorAll("input")];
  const known = radios.find((radio) => radio.value === size);
  (known ?? radios.at(-1)).checked = true;
  [field.width.value, field.height.value] = size.split("x");
  byId("own-size").hidden = known !== undefined;
}

function setFrames(frames) {
  if (frames > Number(field.frames.max)) field.frames.max = frames;
  field.frames.value = frames;
  showLength();
}

function showLength() {
  const frames = Number(field.frames.value), fps = Number(field.fps.value) || 16;
  const words = lengthWords(frames, fps);
  byId("length").textContent = frames === 1 ? words : `${words} \u00b7 ${frames} frames`;
  field.frames.setAttribute("aria-valuetext", `${words}, ${frames} frames`);
}

// `changed` is called after every change that a plan depends on.
export function setUp(model, changed) {
  listener = changed;
  byId("sizes").replaceChildren(...model.sizes.map((size) => choice(size, sizeWords(size), shapeOf(size))),
                                choice(OWN, "Other"));
  field.prompt.maxLength = model.limits.prompt_bytes;
  for (const side of [field.width, field.height]) side.max = model.limits.side;
  field.steps.max = model.limits.steps;
  field.steps.value = model.steps;
  field.fps.value = model.fps;
  byId("negative-field").hidden = !model.guided;
  setSize(model.sizes[0]);
  setFrames(model.frames);
  field.seed.value = randomSeed();
  byId("form").addEventListener("input", react);
  byId("draw-seed").addEventListener("click", () => {
    field.seed.value = randomSeed();
    clearErrors();
  });
}

function react(event) {
  clearErrors();
  if (event.target.name === "size") byId("own-size").hidden = chosenSize() !== OWN;
  if (event.target === field.seed) byId("fresh-seed").checked = false;
  showLength();
  if (event.target !== field.prompt && event.target !== field.seed) listener();
}

// The body of POST /v1/videos and /v1/plans.
export function read() {
  const body = {prompt: field.prompt.value.trim(), size: readSize(), seed: field.seed.value.trim(),
                frames: Number(field.frames.value), fps: Number(field.fps.value),
                steps: Number(field.steps.value)};
  if (!byId("negative-field").hidden) body.negative_prompt = field.negative.value.trim();
  return body;
}

export function fill(video) {
  field.prompt.value = video.prompt;
  field.fps.value = video.fps;
  field.steps.value = video.steps;
  field.negative.value = video.negative_prompt;
  field.seed.value = video.seed;
  byId("fresh-seed").checked = false;
  setSize(video.size);
  setFrames(video.frames);
  clearErrors();
  listener();
}

// One of the settings of a plan that would fit.
export function apply({frames, size}) {
  if (frames) setFrames(frames);
  if (size) setSize(size);
  clearErrors();
  listener();
}

// After a clip was asked for.
export function renewSeed() { if (byId("fresh-seed").checked) field.seed.value = randomSeed(); }

export function clearErrors() {
  byId("form-error").hidden = true;
  for (const name of ["prompt", "seed"]) {
    field[name].removeAttribute("aria-invalid");
    byId(`${name}-error`).hidden = true;
  }
}

// Beside the field if it is one of those, else above the buttons.
export function showError(message, param) {
  const beside = param === "prompt" || param === "seed" ? byId(`${param}-error`) : null;
  const box = beside ?? byId("form-error");
  box.textContent = capital(message);
  box.hidden = false;
  if (beside) {
    field[param].setAttribute("aria-invalid", "true");
    field[param].focus();
  }
}

// What the server cannot tell better.
export function isGood() {
  clearErrors();
  if (field.prompt.value.trim() === "") {
    showError("Write what the clip should show.", "prompt");
    return false;
  }
  if (!/^\d+$/.test(field.seed.value.trim())) {
    showError("A seed is a whole number, such as 42.", "seed");
    return false;
  }
  return true;
}

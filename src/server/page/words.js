// SPDX-License-Identifier: Apache-2.0
// Figures in words, and elements from words.

const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
const digits = (value, most = 1) => value.toLocaleString("en", {maximumFractionDigits: most});

export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

export function timeWords(seconds) {
  if (seconds < 1) return "under a second";
  if (seconds < 59.5) return plural(Math.round(seconds), "second");
  const minutes = Math.round(seconds / 60);
  if (seconds < 600) {
    const rest = Math.round(seconds / 10) * 10;
    return `${Math.floor(rest / 60)} min${rest % 60 ? ` ${rest % 60} s` : ""}`;
  }
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}

export function byteWords(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1024))} KiB`;
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1000 ? `${digits(mebibytes, 0)} MiB` : `${digits(mebibytes / 1024)} GiB`;
}

export function lengthWords(frames, fps) {
  const seconds = (frames - 1) / fps;
  return frames === 1 ? "a picture" : `${digits(seconds)} s`;
}

export function sizeWords(size) { return size.replace("x", " \u00d7 "); }

export function queueWords(ahead) {
  return ahead === 0 ? "Next in line" : `Waiting for ${plural(ahead, "clip")} before it`;
}

export function phaseWords(video) {
  if (video.held) return `Waiting after step ${video.look_after} of ${video.steps}`;
  if (video.status === "queued") return queueWords(video.queue_position ?? 0);
  const step = Math.min(video.done + 1, video.total);
  switch (video.phase) {
    case "text": return "Reading the sentence";
    case "denoise": return `Step ${step} of ${video.total}`;
    case "decode": return "Drawing the frames";
    default: return "Loading the model";
  }
}

export function etaWords(seconds) {
  if (seconds === null) return "";
  return seconds < 1.5 ? "almost there" : `about ${timeWords(seconds)} left`;
}

// el("li", {className: "x", onclick: f, "aria-label": "y"}, child, "text", ...)
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

// Says it to a screen reader.
export function announce(text) { byId("announcer").textContent = text; }

let hiding = 0;
export function toast(text) {
  const box = byId("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { box.hidden = true; }, 5000);
}

// SPDX-License-Identifier: Apache-2.0
// One clip, large: replay, facts, recipe, download, delete.
import {ask, bytes, drop, source} from "/page/server.js";
import * as videos from "/page/videos.js";
import {announce, byId, byteWords, el, lengthWords, sizeWords, timeWords, toast} from "/page/words.js";

const SURE_MS = 4000;  // for the second click on Delete
const stillness = matchMedia("(prefers-reduced-motion: reduce)");
const dialog = byId("viewer"), film = byId("viewer-video");
let shown = null;

function facts(video) {
  const made = new Date(video.completed_at * 1000);
  return [["Size", sizeWords(video.size)],
          ["Length", `${lengthWords(video.frames, video.fps)}, ${video.frames} frames`],
          ["Seed", video.seed],
          ["Steps", String(video.steps)],
          ["Took", timeWords(video.took_seconds)],
          ["File", video.bytes === null ? "removed to save space" : byteWords(video.bytes)],
          ["Made", made.toLocaleString([], {dateStyle: "medium", timeStyle: "short"})]];
}

export async function open(id) {
  shown = videos.all().find((video) => video.id === id);
  byId("viewer-prompt").textContent = shown.prompt;
  byId("viewer-facts").replaceChildren(
      ...facts(shown).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  film.style.aspectRatio = shown.size.replace("x", " / ");
  film.setAttribute("aria-label", shown.prompt);
  const hasFile = shown.bytes !== null;
  film.hidden = !hasFile;
  byId("viewer-download").hidden = !hasFile;
  dialog.showModal();
  if (!hasFile) return;
  const url = await source(`/v1/videos/${id}/content`);
  if (!dialog.open || shown.id !== id) return drop(url);  // closed meanwhile
  film.src = url;
  byId("viewer-download").href = url;
  if (!stillness.matches) film.play().catch(() => {});
}

// "a-red-ball-moves-42" of its prompt and seed.
function fileName({prompt, seed}) {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["clip"];
  return `${words.slice(0, 6).join("-")}-${seed}`;
}

// By way of its bytes: the name that the server sends with the address would win.
async function download(event) {
  event.preventDefault();
  const name = `${fileName(shown)}.mp4`;
  try {
    const url = await bytes(`/v1/videos/${shown.id}/content`);
    el("a", {href: url, download: name}).click();
    setTimeout(() => drop(url), 60_000);  // by then it has begun
  } catch (error) {
    toast(error.message);
  }
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers give the clipboard to secure pages alone; a server in the local network has no TLS.
  const box = el("textarea", {value: text});
  dialog.append(box);
  box.select();
  const isCopied = document.execCommand("copy");
  box.remove();
  if (!isCopied) throw new Error("The browser does not let this page copy.");
}

async function copyRecipe() {
  try {
    await copy(JSON.stringify(await ask("GET", `/v1/videos/${shown.id}/recipe`), null, 1));
    toast("The recipe is in the clipboard.");
  } catch (error) {
    toast(error.message);
  }
}

let sure = 0;
function forgetDelete() {
  clearTimeout(sure);
  sure = 0;
  byId("viewer-delete").textContent = "Delete";
}

async function remove(removed) {
  if (!sure) {
    byId("viewer-delete").textContent = "Delete for good?";
    announce("Press it again to delete the clip for good.");
    sure = setTimeout(forgetDelete, SURE_MS);
    return;
  }
  const {id} = shown;
  dialog.close();
  try {
    await videos.remove(id);
    toast("Deleted.");
    removed();
  } catch (error) {
    toast(error.message);
  }
}

// `reuse` is called with an id, `removed` after a clip has gone.
export function setUp(reuse, removed) {
  byId("viewer-close").addEventListener("click", () => dialog.close());
  byId("viewer-download").addEventListener("click", download);
  byId("viewer-recipe").addEventListener("click", copyRecipe);
  byId("viewer-delete").addEventListener("click", () => remove(removed));
  byId("viewer-reuse").addEventListener("click", () => {
    dialog.close();
    reuse(shown.id);
  });
  // A click beside it closes it.
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    forgetDelete();
    drop(film.src);
    film.removeAttribute("src");
    film.load();
  });
}

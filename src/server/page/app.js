// SPDX-License-Identifier: Apache-2.0
// Puts the parts of the page together.
import * as form from "/page/clip_form.js";
import * as looks from "/page/first_looks.js";
import * as list from "/page/clip_list.js";
import * as planPanel from "/page/plan_panel.js";
import * as videos from "/page/videos.js";
import * as viewer from "/page/viewer.js";
import {ask, setKeyAsker} from "/page/server.js";
import {announce, byId, queueWords, toast} from "/page/words.js";

const PAUSE_MS = 3000;  // before the server is tried again

function askKey(reason) {
  const dialog = byId("key-dialog"), field = byId("key");
  byId("key-error").textContent = reason;
  byId("key-error").hidden = reason === "";
  field.value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    let key = "";
    dialog.onclose = () => {
      if (key === "") dialog.showModal();  // nothing works without one
      else resolve(key);
    };
    byId("key-form").onsubmit = (event) => {
      key = field.value.trim();
      if (key === "") event.preventDefault();
    };
  });
}

function tellError(error) {
  if (!error.status) {
    byId("offline").hidden = false;
    form.showError("The server could not be reached. Nothing was started.");
    return;
  }
  const wait = error.retryAfter ? ` Try again in about ${error.retryAfter} s.` : "";
  if (planPanel.says(error.message)) return planPanel.point();
  form.showError(error.message + wait, error.param);
}

let lastMade = Promise.resolve();

// One after the other, so that clips wait in the order in which they were asked for.
function make(body) {
  lastMade = lastMade.then(() => makeNow(body));
  return lastMade;
}

function tellStart(video) {
  announce(`Started. ${queueWords(video.queue_position ?? 0)}.`);
  // On a phone it begins below the form.
  const now = byId("now");
  if (now.getBoundingClientRect().top > innerHeight / 2) now.scrollIntoView();
}

async function makeNow(body) {
  try {
    tellStart(await videos.create(body));
  } catch (error) {
    tellError(error);
  }
}

// A clip that is held goes on; whether it does.
async function goOn(id) {
  try {
    const video = await videos.goOn(id);
    looks.unhide(id);
    await videos.refresh();
    tellStart(video);
    return true;
  } catch (error) {
    tellError(error);
    return false;
  }
}

async function scout(body) {
  byId("scout").disabled = true;
  try {
    await looks.begin(body);
  } catch (error) {
    tellError(error);
    await looks.close();
  }
  byId("scout").disabled = false;
}

// What had it is gone: the next thing to read gets it.
function keepFocus() {
  if (document.activeElement !== document.body) return;
  byId(byId("now").hidden ? "gallery-title" : "now-title").focus({preventScroll: true});
}

function reuse(id) {
  form.fill(videos.all().find((video) => video.id === id));
  byId("prompt").focus();
}

async function remove(id, words) {
  try {
    await videos.remove(id);
    toast(words);
    keepFocus();
  } catch (error) {
    toast(error.message);
  }
}

// What is asked for; whoever asks again at once gets another seed.
function take() {
  const body = form.read();
  form.renewSeed();
  return body;
}

function listen() {
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.isGood()) make(take());
  });
  byId("prompt").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    byId("form").requestSubmit();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) videos.refresh().catch(() => {});
  });
  byId("scout").addEventListener("click", () => { if (form.isGood()) scout(take()); });
}

// Until the server answers.
async function loadModel() {
  for (;;) {
    try {
      const {data} = await ask("GET", "/v1/models");
      return await ask("GET", `/v1/models/${encodeURIComponent(data[0].id)}`);
    } catch (error) {
      if (error.status) throw error;
      byId("offline").hidden = false;
      await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
    }
  }
}

async function begin() {
  setKeyAsker(askKey);
  const model = await loadModel();
  byId("served").textContent = model.id;
  form.setUp(model, planPanel.planSoon);
  planPanel.setUp(() => videos.all().filter((video) => video.status === "completed"));
  viewer.setUp(reuse, keepFocus);
  looks.setUp(goOn, scout, (message) => form.showError(message));
  list.setUp({
    open: viewer.open,
    reuse,
    goOn,
    cancel: (id) => remove(id, "Cancelled."),
    remove: (id) => remove(id, "Removed."),
    isHidden: looks.isLook,
  });
  listen();
  // The next one can be told by this one's time.
  videos.onChange((video) => { if (video?.status === "completed") planPanel.planSoon(); });
  await videos.refresh();
  planPanel.planSoon();
}

begin().catch((error) => form.showError(error.message));

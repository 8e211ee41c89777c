// SPDX-License-Identifier: Apache-2.0
// The videos that the server has, kept up to date: the list by asking now and then while something
// is unfinished, the one in the making by its events. One stream at a time, as a browser opens few
// connections to a server.
import {ask, events} from "/page/server.js";
import {byId} from "/page/words.js";

const PAGE = 100;
const PAUSE_MS = 2500;

const known = new Map();   // id -> video
const removed = new Set();  // here: a list that was asked for before may still have them
const listeners = [];      // called with (changed video or null)
const previewListeners = new Map();  // id -> Set of functions called with (step, steps, url)
let older = [];            // ids of pages after the first
let newest = [];
export let hasOlder = false;

export const isOver = (video) => video.status === "completed" || video.status === "failed";
export function all() { return [...newest, ...older].map((id) => known.get(id)).filter(Boolean); }
export function unfinished() {
  return all().filter((video) => !isOver(video))
      .sort((a, b) => (a.queue_position ?? -1) - (b.queue_position ?? -1));
}
export function onChange(listener) { listeners.push(listener); }
function changed(video) { for (const listener of listeners) listener(video); }

function putOne(video) {
  known.set(video.id, {...known.get(video.id), ...video});
  return known.get(video.id);
}

// The ids of a list.
function put({data}) {
  return data.filter((video) => !removed.has(video.id)).map((video) => putOne(video).id);
}

export async function refresh() {
  const list = await ask("GET", `/v1/videos?limit=${PAGE}`);
  byId("offline").hidden = true;
  newest = put(list);
  older = older.filter((id) => !newest.includes(id));
  if (older.length === 0) hasOlder = list.has_more;
  changed(null);
  wake();
}

export async function loadOlder() {
  const last = all().at(-1);
  const list = await ask("GET", `/v1/videos?limit=${PAGE}&after=${last.id}`);
  older.push(...put(list));
  hasOlder = list.has_more;
  changed(null);
}

// `before` hears the id before anybody else does.
export async function create(body, before = () => {}) {
  const video = putOne(await ask("POST", "/v1/videos", body));
  before(video.id);
  newest.unshift(video.id);
  changed(video);
  wake();
  return video;
}

// A held one is queued to go on.
export async function goOn(id) {
  const video = putOne(await ask("POST", `/v1/videos/${id}/continue`));
  changed(video);
  wake();
  return video;
}

// Stops it if it is unfinished; nothing of it stays.
export async function remove(id) {
  removed.add(id);
  try {
    await ask("DELETE", `/v1/videos/${id}`);
  } catch (error) {
    if (error.status !== 404) {  // else it is gone already
      removed.delete(id);
      throw error;
    }
  }
  newest = newest.filter((one) => one !== id);
  older = older.filter((one) => one !== id);
  known.delete(id);
  changed(null);
}

export function onPreview(id, listener) {
  if (!previewListeners.has(id)) previewListeners.set(id, new Set());
  previewListeners.get(id).add(listener);
  return () => previewListeners.get(id)?.delete(listener);
}

async function follow(id) {
  for await (const [name, data] of events(id)) {
    byId("offline").hidden = true;
    if (!known.has(id)) return;  // removed here
    if (name === "video") changed(putOne(data));
    if (name === "preview") {
      for (const listener of previewListeners.get(id) ?? []) listener(data.step, data.steps, data.url);
    }
  }
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
let awake = false;

const next = () => unfinished().find((video) => !video.held);

// Runs for as long as something is unfinished that is not held.
async function wake() {
  if (awake) return;
  awake = true;
  const asking = setInterval(() => refresh().catch(() => {}), PAUSE_MS);
  for (let first = next(); first; first = next()) {
    try {
      await follow(first.id);
      // Its events end early when the server stops.
      const now = known.get(first.id);
      if (now && !isOver(now) && !now.held) await pause(PAUSE_MS);
      await refresh();
    } catch (error) {
      if (!error.status) byId("offline").hidden = false;
      await pause(PAUSE_MS);
      await refresh().catch(() => {});
    }
  }
  clearInterval(asking);
  awake = false;
}

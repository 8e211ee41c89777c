// SPDX-License-Identifier: Apache-2.0
// Asks the server that this page came from.

const KEY = "reel-key";
let keyAsker = null;

// `ask(reason)` resolves to a key that the person has typed.
export function setKeyAsker(ask) { keyAsker = ask; }
export const hasKey = () => sessionStorage.getItem(KEY) !== null;

export class ServerError extends Error {
  constructor(status, body, retryAfter) {
    super(body?.error?.message ?? `The server answered ${status}.`);
    this.status = status;
    this.param = body?.error?.param ?? null;
    this.retryAfter = Number(retryAfter) || null;
  }
}

let asking = null;  // one question at a time, however many requests need the key

async function newKey(reason) {
  asking ??= keyAsker(reason).then((key) => sessionStorage.setItem(KEY, key))
      .finally(() => { asking = null; });
  await asking;
}

async function send(method, path, body, signal) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const headers = {};
    if (key !== null) headers.Authorization = `Bearer ${key}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(path, {
      method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body)});
    if (response.ok) return response;
    const error = new ServerError(response.status, await response.json().catch(() => null),
                                  response.headers.get("Retry-After"));
    if (error.status !== 401) throw error;
    // Another request may have been given one meanwhile.
    if (sessionStorage.getItem(KEY) === key) await newKey(key === null ? "" : error.message);
  }
}

export async function ask(method, path, body, signal) {
  return (await send(method, path, body, signal)).json();
}

// What an <img> or <video> can show: the address, or where a key is needed the bytes themselves.
// Revoke the second kind with drop().
export async function source(path, signal) {
  return hasKey() ? bytes(path, signal) : path;
}
// An address of the bytes themselves, for drop() too.
export async function bytes(path, signal) {
  return URL.createObjectURL(await (await send("GET", path, undefined, signal)).blob());
}
export function drop(url) { if (url?.startsWith("blob:")) URL.revokeObjectURL(url); }

// The events of a video, until they end: [name, data]. Throws when the connection is lost.
export async function* events(id, signal) {
  const response = await send("GET", `/v1/videos/${id}/events`, undefined, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const name = /^event: (.*)$/m.exec(block);
        const data = /^data: (.*)$/m.exec(block);
        if (name && data) yield [name[1], JSON.parse(data[1])];
      }
    }
  } finally {
    reader.cancel().catch(() => {});  // where the caller stops listening
  }
}

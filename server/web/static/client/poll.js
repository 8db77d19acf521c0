// The way that needs nothing but HTTP answers: pages of the log, each waited for by the server. It
// says in frames what a page says in fields, so that all above it is the same as for the others.

import { LOST, decode, deliver, pause, refusal } from "./wire.js";

const IDLE_MS = 2000; // between two looks at a closed session whose next run is waited for

/** Seconds that an answer may be waited for: below the 30 after which some proxies give up. */
export const WAIT = 25;

/**
 * @param {URL} address the session's, with the query, its `wait` and `limit` for each answer
 * @param {object} wire
 * @param {(ask: (wait: number) => Promise, wait: number) => Promise} [inTurn] when to ask, and how
 *   long to let an answer wait; at once and as long as wished unless others have to be minded
 */
export async function poll(address, wire, inTurn = (ask, wait) => ask(wait)) {
  const asked = address.searchParams.get("after") ?? "";
  const wished = Number(address.searchParams.get("wait") ?? WAIT);
  const forever = address.searchParams.get("until") === "forever";
  try {
    // The first answer is not waited for: it stands for `ready`.
    let page = await pageAfter(asked, 0, address, wire);
    if (page.epoch) tell([readyOf(page, asked, wished), ...framesOf(page)], page, wire);
    while (page.epoch && !wire.signal.aborted) {
      if (isOver(page)) {
        if (!forever) return end(page, wire);
        await pause(Math.min(IDLE_MS, 1000 * wished), wire.signal);
      }
      const { next, epoch } = page;
      page = await inTurn((wait) => pageAfter(next, wait, address, wire), wished);
      // A session without events was made anew: the next connection takes its new epoch.
      if (page.epoch && page.epoch !== epoch && !page.reset) return LOST;
      if (page.epoch) tell(framesOf(page), page, wire);
    }
    return page.epoch ? LOST : page;
  } catch {
    return LOST; // the network's failure or our own abort: the caller knows which
  }
}

/** A page, or the Ending that came instead of it. */
async function pageAfter(after, wait, address, wire) {
  const url = new URL(address);
  url.pathname += "/events";
  url.search = new URLSearchParams({ after, wait, limit: address.searchParams.get("limit") });
  const types = address.searchParams.get("types");
  if (types) url.searchParams.set("types", types);
  const answer = await fetch(url, { cache: "no-store", signal: wire.signal });
  wire.alive();
  if (answer.status !== 200) return endingOf(await refusal(answer));
  const text = await read(answer.body, wire);
  const page = decode(text);
  return Array.isArray(page?.events) && page.epoch ? { ...page, size: text.length } : LOST;
}

/** Piece by piece: a large page on a slow link is a sign of life all the while. */
async function read(body, wire) {
  let text = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    wire.alive();
    text += value;
  }
}

/** Only a cursor into a session that is gone finds nothing: without one it would be made. */
function endingOf(refused) {
  return refused.error === "not_found" ? { ...refused, status: 410, words: undefined } : refused;
}

function readyOf(page, asked, wait) {
  const { epoch, state, first, last } = page;
  const after = asked === "now" ? startOf(page) : asked || `${epoch}-0`;
  return { type: "ready", protocol: 1, epoch, state, first, last, after, heartbeat: wait };
}

function startOf({ epoch, events, next }) {
  return events.length > 0 ? `${epoch}-${events[0].offset - 1}` : next;
}

function framesOf({ epoch, first, last, reset, events, next }) {
  const again = reset ? [{ type: "reset", reason: reset, epoch, first, last }] : [];
  return [...again, ...events, { type: "heartbeat", cursor: next, last }];
}

function tell(frames, { size }, wire) {
  for (const frame of frames) deliver(frame, wire, size / frames.length);
}

function isOver({ state, next, last }) {
  return state === "closed" && Number(next.split("-")[1]) >= last;
}

function end({ next }, wire) {
  deliver({ type: "bye", reason: "closed", reconnect: false, cursor: next }, wire);
  return LOST;
}

// The ways to a stream of frames that every stream has: see wire.js for what each of them owes.

import { poll } from "./poll.js";
import { LOST, decode, deliver, refusal } from "./wire.js";

const MARGIN_MS = 10_000; // for an answer that was waited for as long as was asked

// In the order of preference. `deadAfter`: from the heartbeats that a `ready` promises to the
// silence that proves a connection dead, both in milliseconds.
const ALL = {
  websocket: { drive: websocket, deadAfter: (heartbeatMs) => 2.5 * heartbeatMs },
  sse: { drive: sse, deadAfter: (heartbeatMs) => 2.5 * heartbeatMs },
  poll: { drive: poll, deadAfter: (waitMs) => waitMs + MARGIN_MS },
};

/** The ways that this platform has, by their names. */
export const DRIVERS = Object.fromEntries(
  Object.entries(ALL).filter(([name]) => name !== "websocket" || "WebSocket" in globalThis),
);

/** @param {URL} address the session's, http or https, with the query's `search` already in it */
export function websocket(address, wire) {
  return new Promise((resolve) => {
    const socket = dial(address);
    if (socket === null) {
      resolve(LOST);
      return;
    }
    const end = (ending) => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      wire.signal.removeEventListener("abort", hangUp);
      resolve(ending);
    };
    const hangUp = () => {
      socket.close();
      end(LOST);
    };
    wire.signal.addEventListener("abort", hangUp);
    socket.onopen = () => wire.opened((message) => socket.send(JSON.stringify(message)));
    socket.onmessage = ({ data }) => {
      wire.alive();
      const frames = [decode(data)].flat();
      for (const frame of frames) deliver(frame, wire, data.length / frames.length);
    };
    socket.onclose = ({ code, reason }) => end({ code, words: code === 4400 ? reason : "" });
  });
}

/**
 * @param {URL} address http or https, without the `/ws` that is the socket's part of it
 * @returns {WebSocket | null} null where the page's own policy forbids the connection, which
 *   WebSocket says by throwing
 */
export function dial(address) {
  const url = new URL(address);
  url.protocol = url.protocol.replace("http", "ws");
  url.pathname += "/ws";
  try {
    return new WebSocket(url);
  } catch {
    return null;
  }
}

// Why fetch and not EventSource: an EventSource shows neither heartbeats (so a dead socket stays
// unseen) nor statuses (so 204, the end, looks like a 502, a deploy), and reconnects by its own
// clock. The stream is the one that an EventSource gets.
/** @param {URL} address the session's, with the query's `search` already in it */
export async function sse(address, wire) {
  const url = new URL(address);
  url.pathname += "/sse";
  try {
    const headers = { Accept: "text/event-stream" };
    const answer = await fetch(url, { headers, cache: "no-store", signal: wire.signal });
    if (answer.status === 204) return { status: await gone(address, wire) ? 410 : 204 };
    if (!isStream(answer)) return await refusal(answer);
    return await read(answer.body, wire);
  } catch {
    return LOST; // the network's failure or our own abort: the caller knows which
  }
}

/** 204 says "stop" for a session that is complete and for one that was deleted. */
async function gone(address, { signal }) {
  const session = new URL(address);
  session.search = "";
  const answer = await fetch(session, { cache: "no-store", signal });
  return answer.status === 404;
}

function isStream(answer) {
  const type = answer.headers.get("Content-Type") ?? "";
  return answer.status === 200 && type.startsWith("text/event-stream");
}

async function read(body, wire) {
  const parser = new EventStream();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return LOST;
    wire.alive();
    for (const record of parser.feed(value)) {
      deliver(frameOf(record), wire, record.data?.length);
    }
  }
}

/** The frame that a record stands for: a heartbeat is a record with an id and no data. */
function frameOf({ event, data, id }) {
  if (data === null) return id === null ? null : { type: "heartbeat", cursor: id };
  const frame = decode(data);
  if (frame && event !== null) frame.type ??= event;
  return frame;
}

/**
 * The line format of event streams (WHATWG HTML, 9.2.6), except that records without data show, and
 * that `retry` is left out: it is for an EventSource, and stands in a bye's `after_ms` as well.
 */
export class EventStream {
  #rest = "";
  #record = blank();

  /**
   * @param {string} text the next piece, cut anywhere
   * @returns {{event: string | null, data: string | null, id: string | null}[]}
   */
  feed(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    return lines.map((line) => this.#line(line)).filter((record) => record !== null);
  }

  #line(line) {
    if (line !== "") {
      this.#field(/^([^:]*):? ?(.*)$/s.exec(line));
      return null;
    }
    const record = this.#record;
    this.#record = blank();
    return record;
  }

  #field([, name, value]) {
    if (name === "data") {
      this.#record.data = this.#record.data === null ? value : `${this.#record.data}\n${value}`;
    } else if (name === "event" || name === "id") {
      this.#record[name] = value;
    }
  }
}

function blank() {
  return { event: null, data: null, id: null };
}

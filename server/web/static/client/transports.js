// The ways to a stream of frames. Each is a function (address, wire) → Promise<Ending>: it opens
// one connection, hands every frame to the wire, and resolves when that connection is over. It
// never rejects and never tries again. Aborting `wire.signal` closes the socket; nothing is handed
// over after that.
//
// wire.receive(frame)  one decoded frame, in order
// wire.alive()         bytes arrived, whatever they were
// wire.opened(send)    only where the transport carries messages to the server

const LOST = {};

/** @param {string} address the session's, http or https, with the query's `search` already in it */
export function websocket(address, wire) {
  return new Promise((resolve) => {
    const url = new URL(address);
    url.protocol = url.protocol.replace("http", "ws");
    url.pathname += "/ws";
    url.searchParams.set("frames", "arrays"); // a message costs a browser more than its events do
    const socket = dial(url);
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
      for (const frame of [decode(data)].flat()) deliver(frame, wire);
    };
    socket.onclose = ({ code }) => end({ code });
  });
}

/** Null where the page's own policy forbids the connection, which WebSocket says by throwing. */
function dial(url) {
  try {
    return new WebSocket(url);
  } catch {
    return null;
  }
}

// Why fetch and not EventSource: an EventSource shows neither heartbeats (so a dead socket stays
// unseen) nor statuses (so 204, the end, looks like a 502, a deploy), and reconnects by its own
// clock. The stream is the one that an EventSource gets.
/** @param {string} address the session's, with the query's `search` already in it */
export async function sse(address, wire) {
  const url = new URL(address);
  url.pathname += "/sse";
  try {
    const headers = { Accept: "text/event-stream" };
    const answer = await fetch(url, { headers, cache: "no-store", signal: wire.signal });
    if (answer.status === 204) return { status: await gone(address, wire) ? 410 : 204 };
    if (!isStream(answer)) return refusal(answer);
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

function refusal(answer) {
  answer.body?.cancel().catch(() => {});
  const seconds = Number(answer.headers.get("Retry-After") ?? NaN);
  const afterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  return { status: answer.status, afterMs };
}

async function read(body, wire) {
  const parser = new EventStream();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return LOST;
    wire.alive();
    for (const record of parser.feed(value)) deliver(frameOf(record), wire);
  }
}

/** The frame that a record stands for: a heartbeat is a record with an id and no data. */
function frameOf({ event, data, id }) {
  if (data === null) return id === null ? null : { type: "heartbeat", cursor: id };
  const frame = decode(data);
  if (frame && event !== null) frame.type ??= event;
  return frame;
}

/** The frame in a message, or the array of them; null for what cannot be read: it is missed. */
function decode(text) {
  try {
    const frame = JSON.parse(text);
    return typeof frame === "object" ? frame : null;
  } catch {
    return null;
  }
}

function deliver(frame, wire) {
  if (frame !== null && !wire.signal.aborted) wire.receive(frame);
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

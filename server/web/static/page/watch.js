// One session that is watched: where its history ends the live stream goes on, and what both add up
// to. The events themselves are the view's to load; the outline reads only the types it is made of.

import { follow } from "../keepstream.js";
import { getRun, getSession, readEvents, sessionAddress } from "./api.js";
import { Outline, OUTLINE_TYPES } from "./run/outline.js";

const HIDDEN_MS = 500; // a hidden page has no frames
const PAGE = 1000;
const OUTLINE_SPAN = 200_000; // events: of a longer log the outline begins in the middle
const RETRY_MS = 2000;
const LOOK_MS = 5000; // a complete session may be given another run

/**
 * @typedef {object} Listener what a watch tells
 * @property {(log: {epoch: string, first: number, last: number}) => void} onOpen once before the
 *   first events, and again after a reset: what was shown is void
 * @property {(events: object[]) => void} onEvents in order, at most once a frame
 * @property {(outline: Outline) => void} onOutline it has changed
 * @property {(stream: import("../keepstream.js").Stream) => void} onStream a new one is followed
 * @property {(state: import("../client/state.js").State) => void} onState
 * @property {(reset: object) => void} onReset the log began again: it was opened anew
 */

export class Watch {
  #listener;
  #fresh = [];
  #drawing = false;
  #held = []; // live events of the outline's, while its history is being read
  #reading = false;
  #opened = false;
  #over = new AbortController();

  outline = new Outline();
  /** @type {import("../keepstream.js").Stream | null} */
  stream = null;

  /**
   * @param {string} session its id
   * @param {Listener} listener
   */
  constructor(session, listener) {
    this.session = session;
    this.address = sessionAddress(session);
    this.#listener = listener;
    this.#begin();
  }

  /** @returns {import("../client/state.js").State | null} */
  get state() {
    return this.stream?.state ?? null;
  }

  close() {
    this.#over.abort();
    this.stream?.close();
  }

  /** Follows on where the stream ended: the session has, or is about to have, another run. */
  goOn() {
    if (this.state?.name === "ended") this.#follow(this.stream.cursor);
  }

  /**
   * @param {number} offset
   * @param {{exact?: boolean}} [how] as `readEvents` has it
   * @returns {Promise<object>} one event, as it is in the log
   */
  async event(offset, { exact = false } = {}) {
    const after = `${parse(this.stream.cursor).epoch}-${offset - 1}`;
    const page = await readEvents({ address: this.address, after, limit: 1, exact });
    return page.events[0];
  }

  async #begin() {
    const found = await this.#find();
    if (this.#over.signal.aborted) return;
    if (found) this.#open(found);
    this.#follow(found ? `${found.epoch}-${found.last}` : found === null ? "" : "now");
  }

  /** @returns the session; null where nobody has asked for it; undefined where nobody answers */
  async #find() {
    try {
      return await getSession(this.session);
    } catch (error) {
      return error.status === 404 ? null : undefined;
    }
  }

  #follow(after) {
    const mine = follow(this.address, {
      after,
      signal: this.#over.signal,
      onEvent: (event) => this.#receive(event),
      onState: (state) => mine === this.stream && this.#show(state),
      onReset: (reset) => this.#reset(reset),
    });
    this.stream = mine;
    this.#listener.onStream(mine);
    this.#listener.onState(mine.state);
  }

  #show(state) {
    if (state.name === "live" && !this.#opened) this.#open(parse(this.stream.cursor));
    this.#flush(); // what came before the change is shown before it
    this.#listener.onState(state);
    if (state.name === "ended") this.#look(this.stream);
  }

  #open({ epoch, first = 1, last }) {
    this.#opened = true;
    this.#listener.onOpen({ epoch, first, last });
    const from = Math.max(first, last - OUTLINE_SPAN + 1);
    if (last >= first) this.#readOutline(this.outline, epoch, from, last);
  }

  #reset(reset) {
    this.#fresh = [];
    this.#held = [];
    this.#reading = false;
    this.outline = new Outline();
    this.#open({ epoch: reset.epoch, first: reset.first, last: reset.first - 1 });
    this.#listener.onReset(reset);
    this.#listener.onOutline(this.outline);
  }

  #receive(event) {
    this.#fresh.push(event);
    if (this.#drawing) return;
    this.#drawing = true;
    if (document.visibilityState === "hidden") setTimeout(() => this.#flush(), HIDDEN_MS);
    else requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    this.#drawing = false;
    const events = this.#fresh;
    if (events.length === 0) return;
    this.#fresh = [];
    this.#listener.onEvents(events);
    if (this.#reading) this.#held.push(...events.filter(isOutlined));
    else this.#outlined(this.outline, events);
  }

  #outlined(outline, events) {
    let changed = false;
    for (const event of events) changed = outline.add(event) || changed;
    if (changed && outline === this.outline) this.#listener.onOutline(outline);
  }

  async #readOutline(outline, epoch, first, last) {
    this.#reading = true;
    let after = first - 1;
    while (after < last && outline === this.outline && !this.#over.signal.aborted) {
      const page = await this.#page(`${epoch}-${after}`);
      if (page === null) continue;
      if (page.epoch !== epoch) return; // the stream will say reset
      this.#outlined(outline, page.events.filter(({ offset }) => offset <= last));
      after = parse(page.next).last;
    }
    if (outline !== this.outline || this.#over.signal.aborted) return;
    this.#reading = false;
    this.#outlined(outline, this.#held);
    this.#held = [];
    if (first > 1) await this.#nameRuns(outline);
  }

  async #page(after) {
    const wish = { after, limit: PAGE, types: OUTLINE_TYPES, signal: this.#over.signal };
    try {
      return await readEvents({ address: this.address, ...wish });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      return null;
    }
  }

  /** Runs whose beginning the outline did not read. */
  async #nameRuns(outline) {
    for (const run of outline.runs.filter(({ workflow }) => !workflow)) {
      const found = await getRun(run.id).catch(() => null);
      if (found) outline.describe(found);
    }
    if (outline === this.outline) this.#listener.onOutline(outline);
  }

  async #look(stream) {
    while (stream === this.stream && !this.#over.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (document.visibilityState === "hidden" || stream !== this.stream) continue;
      const found = await this.#find();
      if (!this.#opened && found) this.#open(found); // its end was heard of, and nothing else
      const more = found?.state === "running" || found?.last > parse(stream.cursor).last;
      if (more && stream === this.stream) this.goOn();
    }
  }
}

function isOutlined({ type }) {
  return OUTLINE_TYPES.includes(type);
}

function parse(cursor) {
  const [epoch, offset] = cursor.split("-");
  return { epoch, last: Number(offset) };
}

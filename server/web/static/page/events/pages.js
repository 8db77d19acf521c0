// Reads stretches of a session's log over HTTP. The server reads forward only, so a page before an
// offset is a guess of where to begin, which has to reach that offset.

import { textOf } from "./exact.js";

const LIMIT = 1000; // events in one answer: the server's bound
const FIRST = 300; // the first page: more than a screen, and there at once
const WIDEST = 50_000; // offsets in one look back for rare types; the server scans 100,000
const SCARCE = 250; // a page with fewer events of those types may look further
const LARGE = 2 ** 20; // characters; an answer ends at four times that

/** @typedef {import("./history.js").Page} Page */

/** An answer that is not a page of this log; `final` where asking again has no point. */
export class Unreadable extends Error {
  constructor(message, final) {
    super(message);
    this.final = final;
  }
}

export class Pages {
  #address;
  #epoch;
  #types;
  #span = FIRST; // offsets in a page backwards, as wide as it can be and still reach its end

  /**
   * @param {URL} address of the session
   * @param {string} epoch
   * @param {string[]} types to ask for; none: all
   */
  constructor(address, epoch, types = []) {
    this.#address = address;
    this.#epoch = epoch;
    this.#types = types;
  }

  /** @returns {Promise<Page>} what lies before `lo`, up to it */
  async before(lo, first, signal) {
    for (;;) {
      const from = Math.max(first, lo - this.#span);
      const page = await this.#read(from, this.#types.length > 0 ? LIMIT : lo - from, signal);
      if (page.to >= lo - 1) {
        this.#widen(page, lo);
        return { ...page, to: lo - 1 };
      }
      if (from === lo - 1) return { ...page, to: from, events: [] }; // it cannot be read
      // As many as fit into an answer, if those nearer to `lo` are like these.
      this.#span = Math.max(1, Math.min(page.to - from + 1, Math.floor((lo - from) / 2)));
    }
  }

  /** @returns {Promise<Page>} what follows `hi` */
  after(hi, signal) {
    return this.#read(hi + 1, LIMIT, signal);
  }

  /** @returns {Promise<Page>} a page with `offset` in it */
  async around(offset, first, signal) {
    const page = await this.#read(Math.max(first, offset - FIRST / 2), FIRST, signal);
    const near = page.to >= offset || this.#types.length > 0;
    return near ? page : this.#read(offset, FIRST, signal);
  }

  /** @returns {Promise<{text: string, event: object}>} one event, and its JSON as the log has it */
  async exact(offset, signal) {
    const text = textOf(await this.#ask(offset, 1, [], signal));
    const event = text === null ? null : JSON.parse(text);
    if (event?.offset !== offset) throw new Unreadable(`There is no event ${offset}`, true);
    return { text, event };
  }

  /** @returns {Promise<{id: string, created: string}[]>} the session's runs */
  async runs() {
    const answer = await fetch(new URL(`${this.#path}/runs`, this.#address));
    return answer.ok ? (await answer.json()).runs : [];
  }

  get #path() {
    return this.#address.pathname.replace(/\/$/, "");
  }

  #widen({ events, size }, lo) {
    const [wide, scarce] = this.#types.length > 0 ? [WIDEST, SCARCE] : [LIMIT, LIMIT];
    const inside = events.filter(({ offset }) => offset < lo).length;
    if (inside < scarce && size < LARGE) this.#span = Math.min(wide, this.#span * 2);
  }

  async #read(from, limit, signal) {
    const text = await this.#ask(from, limit, this.#types, signal);
    const { epoch, reset, next, events } = JSON.parse(text);
    // What is damaged is missing between the events; any other reset is another log.
    if (epoch !== this.#epoch || (reset && reset !== "damaged")) {
      throw new Unreadable("The log began again", true);
    }
    const to = Number(next.slice(next.lastIndexOf("-") + 1));
    return { from, to: Math.max(to, from - 1), events, size: text.length };
  }

  async #ask(from, limit, types, signal) {
    const url = new URL(`${this.#path}/events`, this.#address);
    url.searchParams.set("after", `${this.#epoch}-${from - 1}`);
    url.searchParams.set("limit", Math.max(1, Math.min(LIMIT, limit)));
    if (types.length > 0) url.searchParams.set("types", types.join(","));
    const answer = await fetch(url, { signal });
    if (answer.ok) return answer.text();
    const told = await answer.json().catch(() => null);
    const final = answer.status >= 400 && answer.status < 500 && answer.status !== 429;
    throw new Unreadable(told?.error?.message ?? `The server answered ${answer.status}`, final);
  }
}

// Which stretch of a log is loaded, as data: here fetched pages and live events meet, and here one
// could be lost or doubled. Pure: what is to be fetched is decided elsewhere.

import { cost, slim } from "./weight.js";

const LIMITS = { cost: 16_500_000, tail: 1000 }; // at most 5,000 events, at least 400
const ROOMY = 0.75;
const KEPT = 0.8; // of the limit, after it was passed: eviction is work for all that is kept

/**
 * @typedef {object} Page what an answer of the server covers
 * @property {number} from the first offset that was looked at
 * @property {number} to the last one; `from - 1` where there was none
 * @property {object[]} events of those, in order; not all where the server filters by type
 */

/** One stretch `lo…hi` of the log: each of its events that are wanted, once, in order; bounded. */
export class History {
  #limits;
  #costs = [];
  #cost = 0;
  #tail = []; // the newest live events without a gap, for a window that comes to them later

  /** @type {object[]} */
  events = [];
  loaded = false;
  lo = 1;
  hi = 0;
  /** Grows where `events` changed in another way than at its end or by eviction of the oldest. */
  generation = 0;

  /**
   * @param {{first: number, last: number}} log
   * @param {(event: object) => boolean} accepts what the server's filter lets pass
   */
  constructor({ first, last }, accepts = () => true, limits = LIMITS) {
    this.first = first;
    this.last = last;
    this.accepts = accepts;
    this.#limits = limits;
  }

  /** Whether a page fits in at one end without that anything goes at the other. */
  get roomy() {
    return this.#cost <= this.#limits.cost * ROOMY;
  }

  get atEnd() {
    return this.loaded && this.hi >= this.last;
  }

  get atStart() {
    return this.loaded && this.lo <= this.first;
  }

  /** A page in another place: the window begins anew with it. @param {Page} page */
  replace(page) {
    this.events = [];
    this.#costs = [];
    this.#cost = 0;
    this.generation += 1;
    this.loaded = true;
    this.lo = page.from;
    this.hi = page.from - 1;
    this.last = Math.max(this.last, this.hi);
    this.forward(page);
    this.#join();
  }

  /** @param {Page} page @returns {boolean} whether it continues the window at its end */
  forward({ from, to, events }) {
    if (!this.loaded || from > this.hi + 1 || to <= this.hi) return false;
    this.#push(events.filter(({ offset }) => offset > this.hi && offset <= to));
    this.hi = to;
    this.last = Math.max(this.last, to);
    this.#join();
    this.#evictOldest();
    return true;
  }

  /** @param {Page} page @returns {boolean} whether it continues the window at its start */
  back({ from, to, events }) {
    if (!this.loaded || to < this.lo - 1 || from >= this.lo) return false;
    const older = events.filter(({ offset }) => offset >= from && offset < this.lo).map(slim);
    const costs = older.map(cost);
    this.events = older.concat(this.events);
    this.#costs = costs.concat(this.#costs);
    this.#cost += sum(costs);
    this.lo = from;
    this.generation += 1;
    this.#evictNewest();
    return true;
  }

  /**
   * Live events, in order. One that the window has already is ignored. A reader who is elsewhere
   * gets them from the log on coming to the end, or at once where there is room.
   *
   * @param {object[]} events
   * @param {boolean} following the reader is at the end: the oldest may go
   * @returns {object[]} those that were not known to be in the log
   */
  receive(events, following) {
    const news = events.filter(({ offset }) => offset > this.last);
    for (const event of events) this.#remember(event);
    this.last = Math.max(this.last, this.#tail.at(-1)?.offset ?? 0);
    if (following || this.roomy) {
      for (const event of events) {
        if (this.loaded && event.offset === this.hi + 1) this.#take(event);
      }
      this.#evictOldest();
    }
    return news.filter((event) => this.accepts(event));
  }

  /** Events that no row shows may go; `lo…hi` stays what was looked through. */
  retain(wanted) {
    const kept = this.events.map(wanted);
    if (kept.every(Boolean)) return;
    this.events = this.events.filter((_, at) => kept[at]);
    this.#costs = this.#costs.filter((_, at) => kept[at]);
    this.#cost = sum(this.#costs);
    this.generation += 1;
  }

  #take(event) {
    this.hi = event.offset;
    if (this.accepts(event)) this.#push([event]);
  }

  #push(events) {
    for (const event of events) {
      const held = slim(event);
      const each = cost(held);
      this.events.push(held);
      this.#costs.push(each);
      this.#cost += each;
    }
  }

  #remember(event) {
    const newest = this.#tail.at(-1)?.offset ?? event.offset - 1;
    if (event.offset <= newest) return;
    if (event.offset > newest + 1) this.#tail = [];
    this.#tail.push(slim(event));
    // In one go: shifting an array for each event would cost its length.
    const { tail } = this.#limits;
    if (this.#tail.length > 2 * tail) this.#tail = this.#tail.slice(-tail);
  }

  /** The window has come to the live events that are remembered: they follow without a fetch. */
  #join() {
    const [oldest] = this.#tail;
    if (oldest === undefined || oldest.offset > this.hi + 1) return;
    for (const event of this.#tail) if (event.offset === this.hi + 1) this.#take(event);
  }

  get #over() {
    return this.#cost > this.#limits.cost;
  }

  #evictOldest() {
    if (!this.#over) return;
    let gone = 0;
    while (this.#cost > this.#limits.cost * KEPT) this.#cost -= this.#costs[gone++];
    this.lo = this.events[gone - 1].offset + 1;
    this.events = this.events.slice(gone);
    this.#costs = this.#costs.slice(gone);
  }

  #evictNewest() {
    if (!this.#over) return;
    let left = this.events.length;
    while (this.#cost > this.#limits.cost * KEPT) this.#cost -= this.#costs[--left];
    this.hi = this.events[left].offset - 1;
    this.events.length = left;
    this.#costs.length = left;
  }
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

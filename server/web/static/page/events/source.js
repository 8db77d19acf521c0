// What a view shows, and how it comes: the loaded stretch of the log, its rows, those of them that
// the filter lets pass, and one fetch at a time for what the reader comes to.

import { History } from "./history.js";
import { accepts, isEmpty, isSame, matcher } from "./match.js";
import { Pages } from "./pages.js";
import { joins, Rows } from "./rows.js";
import { Starts } from "./starts.js";

const NOTES = 100;
const OWN_TYPES = 60;
const WHOLE = 8; // heavy events that are kept whole, for rows that are open
const PATIENCE = 60; // pages without anything found, after which a search asks whether to go on
const PRUNE = 500; // live events, after which those that no row shows go
const RETRY_MS = [500, 1000, 2000, 5000, 10_000];

/**
 * @typedef {object} Wish what the reader needs next
 * @property {"end" | "around" | "forward" | "back"} kind
 * @property {number} [offset] of `around`
 */

export class Source {
  #log;
  #pages;
  #changed;
  #matches;
  #flight = null; // {kind, offset, abort}
  #failures = 0;
  #retry = null;
  #built = null; // the history that the rows are made of, and its generation
  #generation = -1;
  #lo = 0;
  #notes = [];
  #whole = new Map(); // offset → promise of {text, event}
  #vain = 0; // pages without anything found
  #unpruned = 0;

  /** @type {import("./rows.js").Row[]} what is to be seen, notes between */
  shown = [];
  rows = new Rows();
  problem = null; // {message, final}
  landed = null; // the offset of the place that was fetched last
  paused = false;
  starts;
  /** Event types of the workflows' own that came by. */
  types = new Set();

  /**
   * @param {{address: URL, epoch: string, first: number, last: number}} log
   * @param {import("./match.js").Filter} filter
   * @param {(what?: {all: boolean}) => void} changed a fetch brought something, or failed; `all`:
   *   something that every row shows
   */
  constructor(log, filter, changed) {
    this.#log = log;
    this.#changed = changed;
    this.filter = filter;
    this.starts = new Starts(() => this.#pages.runs(), () => changed({ all: true }));
    this.#begin(log);
  }

  #begin({ first, last }) {
    const { address, epoch } = this.#log;
    this.#abort();
    this.#matches = matcher(this.filter);
    this.#pages = new Pages(address, epoch, this.filter.types);
    this.history = new History({ first, last }, accepts(this.filter));
    this.paused = false;
    this.problem = null;
    this.#vain = 0;
    if (last < first) this.#land({ kind: "end" }, { from: first, to: first - 1, events: [] });
  }

  /** @returns {boolean} whether it is another; the window has to be loaded anew then */
  setFilter(filter) {
    if (isSame(filter, this.filter)) return false;
    this.filter = filter;
    this.#begin(this.history);
    return true;
  }

  close() {
    this.#abort();
    clearTimeout(this.#retry);
  }

  /** @returns {"end" | "around" | "forward" | "back" | null} the fetch that is on its way */
  get busy() {
    return this.#flight?.kind ?? null;
  }

  /** @returns {number} of those events that are new and wanted */
  receive(events, following) {
    for (const event of events) this.#see(event);
    const news = this.history.receive(events, following);
    this.#unpruned += events.length;
    if (this.#unpruned > PRUNE) this.#prune(this.history.hi - PRUNE, this.history.hi);
    this.#sync();
    return news.length;
  }

  note(words) {
    const after = this.history.last;
    const row = { last: after, text: "", version: 0, view: {} };
    const note = { ...row, note: words, time: Date.now(), after };
    this.#notes = [...this.#notes.slice(1 - NOTES), note];
    if (this.history.loaded) this.#show();
  }

  /** @returns {import("./rows.js").Row | null} the shown row of an event, or the next one */
  rowNear(offset) {
    const row = this.rows.at(offset);
    if (row?.matches) return row;
    const next = this.shown.find((each) => !each.note && each.last >= offset);
    return next ?? this.shown.at(-1) ?? null;
  }

  /** The next fetch. One that nobody wants any more is aborted. @param {Wish | null} wish */
  want(wish) {
    if (this.problem !== null && (this.problem.final || this.#retry !== null)) return;
    const flight = this.#flight;
    if (wish?.kind === flight?.kind && wish?.offset === flight?.offset) return;
    this.#abort();
    if (wish !== null && !(wish.kind === "back" && this.paused)) this.#fly(wish);
  }

  /** A search that found too little rests, until it is told to go on. */
  pause() {
    this.paused = true;
    this.#abort();
  }

  goOn() {
    this.paused = false;
    this.#vain = 0;
  }

  tryAgain() {
    clearTimeout(this.#retry);
    this.#retry = null;
    this.problem = null;
  }

  /** @returns {Promise<{text: string, event: object}>} an event as the log has it */
  exact(offset) {
    const known = this.#whole.get(offset);
    if (known !== undefined) return known;
    const asked = this.#pages.exact(offset);
    this.#whole.set(offset, asked);
    asked.catch(() => this.#whole.delete(offset));
    if (this.#whole.size > WHOLE) this.#whole.delete(this.#whole.keys().next().value);
    return asked;
  }

  /** @returns {Promise<object>} an event that may be held clipped, whole */
  async full(event) {
    return event.trimmed ? (await this.exact(event.offset)).event : event;
  }

  async #fly(wish) {
    const flight = { ...wish, abort: new AbortController() };
    this.#flight = flight;
    try {
      const page = await this.#fetch(wish, flight.abort.signal);
      if (flight !== this.#flight) return;
      this.#flight = null;
      this.#failures = 0;
      this.problem = null;
      this.#land(wish, page);
    } catch (error) {
      if (flight !== this.#flight) return;
      this.#flight = null;
      this.#fail(error);
    }
    this.#changed();
  }

  #fetch({ kind, offset }, signal) {
    const { first, last, lo, hi } = this.history;
    if (kind === "around") return this.#pages.around(offset, first, signal);
    if (kind === "forward") return this.#pages.after(hi, signal);
    return this.#pages.before(kind === "end" ? last + 1 : lo, first, signal);
  }

  #land({ kind, offset = null }, page) {
    this.landed = offset;
    const before = this.shown.length;
    const wanted = { ...page, events: page.events.filter(this.history.accepts) };
    for (const event of page.events) this.#see(event);
    if (kind === "back") this.history.back(wanted);
    else if (kind === "forward") this.history.forward(wanted);
    else this.history.replace(wanted);
    this.#sync();
    this.#prune(page.from, page.to);
    this.#vain = kind === "back" && this.shown.length <= before ? this.#vain + 1 : 0;
    if (this.#vain >= PATIENCE && !isEmpty(this.filter)) this.paused = true;
  }

  #fail(error) {
    this.problem = { message: error.message, final: error.final === true };
    if (this.problem.final) return;
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)];
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#changed();
    }, wait);
  }

  #abort() {
    this.#flight?.abort.abort();
    this.#flight = null;
  }

  #sync() {
    const { history } = this;
    if (!history.loaded) return; // what was there is shown until something replaces it
    if (this.#built !== history || this.#generation !== history.generation) this.#rebuild();
    else this.#append();
    this.#lo = history.lo;
  }

  #rebuild() {
    const before = this.rows;
    this.rows = new Rows(this.history.events);
    this.rows.adopt(before);
    for (const row of this.rows.kept) row.matches = this.#matches(row);
    this.#built = this.history;
    this.#generation = this.history.generation;
    this.#show();
  }

  #append() {
    const { events, lo } = this.history;
    let from = events.length;
    while (from > 0 && events[from - 1].offset > this.rows.last) from -= 1;
    let flipped = false;
    for (const event of events.slice(from)) {
      for (const row of this.rows.add(event)) flipped = this.#judge(row) || flipped;
    }
    if (lo > this.#lo) this.rows.forget(lo);
    if (flipped || lo > this.#lo) this.#show();
  }

  /** @returns {boolean} whether a row that was there came or went */
  #judge(row) {
    if (row.matches === true && this.filter.text === "") return false;
    const [was, is] = [row.matches, this.#matches(row)];
    row.matches = is;
    if (was === undefined && is) this.shown.push(row);
    return was !== undefined && was !== is;
  }

  #show() {
    const rows = this.rows.kept.filter(({ matches }) => matches);
    this.shown = isEmpty(this.filter) ? this.#withNotes(rows) : rows;
  }

  #withNotes(rows) {
    const { lo, hi } = this.history;
    const notes = this.#notes.filter(({ after }) => after >= lo - 1 && after <= hi);
    if (notes.length === 0) return rows;
    const all = [];
    for (const row of rows) {
      while (notes.length > 0 && notes[0].after < row.key) all.push(notes.shift());
      all.push(row);
    }
    return [...all, ...notes];
  }

  /**
   * What a search did not find goes, or the window would be full of it. Rows of several events that
   * reach into `from…to` stay: the next page may have the rest of a text.
   */
  #prune(from, to) {
    this.#unpruned = 0;
    if (this.filter.text === "" || this.#built !== this.history) return;
    this.history.retain((event) => {
      const row = this.rows.at(event.offset);
      if (row === undefined || row.matches) return true;
      return joins(event) && row.last >= from && row.key <= to;
    });
    this.#sync();
  }

  #see({ type, run, time }) {
    if (type === "run_start") this.starts.learn(run, time);
    if (this.types.size < OWN_TYPES) this.types.add(type);
  }
}

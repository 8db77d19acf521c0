// <event-view>: a session's events as a list, its live end or any other place of it.

import { button, element, fire, setText } from "../dom.js";
import { count } from "../format.js";
import { filterOf, isEmpty } from "./match.js";
import { Pane } from "./pane.js";
import { Source } from "./source.js";
import { Toolbar } from "./toolbar.js";

/**
 * Fires `filter` (the filter), `select` {offset}, `state` {following, unseen}.
 */
class EventView extends HTMLElement {
  #source = null;
  #filter = filterOf();
  #agents = [];
  #unseen = 0;
  #told = ""; // the state that was fired last

  constructor() {
    super();
    this.toolbar = new Toolbar();
    this.pane = new Pane({
      drawn: () => this.#tell(),
      selected: (offset) => fire(this, "select", { offset }),
      search: () => this.focusSearch(),
    });
    this.jump = button("", "jump", () => this.pane.toEnd());
    this.jump.hidden = true;
    this.empty = element("p", "empty");
    this.empty.hidden = true;
    this.told = element("span", "");
    this.trouble = element("div", "trouble", this.told);
    this.trouble.append(button("Try again", "", () => this.#tryAgain()));
    this.trouble.hidden = true;
    this.#listen();
  }

  connectedCallback() {
    if (this.firstChild) return;
    const { scroller } = this.pane;
    const list = element("div", "pane", scroller, this.empty, this.trouble, this.jump);
    this.append(this.toolbar.node, list);
    this.toolbar.show(this.#filter);
  }

  /**
   * Shows a session from its live end, or around an offset.
   *
   * @param {{address: URL, epoch: string, first: number, last: number, at?: number}} log
   */
  open({ address, epoch, first, last, at }) {
    this.#source?.close();
    const changed = (what) => this.pane.changed(what);
    this.#source = new Source({ address, epoch, first, last }, this.#filter, changed);
    this.#unseen = 0;
    this.pane.show(this.#source, at);
  }

  /** @param {object[]} events live ones, in order; at most once a frame */
  receive(events) {
    if (this.#source === null) return;
    const { following } = this.pane;
    const news = this.#source.receive(events, following);
    if (!following) this.#unseen += news;
    this.pane.later(false);
  }

  /** A line of the page's own, after the newest event. @param {string} words */
  note(words) {
    this.#source?.note(words);
    this.pane.later();
  }

  /** @returns {import("./match.js").Filter} */
  get filter() {
    return filterOf(this.#filter);
  }

  set filter(wanted) {
    this.#refilter(filterOf(wanted));
  }

  /** @returns {string[]} the names that the menu offers */
  get agents() {
    return [...this.#agents];
  }

  set agents(names) {
    this.#agents = [...names];
  }

  /** Scrolls to an event and selects it; a filter that hides it is cleared. */
  reveal(offset) {
    if (this.#source === null) return;
    const hidden = !this.#source.rows.at(offset)?.matches;
    if (hidden && !isEmpty(this.#filter)) this.#want(filterOf());
    this.pane.reveal(offset);
  }

  focusSearch() {
    this.toolbar.search.focus();
    this.toolbar.search.select();
  }

  #listen() {
    const { node } = this.toolbar;
    const own = (name, act) => {
      node.addEventListener(name, (event) => {
        event.stopPropagation(); // between the parts of this element alone
        if (this.#source !== null) act(event.detail);
      });
    };
    own("want", ({ filter }) => this.#want(filterOf(filter)));
    own("step", ({ by }) => this.pane.move(by));
    own("clock", () => this.toolbar.showClock(this.pane.switchClock()));
    own("stop", () => this.#stop());
    own("menu", () => this.toolbar.offer(this.#agents, [...this.#source.types]));
  }

  #tell() {
    const { shown, history, problem } = this.#source;
    const { following } = this.pane;
    if (following) this.#unseen = 0;
    this.jump.hidden = following || (this.pane.isAtEnd && this.#unseen === 0);
    setText(this.jump, this.#unseen > 0 ? `↓ ${count(this.#unseen)} new` : "↓ To the end");
    this.trouble.hidden = problem === null;
    if (problem !== null) setText(this.told, `Events could not be loaded. ${problem.message}.`);
    this.empty.hidden = !history.loaded || shown.length > 0;
    setText(this.empty, isEmpty(this.#filter) ? "No events yet" : "Nothing found so far");
    if (!isEmpty(this.#filter)) this.#tellSearch();
    const state = { following, unseen: this.#unseen };
    if (JSON.stringify(state) === this.#told) return;
    this.#told = JSON.stringify(state);
    fire(this, "state", state);
  }

  #tellSearch() {
    const { shown, history, busy, paused } = this.#source;
    const { lo, last, atStart } = history;
    const searching = busy === "back" && !atStart;
    const waits = paused && !atStart;
    const found = history.loaded ? shown.length : null;
    this.toolbar.tell({ found, lo, last, atStart, searching, paused: waits });
  }

  #tryAgain() {
    this.#source.tryAgain();
    this.pane.later();
  }

  #stop() {
    if (this.#source.paused) this.#source.goOn();
    else this.#source.pause();
    this.pane.later();
  }

  #want(filter) {
    if (this.#refilter(filter)) fire(this, "filter", this.filter);
  }

  #refilter(filter) {
    this.#filter = filter;
    this.toolbar.show(filter);
    if (!this.#source?.setFilter(filter)) return false;
    this.pane.refilter();
    return true;
  }
}

customElements.define("event-view", EventView);

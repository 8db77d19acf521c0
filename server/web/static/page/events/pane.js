// The list with what the reader does in it: scrolls, selects, opens, follows the end.

import { element } from "../dom.js";
import { duration } from "../format.js";
import { Room, total } from "./geometry.js";
import { listen } from "./gestures.js";
import { finder } from "./match.js";
import { need, within } from "./needs.js";
import { rawView } from "./raw-view.js";
import { drawRow, refreshRow } from "./row-view.js";
import { viewers } from "./viewers.js";
import { Viewport } from "./viewport.js";

const STEADY_MS = 80; // without scrolling, before a place far from what is loaded is fetched
const CALM_MS = 30; // between drawings of what comes live

export class Pane {
  #viewport;
  #room = new Room();
  // {offset, top, fleeting}: where the reader goes, once it is loaded; `top`: to the screen's top;
  // `fleeting`: until the reader scrolls on
  #place = null;
  #selected = null; // an offset
  #drawing = false; // a frame is asked for
  #urgent = false;
  #drawn = 0; // when it was drawn last
  #since = false; // times since the run's start
  #steady = null;
  #hooks;
  #context = {
    find: null,
    elapsed: (event, always = this.#since) => (always ? this.#elapsed(event) : null),
    full: (event) => this.source.full(event),
    viewers,
    raw: (row) => rawView(row, (offset) => this.source.exact(offset)),
  };

  /** @type {import("./source.js").Source | null} */
  source = null;

  /** @param {{drawn: () => void, selected: (offset: number) => void, search: () => void}} hooks */
  constructor(hooks) {
    this.#hooks = hooks;
    this.before = element("div", "room before");
    this.feed = element("div", "feed");
    this.after = element("div", "room after");
    this.feed.setAttribute("role", "feed"); // a list of which only a part is in the document
    this.feed.setAttribute("aria-label", "Events");
    this.scroller = element("div", "scroller", this.before, this.feed, this.after);
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute("role", "region");
    this.scroller.setAttribute("aria-label", "Event list");
    this.#viewport = new Viewport(this, {
      draw: (row) => drawRow(row, this.#context),
      refresh: (node, row) => refreshRow(node, row, this.#context),
      resized: () => this.later(false),
    });
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    listen(this);
  }

  get following() {
    return this.#viewport.following;
  }

  /** Whether there is nothing below the screen, followed or not. */
  get isAtEnd() {
    return this.source.history.atEnd && this.#viewport.edges().below <= 2;
  }

  /** Another session, from its end or around an offset. */
  show(source, at = null) {
    this.source = source;
    this.#room.forget();
    this.#selected = at;
    this.#place = at === null ? null : { offset: at };
    this.#viewport.following = at === null;
    this.#viewport.beginWith(null);
    this.#viewport.rows = []; // another session's
    this.#viewport.room = { before: 0, after: 0 };
    this.#viewport.draw();
    this.refilter();
  }

  /** The source has another filter: the reader stays about where it is. */
  refilter() {
    this.#context.find = finder(this.source.filter.text);
    this.#viewport.invalidate();
    this.#room.forget();
    if (!this.following && this.#place === null) this.#place = this.#whereItIs();
    this.#load();
    this.later();
  }

  reveal(offset) {
    this.#viewport.following = false;
    this.#place = { offset };
    this.select(offset);
    this.later();
  }

  search() {
    this.#hooks.search();
  }

  toEnd() {
    this.#place = null;
    this.#viewport.following = true;
    this.later();
  }

  /** @returns {boolean} whether times are since the run's start now */
  switchClock() {
    this.#since = !this.#since;
    this.#viewport.invalidate();
    this.later();
    return this.#since;
  }

  /**
   * Draws in the next frame. What came live may wait for another one: nobody reads sixty new lines
   * a second, and the rest of the page needs frames too.
   */
  later(urgent = true) {
    this.#urgent ||= urgent;
    if (this.#drawing || this.source === null) return;
    this.#drawing = true;
    requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now) {
    if (!this.#urgent && now - this.#drawn < CALM_MS) {
      requestAnimationFrame((later) => this.#frame(later));
      return;
    }
    this.#drawing = this.#urgent = false;
    this.#drawn = now;
    this.#draw();
  }

  /** The source has something new. @param {{all: boolean}} [what] all: in every row */
  changed({ all = false } = {}) {
    if (all) this.#viewport.invalidate();
    this.later();
  }

  /** Selects the next row, or the one before. @param {1 | -1} by */
  move(by) {
    const { shown } = this.source;
    let next = this.#begin(by) + by;
    while (shown[next]?.note !== undefined) next += by;
    const row = shown[next];
    if (row === undefined) return;
    this.leave();
    this.#viewport.aim(row, true);
    this.select(row.key);
    this.#viewport.draw();
    this.#viewport.nodeOf(row)?.focus({ preventScroll: true });
    this.later();
  }

  #begin(by) {
    const { shown } = this.source;
    const current = this.current;
    if (current) return shown.indexOf(current);
    if (this.following) return by < 0 ? shown.length : shown.length - 2;
    return shown.indexOf(this.source.rowNear(this.#topmost() ?? 0)) - by;
  }

  #draw() {
    const { source } = this;
    const { history, shown } = source;
    if (history.loaded) {
      this.#viewport.rows = shown;
      this.#viewport.translate((row) => (row.note ? row : source.rowNear(row.last)));
      this.#aim();
      this.#room.learn(total(shown, this.#viewport.columns), history.hi - history.lo + 1);
      this.#viewport.room = this.#room.around(history);
      this.#viewport.draw();
    }
    this.#load();
    this.#hooks.drawn();
  }

  #aim() {
    if (this.#place === null) return;
    const { history, landed } = this.source;
    const offset = within(this.#place.offset, history);
    if ((offset < history.lo || offset > history.hi) && offset !== landed) return;
    const row = this.source.rowNear(offset);
    const { top } = this.#place;
    this.#place = null;
    if (top) this.#viewport.beginWith(row);
    else if (row !== null) {
      this.#mark(true);
      this.#viewport.aim(row);
    }
  }

  /** What the reader needs next is fetched, and what is not needed any more is not. */
  #load() {
    const { source, following } = this;
    const wish = need(source.history, {
      following,
      place: this.#place?.offset ?? null,
      steady: this.#steady === null,
      edges: this.#viewport.edges(),
    });
    source.want(wish?.kind === "far" ? this.#far() : wish);
    const { busy } = source;
    this.feed.setAttribute("aria-busy", busy === "end" || busy === "around");
    this.before.classList.toggle("loading", busy === "back");
    this.after.classList.toggle("loading", busy === "forward");
  }

  #far() {
    const { history } = this.source;
    const { above, below, height } = this.#viewport.edges();
    const offset =
      above < -height
        ? this.#room.offsetBefore(this.scroller.scrollTop, history)
        : this.#room.offsetAfter(-below - height, history);
    this.#place = { offset, top: true, fleeting: true };
    return { kind: "around", offset };
  }

  #scrolled() {
    if (this.source === null) return;
    clearTimeout(this.#steady);
    this.#steady = setTimeout(() => {
      this.#steady = null;
      this.later();
    }, STEADY_MS);
    if (this.#place?.fleeting) this.#place = null;
    if (this.#viewport.scrolled()) this.toEnd();
    this.later();
  }

  /** The reader looks at something: the end must not carry it away. */
  leave() {
    const { scrollHeight, clientHeight } = this.scroller;
    if (!this.following || scrollHeight <= clientHeight) return;
    this.#viewport.leave();
    this.later();
  }

  /** The selected row if it is on the screen, else the first one there. */
  #whereItIs() {
    const [node, screen] = [this.#viewport.nodeOf(this.current), this.scroller];
    const [row, list] = [node?.getBoundingClientRect(), screen.getBoundingClientRect()];
    if (row && row.bottom > list.top && row.top < list.bottom) return { offset: this.#selected };
    return { offset: this.#topmost() ?? this.source.history.last, top: true };
  }

  #topmost() {
    const { top } = this.scroller.getBoundingClientRect();
    for (const node of this.feed.children) {
      if (node.dataset.offset && node.getBoundingClientRect().bottom > top) {
        return Number(node.dataset.offset);
      }
    }
    return null;
  }

  /** @returns {import("./rows.js").Row | null} the selected one, where it is loaded */
  get current() {
    return this.#selected === null ? null : (this.source.rows.at(this.#selected) ?? null);
  }

  /** Opens or closes a part of a row. @param {"open" | "all" | "raw"} part */
  toggle(row, part) {
    if (row === null) return;
    this.leave();
    const { view } = row;
    if (part === "raw") view.raw = view.raw ? null : { at: 0, asIs: false };
    else view[part] = !view[part];
    view.drawn = undefined;
    row.version += 1;
    this.later();
  }

  /** @param {number} offset of an event whose row is loaded, or will be */
  select(offset) {
    if (offset === this.#selected) return;
    this.#mark(false);
    this.#selected = offset;
    this.#mark(true);
    this.#hooks.selected(offset);
    this.later();
  }

  #mark(current) {
    const row = this.current;
    if (row === null || Boolean(row.view.current) === current) return;
    row.view.current = current;
    row.version += 1;
  }

  #elapsed({ run, time }) {
    const seconds = this.source.starts.since(run, time);
    return seconds === null ? null : `+${duration(seconds)}`;
  }
}

// The list's window into its rows: those on the screen, and some beside it, are in the document, in
// its flow; room above and below stands for all others. What the reader looks at stays where it is,
// whatever is measured, loaded or grows above it.

import { heightOf, slice, sliceBefore, total } from "./geometry.js";

const BESIDE = 0.6; // of the screen, above and below it
const ABOVE_END = 0.2; // of the screen, above it while the end is followed: lines go by fast there
const TRIES = 4; // to cover the screen, where heights were guessed too large
const NEAR = 2; // pixels from the end that are the end

export class Viewport {
  #scroller;
  #feed;
  #before;
  #after;
  #artist;
  #nodes = new Map(); // a row's `view` → {node, version, stamp}
  #drawn = []; // rows, in order
  #anchor = null; // {row, at}: a row, and where on the screen its top is
  #top = 0;
  #stamp = 0;
  #width = 0;

  /** @type {import("./rows.js").Row[]} */
  rows = [];
  room = { before: 0, after: 0 };
  following = true;
  columns = 100;

  /**
   * @param {{scroller: Element, feed: Element, before: Element, after: Element}} parts
   * @param {{draw: Function, refresh: Function, resized: Function}} artist
   */
  constructor({ scroller, feed, before, after }, artist) {
    this.#scroller = scroller;
    this.#feed = feed;
    this.#before = before;
    this.#after = after;
    this.#artist = artist;
    new ResizeObserver(() => this.#resized()).observe(scroller);
    new ResizeObserver(() => this.#settle()).observe(feed);
  }

  /** Every row is drawn anew, for what is shown of all of them has changed. */
  invalidate() {
    this.#stamp += 1;
  }

  /** @returns {HTMLElement | undefined} */
  nodeOf(row) {
    return this.#nodes.get(row?.view)?.node;
  }

  /** The next drawing shows the row, in the middle, or where it is if that is on the screen. */
  aim(row, gently = false) {
    const node = this.nodeOf(row);
    const height = this.#scroller.clientHeight;
    this.following = false;
    if (gently && node) {
      const [top, size] = [this.#topOf(node), node.offsetHeight];
      const at = size > height ? 0 : Math.max(4, Math.min(top, height - size - 4));
      this.#anchor = { row, at };
    } else {
      this.#anchor = { row, at: gently ? 4 : Math.floor(height / 3) };
    }
  }

  /** The next drawing begins with the row. */
  beginWith(row) {
    this.#anchor = row ? { row, at: 0 } : null;
  }

  /** A row that was made anew takes the place of the one that the reader looked at. */
  translate(renewed) {
    if (this.#anchor === null) return;
    const row = renewed(this.#anchor.row);
    this.#anchor = row ? { ...this.#anchor, row } : null;
  }

  /** @returns {{above: number, below: number, height: number}} pixels of loaded rows outside */
  edges() {
    const { scrollTop, clientHeight } = this.#scroller;
    const above = scrollTop - this.room.before;
    const below = total(this.rows, this.columns) - above - clientHeight;
    return { above, below, height: clientHeight };
  }

  /** @returns {boolean} whether the reader went to the end by this */
  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const left = scrollHeight - clientHeight - scrollTop;
    // What this class did itself ends at #top: only the reader scrolls elsewhere.
    const arrived = left <= NEAR && scrollTop > this.#top;
    if (scrollTop < this.#top - 1 && left > NEAR) this.following = false;
    this.#top = scrollTop;
    if (!this.following) this.#anchor = this.#lookedAt();
    return arrived;
  }

  /** The reader does not follow the end any more. */
  leave() {
    this.following = false;
    this.#anchor = this.#lookedAt();
  }

  draw() {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const drawn = this.#slice();
      this.#patch(this.rows.slice(drawn.start, drawn.end));
      setHeight(this.#before, this.room.before + drawn.above);
      setHeight(this.#after, this.room.after + drawn.below);
      this.#hold();
      this.#measure();
      if (this.#covers(drawn)) break;
    }
    if (!this.following) this.#anchor = this.#lookedAt();
  }

  #slice() {
    const { scrollTop, clientHeight } = this.#scroller;
    const { rows, columns } = this;
    const beside = clientHeight * BESIDE;
    const at = this.#anchor === null ? -1 : rows.indexOf(this.#anchor.row);
    if (this.following) {
      const start = sliceBefore(rows, rows.length, clientHeight * (1 + ABOVE_END), columns);
      return this.#between(start, rows.length);
    }
    if (at === -1) {
      const top = scrollTop - this.room.before;
      return slice(rows, top - beside, top + clientHeight + beside, columns);
    }
    const start = sliceBefore(rows, at, this.#anchor.at + beside, columns);
    let [end, y] = [at, this.#anchor.at];
    while (end < rows.length && (y < clientHeight + beside || end === at)) {
      y += heightOf(rows[end++], columns);
    }
    return this.#between(start, end);
  }

  #between(start, end) {
    const { rows, columns } = this;
    return { start, end, above: total(rows, columns, 0, start), below: total(rows, columns, end) };
  }

  #patch(wanted) {
    this.#drawn = wanted;
    const views = new Set(wanted.map(({ view }) => view));
    for (const [view, { node }] of this.#nodes) {
      if (views.has(view)) continue;
      // The focus must not fall out of the list with the row that had it.
      if (node.contains(document.activeElement)) this.#scroller.focus({ preventScroll: true });
      node.remove();
      this.#nodes.delete(view);
    }
    let next = this.#feed.firstChild;
    for (const row of wanted) {
      const node = this.#fresh(row);
      if (node === next) next = next.nextSibling;
      else this.#feed.insertBefore(node, next);
    }
  }

  #fresh(row) {
    let known = this.#nodes.get(row.view);
    if (known === undefined) {
      known = { node: this.#artist.draw(row), version: row.version, stamp: this.#stamp };
      this.#nodes.set(row.view, known);
    } else if (known.version !== row.version || known.stamp !== this.#stamp) {
      this.#artist.refresh(known.node, row);
      Object.assign(known, { version: row.version, stamp: this.#stamp });
    }
    return known.node;
  }

  /** Scrolls so that the reader sees what is wanted, or what was there before. */
  #hold() {
    if (this.following) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
    } else {
      const node = this.nodeOf(this.#anchor?.row);
      const moved = node ? this.#topOf(node) - this.#anchor.at : 0;
      if (Math.abs(moved) >= 0.5) this.#scroller.scrollTop += moved;
    }
    this.#top = this.#scroller.scrollTop;
  }

  #measure() {
    for (const [view, { node }] of this.#nodes) view.height = node.getBoundingClientRect().height;
  }

  #covers({ start, end }) {
    const screen = this.#scroller.getBoundingClientRect();
    const feed = this.#feed.getBoundingClientRect();
    const above = start === 0 || feed.top <= screen.top;
    return above && (end === this.rows.length || feed.bottom >= screen.bottom);
  }

  #lookedAt() {
    const screen = this.#scroller.getBoundingClientRect();
    for (const row of this.#drawn) {
      const node = row.note === undefined ? this.nodeOf(row) : undefined;
      if (node === undefined) continue;
      const { top, bottom } = node.getBoundingClientRect();
      if (bottom > screen.top && top < screen.bottom) return { row, at: top - screen.top };
    }
    return null;
  }

  #topOf(node) {
    return node.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
  }

  /** Something in the rows grew or shrank by itself: unfolded, or came into view. */
  #settle() {
    this.#hold();
    this.#measure();
    this.#artist.resized();
  }

  #resized() {
    const { clientWidth } = this.#scroller;
    if (clientWidth !== this.#width) {
      this.#width = clientWidth;
      this.columns = Math.max(30, Math.floor((clientWidth - (clientWidth > 700 ? 430 : 30)) / 7));
      for (const row of this.rows) row.view.height = 0;
    }
    this.#hold();
    this.#artist.resized();
  }
}

function setHeight(node, pixels) {
  const height = `${Math.round(pixels)}px`;
  if (node.style.height !== height) node.style.setProperty("height", height);
}

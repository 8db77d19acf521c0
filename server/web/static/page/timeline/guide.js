// The way of the focus from bar to bar, and the tooltip of the one that is looked at.

import { Tip } from "./tip.js";
import { story } from "./words.js";

export class Guide {
  #stage;
  #at = null; // the offset whose node the Tab key reaches
  #shown = null; // the node with the tooltip

  tip = new Tip();

  /** @param {import("./stage.js").Stage} stage */
  constructor(stage) {
    this.#stage = stage;
    const { plot } = stage;
    plot.addEventListener("pointerover", ({ target, clientX, pointerType }) => {
      if (pointerType !== "touch") this.#explain(target.closest("button"), clientX);
    });
    plot.addEventListener("pointerleave", () => this.hush());
    plot.addEventListener("focusin", ({ target }) => this.#focused(target));
    plot.addEventListener("focusout", () => this.hush());
  }

  /** Whether a bar or a mark has the focus. */
  get inside() {
    return this.#stage.canvas.itemOf(document.activeElement) !== undefined;
  }

  forget() {
    this.#at = null;
    this.hush();
  }

  hush() {
    this.#shown = null;
    this.tip.hide();
  }

  /** After a drawing: one node is in the order of the Tab key, and the focus has not got lost. */
  settle(hadFocus) {
    const { canvas, plot } = this.#stage;
    const node = canvas.nodeOf(this.#at) ?? canvas.nodeOf(canvas.items[0]?.of[0].offset);
    for (const each of canvas.bars.querySelectorAll('[tabindex="0"]')) {
      if (each !== node) each.tabIndex = -1;
    }
    if (node) node.tabIndex = 0;
    if (hadFocus && !this.inside) (canvas.nodeOf(this.#at) ?? plot).focus({ preventScroll: true });
    this.refresh();
  }

  /** Time has passed: what the tooltip says may have changed. */
  refresh() {
    const item = this.#shown?.isConnected && this.#stage.canvas.itemOf(this.#shown);
    if (item) this.tip.say(story(item, this.#stage.run, this.#stage.elapsed));
    else if (this.#shown !== null) this.hush();
  }

  /** From the focused one to the next in its row, or to the one in another row at that time. */
  go(by, down) {
    const { rows, canvas } = this.#stage;
    const item = canvas.itemOf(document.activeElement);
    const row = item.row + down;
    if (row < 0 || row >= rows.count) return;
    const entries = rows.entries(row);
    if (down !== 0) this.#goTo(row, nearest(entries, item.of[0].start ?? item.of[0].started));
    else this.#goTo(row, beyond(entries, item, by));
  }

  /** To the first or the last one of its row. */
  goToEnd(last) {
    const { row } = this.#stage.canvas.itemOf(document.activeElement);
    this.#goTo(row, this.#stage.rows.entries(row).at(last ? -1 : 0));
  }

  #goTo(row, entry) {
    if (!entry) return;
    this.#stage.bring(row, entry);
    this.#at = entry.offset;
    this.settle(false);
    this.#stage.canvas.nodeOf(entry.offset)?.focus({ preventScroll: true });
  }

  #focused(node) {
    const item = this.#stage.canvas.itemOf(node);
    if (!item) return;
    if (!item.of.some(({ offset }) => offset === this.#at)) {
      this.#at = item.of[0].offset;
      this.settle(false);
    }
    if (node.matches(":focus-visible")) this.#explain(node, null);
  }

  #explain(node, x) {
    const item = this.#stage.canvas.itemOf(node);
    if (!item) {
      this.hush();
      return;
    }
    this.#shown = node;
    const bar = node.getBoundingClientRect();
    const { left } = this.#stage.plot.getBoundingClientRect();
    this.tip.say(story(item, this.#stage.run, this.#stage.elapsed));
    this.tip.place(bar, x ?? Math.max(bar.left, left));
  }
}

function nearest(entries, start) {
  const away = (entry) => Math.abs(entry.start - start);
  return entries.reduce((best, entry) => (best && away(best) <= away(entry) ? best : entry), null);
}

/** The next entry that the item does not stand for itself. */
function beyond(entries, { of }, by) {
  const own = new Set(of.map(({ offset }) => offset));
  const edge = by > 0 ? entries.findLastIndex(has) : entries.findIndex(has);
  function has({ offset }) {
    return own.has(offset);
  }
  return entries[edge + by];
}

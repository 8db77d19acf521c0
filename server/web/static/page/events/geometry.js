// Where rows lie that are not in the document: heights, and the room of events that are not loaded.
// Pure; lengths in CSS pixels.

const LINE = 26; // a row of one line
const TEXT_LINE = 20;
const TALLEST = 6_000_000; // of a spacer; browsers end at about 17 million
const LONGEST = 1500; // characters of a message that are shown at first

/** @returns {number} what a row measured last, else a guess */
export function heightOf(row, columns = 100) {
  if (row.view.height > 0) return row.view.height;
  if (row.text === "") return LINE;
  return LINE + TEXT_LINE * Math.floor(Math.min(row.text.length, LONGEST) / columns);
}

/**
 * Which rows to draw, so that `top…bottom` is covered.
 *
 * @param {object[]} rows
 * @param {number} top counted from the first row's top
 * @returns {{start: number, end: number, above: number, below: number}} rows `start…end-1`, and the
 *   heights of those before and after
 */
export function slice(rows, top, bottom, columns) {
  let [start, y] = [0, 0];
  while (start < rows.length - 1) {
    const height = heightOf(rows[start], columns);
    if (y + height > top) break;
    y += height;
    start += 1;
  }
  const above = y;
  let end = start;
  while (end < rows.length && (y < bottom || end === start)) y += heightOf(rows[end++], columns);
  const to = y;
  for (let at = end; at < rows.length; at += 1) y += heightOf(rows[at], columns);
  return { start, end, above, below: y - to };
}

/** The same for a reader at the end, or at any row: as many as cover `room` before `end`. */
export function sliceBefore(rows, end, room, columns) {
  let [start, covered] = [end, 0];
  while (start > 0 && covered < room) covered += heightOf(rows[--start], columns);
  return start;
}

export function total(rows, columns, from = 0, to = rows.length) {
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += heightOf(rows[at], columns);
  return sum;
}

/** The room of what is not loaded: so many pixels for an offset, the same all the time. */
export class Room {
  #each = 0;

  /** From the first stretch that was loaded: its rows' height, and its number of offsets. */
  learn(height, offsets) {
    if (this.#each === 0 && offsets > 0) this.#each = height / offsets;
  }

  get learned() {
    return this.#each > 0;
  }

  forget() {
    this.#each = 0;
  }

  /** @param {{first: number, last: number, lo: number, hi: number}} history */
  around(history) {
    const each = this.#pixels(history);
    return {
      before: Math.max(0, history.lo - history.first) * each,
      after: Math.max(0, history.last - history.hi) * each,
    };
  }

  /** @returns {number} the offset at a height before the loaded rows (from the top of all) */
  offsetBefore(y, history) {
    const offset = history.first + Math.floor(y / (this.#pixels(history) || 1));
    return Math.max(history.first, Math.min(history.lo - 1, offset));
  }

  /** @returns {number} the offset at a height after the loaded rows (from their end) */
  offsetAfter(y, history) {
    const offset = history.hi + 1 + Math.floor(y / (this.#pixels(history) || 1));
    return Math.max(history.hi + 1, Math.min(history.last, offset));
  }

  #pixels({ first, last }) {
    return Math.min(this.#each, TALLEST / Math.max(1, last - first + 1));
  }
}

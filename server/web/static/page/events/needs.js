// What a reader needs next of the log, from where the reader is. Pure.

const MARGIN = 1.5; // screens of loaded rows beside the reader; with less, more is loaded
const FAR = 3000; // events between the window and the end, over which following jumps

/**
 * @param {import("./history.js").History} history
 * @param {object} reader
 * @param {boolean} reader.following
 * @param {number | null} reader.place an offset to go to
 * @param {boolean} reader.steady false while scrolling: places on the way are not fetched
 * @param {{above: number, below: number, height: number}} reader.edges pixels of loaded rows above
 *   and below the screen, negative where it shows what is not loaded; the screen's height
 * @returns {import("./source.js").Wish | {kind: "far"} | null} `far`: nothing is loaded where it is
 */
export function need(history, { following, place, steady, edges }) {
  if (place !== null) return { kind: "around", offset: within(place, history) };
  if (!history.loaded) return { kind: "end" };
  const { above, below, height } = edges;
  if (!following && isBeside(history, edges)) return steady ? { kind: "far" } : null;
  if (following && history.last - history.hi > FAR) return { kind: "end" };
  const [start, end] = [above < height * MARGIN, below < height * MARGIN];
  // Where few rows are all that is loaded, loading at one end would evict what is seen at the other.
  const free = history.roomy || !(start && end);
  if (!history.atEnd && (following || (end && free))) return { kind: "forward" };
  return start && free && !history.atStart ? { kind: "back" } : null;
}

function isBeside(history, { above, below, height }) {
  return (above < -height && !history.atStart) || (below < -height && !history.atEnd);
}

/** @returns {number} the offset, or the nearest one that the log has */
export function within(offset, { first, last }) {
  return Math.max(first, Math.min(last, offset));
}

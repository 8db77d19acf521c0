// What is drawn of a run, and where: pure. Only what is in sight, and what would fall on the same
// pixels as one: a lane may hold thousands of blocks.

const EDGE = 24; // pixels beyond the sides: a bar's ends must not be seen where it goes on
const NARROW = 3; // pixels that the narrowest bar has
const GAP = 2;
const SIGN = 9; // pixels of an artifact's or a hand-off's sign
const TRACKS = 3; // tools side by side in one block

/**
 * @typedef {object} Item one thing to draw
 * @property {string} key the same as long as it is the same thing
 * @property {"run" | "span" | "tool" | "artifact" | "handoff" | "question"} kind
 * @property {number} row
 * @property {number} x pixels
 * @property {number} width pixels
 * @property {boolean} open goes on until now
 * @property {number} track which of `tracks` tools side by side; 0 of 1 for all else
 * @property {number} tracks
 * @property {number} room pixels to the next bar of the row
 * @property {object[]} of the run, the spans or the marks that it stands for; mostly one
 * @property {import("../run/shapes.js").Span | null} span the block that a mark stands in
 */

/**
 * @param {import("./lanes.js").Rows} rows
 * @param {import("../run/run-outline.js").RunOutline} run
 * @param {{from: number, to: number, width: number, first: number, last: number,
 *   now: number}} sight `from`, `to`, `now`: ms since the run's start; the rows `first` to `last`
 * @returns {Item[]} by row, each bar before its marks
 */
export function plan(rows, run, sight) {
  const place = placer(run, sight);
  const items = [];
  for (let row = sight.first; row <= Math.min(sight.last, rows.count - 1); row += 1) {
    if (row === 0) items.push(...runRow(run, place));
    else items.push(...laneRow(rows.spans(row), row, place, sight.width));
  }
  return items;
}

/** Where something stands, or null where it is out of sight. `open` reaches until now. */
function placer(run, { from, to, width, now }) {
  const scale = width / (to - from);
  const at = (time) => (time - from) * scale;
  return ({ start, end }, limit = null) => {
    const open = end === null && limit === null;
    const left = at(start - run.started);
    const until = end ?? limit;
    const right = Math.max(left, at(open ? now : until - run.started));
    if (right < -EDGE || left > width + EDGE) return null;
    const [x, over] = [Math.max(left, -EDGE), Math.min(right, width + EDGE)];
    return { x, width: Math.max(over - x, 0), open, at: left };
  };
}

function runRow(run, place) {
  const placed = place({ start: run.started, end: run.ended });
  const bars = placed ? [item("run", 0, placed, [run], null)] : [];
  for (const bar of bars) bar.width = Math.max(bar.width, NARROW);
  return [...bars, ...marksOf(run.marks, 0, place, null, run.ended)];
}

function laneRow(spans, row, place, end) {
  const placed = [];
  for (const span of spans) {
    const found = place(span);
    if (found) placed.push(item("span", row, found, [span], null));
  }
  const bars = merged(placed, NARROW, GAP);
  bars.forEach((bar, index) => {
    bar.width = Math.max(bar.width, NARROW);
    bar.room = (bars[index + 1]?.x ?? end) - bar.x - bar.width;
  });
  return bars.flatMap((bar) => {
    if (bar.of.length > 1) return [bar]; // too narrow for what is in them
    const [span] = bar.of;
    return [bar, ...marksOf(span.marks, row, place, span, span.end)];
  });
}

function marksOf(marks, row, place, span, limit) {
  const kinds = { tool: [], question: [], artifact: [], handoff: [] };
  for (const mark of marks) {
    // What waited for a result when its block ended waits no longer.
    const found = place(mark, mark.end ?? (limit === null ? null : Math.max(limit, mark.start)));
    if (found) kinds[mark.kind].push(item(mark.kind, row, found, [mark], span));
  }
  for (const kind of ["artifact", "handoff"]) {
    for (const sign of kinds[kind]) Object.assign(sign, { x: sign.at - SIGN / 2, width: SIGN });
  }
  const tools = tracked(merged(kinds.tool, NARROW, 1));
  for (const bar of tools) bar.width = Math.max(bar.width, NARROW);
  const signs = [...merged(kinds.artifact, SIGN, 0), ...merged(kinds.handoff, SIGN, -SIGN / 2)];
  return [...tools, ...merged(kinds.question, NARROW, GAP), ...signs];
}

function item(kind, row, { x, width, open, at }, of, span) {
  const key = `${kind} ${of[0].offset}`;
  return { key, kind, row, x, width, open, at, track: 0, tracks: 1, room: Infinity, of, span };
}

/**
 * Joins neighbours of which none is wider than `narrow` and that stand no more than `gap` apart.
 *
 * @param {Item[]} items of one row and kind
 * @returns {Item[]} by x
 */
export function merged(items, narrow, gap) {
  const found = [];
  let last = null; // the cluster that may still grow
  for (const next of items.sort((a, b) => a.x - b.x)) {
    const fits = last !== null && next.width <= narrow && !next.open;
    if (fits && next.x <= last.x + Math.max(last.width, narrow) + gap) {
      last.width = Math.max(last.width, next.x + next.width - last.x);
      last.of.push(...next.of);
      continue;
    }
    found.push(next);
    last = next.width <= narrow && !next.open ? next : null;
  }
  return found;
}

/** Bars that overlap get tracks of their own, as far as there are tracks. */
function tracked(bars) {
  const ends = [];
  for (const bar of bars) {
    const free = ends.findIndex((end) => end <= bar.x + 0.5);
    if (free >= 0) bar.track = free;
    else bar.track = ends.length < TRACKS ? ends.length : ends.indexOf(Math.min(...ends));
    ends[bar.track] = bar.x + Math.max(bar.width, NARROW);
  }
  for (const bar of bars) bar.tracks = Math.max(1, ends.length);
  return bars;
}

/**
 * The lines from hand-offs to the blocks that they led to, as far as one end of them is in sight.
 *
 * @param {Item[]} items
 * @param {(time: number) => number} x
 * @returns {{key: string, x: number, row: number, toX: number, toRow: number, mark: object}[]}
 */
export function connectors(items, rows, x) {
  const found = [];
  for (const { kind, of, row, key, at } of items) {
    if (kind !== "handoff") continue;
    for (const mark of of.filter(({ next }) => next)) {
      const { start, lane } = mark.next;
      found.push({ key, x: at, row, toX: x(start), toRow: rows.rowOf(lane), mark });
    }
  }
  return found;
}

/**
 * How many blocks were open, over the whole run: for the overview.
 *
 * @returns {number[]} the most at once, for each of `columns` parts of the time until `end`
 */
export function activity(run, end, columns, now) {
  const change = new Array(columns + 1).fill(0);
  const column = (time) => {
    const share = (time - run.started) / end;
    return Math.min(columns - 1, Math.max(0, Math.floor(share * columns)));
  };
  for (const span of run.spans) {
    change[column(span.start)] += 1;
    change[column(span.end ?? run.started + now) + 1] -= 1;
  }
  let open = 0;
  return change.slice(0, columns).map((by) => (open += by));
}

// What a chart draws, in pixels: pure, apart from being made of numbers and texts only.

import { thinned } from "./downsample.js";
import { linearTicks, logTicks, scale, timeTicks, widened } from "./scale.js";

const DASHES = ["", "7 3", "2 3", "9 3 2 3"];
const LETTER = 6.7; // a digit's width at the size of the labels
const TOP = 10;
const BOTTOM = 24;
const RIGHT = 14;
const GROUP_NAMES = 18;
const LABEL_ROOM = 62;
const TICK_ROOM = 38;

/**
 * @typedef {object} Plot
 * @property {{left: number, right: number, top: number, bottom: number}} area
 * @property {(x: number) => number} x
 * @property {(y: number) => number} y
 * @property {(pixel: number) => number} xAt what lies there
 * @property {{at: number, label: string}[]} xTicks at their pixels
 * @property {{at: number, label: string}[]} yTicks
 * @property {{left: number, right: number, name: string}[]} groups
 * @property {{index: number, path: string}[]} paths of the series that are shown
 */

/**
 * @param {import("./series.js").Lines} lines
 * @param {{width: number, height: number, log: boolean, hidden: Set<number>}} how
 * @returns {Plot}
 */
export function plot(lines, { width, height, log, hidden }) {
  const shown = lines.series.map((series, index) => ({ ...series, index }));
  const seen = shown.filter(({ index }) => !hidden.has(index));
  const [found, ys] = [domain(shown, 0), domain(seen, 1)];
  const xs = lines.names.length ? [found[0] - 0.5, found[1] + 0.5] : found;
  const top = TOP + (lines.groups.length ? GROUP_NAMES : 0);
  const bottom = height - BOTTOM;
  const yMost = Math.max(2, Math.floor((bottom - top) / TICK_ROOM));
  const values = (log ? logTicks : linearTicks)(ys, yMost);
  const longest = Math.max(2, ...values.map(({ label }) => label.length));
  const area = { left: Math.ceil(longest * LETTER) + 10, right: width - RIGHT, top, bottom };
  const x = scale(xs, [area.left, area.right]);
  const y = scale(ys, [bottom, top], log);
  return {
    area,
    x,
    y,
    xAt: scale([area.left, area.right], xs),
    xTicks: xTicks(lines, xs, area).map(({ at, label }) => ({ at: x(at), label })),
    yTicks: values.map(({ at, label }) => ({ at: y(at), label })),
    groups: lines.groups.map(({ name, from, to }) => ({ name, left: x(from), right: x(to) })),
    paths: seen.map(({ index, points }) => ({ index, path: pathOf(lines, points, x, y) })),
  };
}

/** @returns {string} the stroke's pattern: lines must be told apart without their colours too */
export function dashOf(index) {
  return DASHES[(index + Math.floor(index / 8)) % DASHES.length];
}

/** @returns {boolean} whether every value could stand on a scale of logarithms */
export function canLog({ series }) {
  let found = false;
  for (const { points } of series) {
    for (const [, y] of points) {
      if (y === null) continue;
      if (y <= 0) return false;
      found = true;
    }
  }
  return found;
}

/** @returns {Float64Array} every x, growing */
export function allX({ series }) {
  const all = new Float64Array(series.reduce((sum, { points }) => sum + points.length, 0));
  let at = 0;
  for (const { points } of series) for (const [x] of points) all[at++] = x;
  all.sort();
  return all.filter((x, index) => index === 0 || x !== all[index - 1]);
}

/** @returns {number | null | undefined} of points by growing x the y at an x; null in a hole */
export function valueAt(points, x) {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < x) low = middle + 1;
    else high = middle;
  }
  return points[low]?.[0] === x ? points[low][1] : undefined;
}

function domain(series, of) {
  let [low, high] = [Infinity, -Infinity];
  for (const { points } of series) {
    for (const point of points) {
      const value = point[of];
      if (value === null || point[1] === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return widened(low, high);
}

function xTicks({ time, names }, [low, high], { left, right }) {
  const most = Math.max(1, Math.floor((right - left) / LABEL_ROOM));
  if (time) return timeTicks([low, high], most);
  if (names.length === 0) return linearTicks([low, high], most);
  const every = Math.ceil(names.length / most);
  return names
    .map((name, at) => ({ at, label: name.length > 9 ? `${name.slice(0, 8)}…` : name }))
    .filter((_, index) => index % every === 0);
}

/** Things without an order are dots: a line of no length, which a round end makes visible. */
function pathOf({ groups, ordered }, points, x, y) {
  if (!ordered) {
    const seen = points.filter((point) => point[1] !== null);
    return [...new Set(seen.map((point) => `M${pixels(point, x, y)}h0`))].join("");
  }
  return pieces(points, groups)
    .map((piece) => {
      const path = thinned(piece, x).map((point) => pixels(point, x, y));
      return path.length === 1 ? `M${path[0]}h0` : `M${path.join("L")}`;
    })
    .join("");
}

/** A line breaks where a value is missing, and where another group begins. */
function pieces(points, groups) {
  const found = [];
  let [piece, group] = [[], 0];
  const end = () => {
    if (piece.length) found.push(piece);
    piece = [];
  };
  for (const point of points) {
    while (group < groups.length && point[0] > groups[group].to) {
      group += 1;
      end();
    }
    if (point[1] === null) end();
    else piece.push(point);
  }
  end();
  return found;
}

function pixels([x, y], toX, toY) {
  return `${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`;
}

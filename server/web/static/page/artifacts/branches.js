// What a tree of JSON says on each of its lines: pure.

import { count } from "../format.js";
import { quoted } from "./visible.js";

const SHORT = 160; // characters of a string that stand on its line
const PREVIEW = 60;
const LINES_AT_FIRST = 40;

/**
 * @typedef {object} Branch
 * @property {"object" | "array" | "text" | "string" | "number" | "boolean" | "null"} type
 *   "text" is a string that is too long for a line
 * @property {string} line what stands beside the key
 * @property {number} size of what it holds: entries or characters; 0 where it does not open
 */

/** @returns {Branch} */
export function branchOf(value) {
  if (Array.isArray(value)) {
    return { type: "array", line: value.length ? preview(value) : "[]", size: value.length };
  }
  if (value === null || value === undefined) return { type: "null", line: "null", size: 0 };
  if (typeof value === "object") {
    const { length } = Object.keys(value);
    return { type: "object", line: length ? preview(value) : "{}", size: length };
  }
  if (typeof value !== "string") return { type: typeof value, line: String(value), size: 0 };
  if (value.length <= SHORT) return { type: "string", line: quoted(value), size: 0 };
  const cut = value.slice(0, SHORT / 2);
  return { type: "text", line: `${quoted(cut).slice(0, -1)}…"`, size: value.length };
}

/** @returns {string} how much there is: `3 keys`, `1,200 items`, `8,192 characters` */
export function amount({ type, size }) {
  if (size === 0) return "";
  const [one, more] = {
    array: ["item", "items"],
    object: ["key", "keys"],
    text: ["character", "characters"],
  }[type];
  return `${count(size)} ${size === 1 ? one : more}`;
}

/** @returns {[string | number, unknown][]} some entries; never a lookup by a hostile name */
export function entriesOf(value, from, to) {
  if (Array.isArray(value)) return value.slice(from, to).map((each, i) => [from + i, each]);
  return Object.keys(value)
    .slice(from, to)
    .map((key) => [key, Object.getOwnPropertyDescriptor(value, key).value]);
}

/** @returns {Set<object>} what is open at first: level by level, as long as the lines are few */
export function openAtFirst(root) {
  const open = new Set();
  if (!holds(root)) return open;
  let lines = 0;
  let level = [root];
  while (level.length) {
    const below = [];
    for (const value of level) {
      const { length } = Array.isArray(value) ? value : Object.keys(value);
      if (open.size && lines + length > LINES_AT_FIRST) return open;
      lines += Math.min(100, length);
      open.add(value);
      for (const [, each] of entriesOf(value, 0, 100)) if (holds(each)) below.push(each);
    }
    level = below;
  }
  return open;
}

function holds(value) {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/** The first entries, as long as they fit; what is inside of them is only hinted at. */
function preview(value) {
  const [start, end] = Array.isArray(value) ? "[]" : "{}";
  const parts = [];
  let length = 0;
  for (const [key, each] of entriesOf(value, 0, 12)) {
    const name = typeof key === "number" ? "" : `${quoted(key).slice(1, -1)}: `;
    parts.push(`${name}${hint(each)}`);
    length += parts.at(-1).length + 2;
    if (length > PREVIEW) break;
  }
  const total = Array.isArray(value) ? value.length : Object.keys(value).length;
  const words = parts.join(", ");
  const whole = parts.length === total && words.length <= PREVIEW + 20;
  return `${start}${whole ? words : `${words.slice(0, PREVIEW)}…`}${end}`;
}

function hint(value) {
  if (Array.isArray(value)) return value.length ? "[…]" : "[]";
  if (typeof value === "object" && value !== null) return holds(value) ? "{…}" : "{}";
  if (typeof value !== "string") return String(value);
  return value.length > 24 ? `${quoted(value.slice(0, 22)).slice(0, -1)}…"` : quoted(value);
}

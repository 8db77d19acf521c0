// What an event costs in memory, about, and how a heavy one is made light. Pure.

/** Characters of an event that are kept here; the log has all of them. */
export const HEAVY = 32_768;
const CLIPPED = HEAVY / 4; // the characters of what remains of a heavy one
const LONGEST = CLIPPED / 2; // of a single text in it
const FRAME = 3300; // of an event that has a row of its own, with what is remembered of the row
const PIECE = 600; // of a delta: a message may have thousands, and is one row

/** @returns {number} characters, about */
export function cost({ type, data }) {
  return (type === "agent_delta" ? PIECE : FRAME) + weight(data);
}

function weight(value) {
  if (typeof value === "string") return value.length;
  if (value === null || typeof value !== "object") return 8;
  if (Array.isArray(value)) return value.reduce((total, each) => total + 4 + weight(each), 8);
  let total = 8;
  for (const name in value) total += name.length + 8 + weight(value[name]);
  return total;
}

/**
 * A window of the log must hold more events than the screen has lines, whatever they weigh, or it
 * would evict what it just loaded. So a heavy event is held clipped; `trimmed` is what it weighs.
 *
 * @returns {object} the event, or where it is heavy a copy; it is never changed: others hold it too
 */
export function slim(event) {
  if (event.trimmed || weight(event.data) <= HEAVY) return event;
  return { ...event, data: clip(event.data, { left: CLIPPED }), trimmed: weight(event.data) };
}

function clip(value, purse) {
  if (typeof value === "string") {
    const text = value.slice(0, Math.min(LONGEST, Math.max(0, purse.left)));
    purse.left -= text.length;
    return text;
  }
  purse.left -= 8;
  if (value === null || typeof value !== "object") return value;
  return Array.isArray(value) ? clipArray(value, purse) : clipObject(value, purse);
}

function clipArray(values, purse) {
  const kept = [];
  for (const each of values) {
    if (purse.left <= 0) break;
    kept.push(clip(each, purse));
  }
  return kept;
}

/** Short fields come first: a name must not go because the text before it is long. */
function clipObject(object, purse) {
  const kept = {};
  const entries = Object.entries(object);
  const clipped = new Map();
  for (const [name, each] of entries.slice().sort(([, a], [, b]) => weight(a) - weight(b))) {
    if (purse.left <= 0) break;
    purse.left -= name.length;
    clipped.set(name, clip(each, purse));
  }
  for (const [name] of entries) if (clipped.has(name)) kept[name] = clipped.get(name);
  return kept;
}

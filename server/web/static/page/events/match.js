// What the reader wants to see: types, agents, a run, a text. Pure.

/**
 * @typedef {object} Filter
 * @property {string[]} agents none: all
 * @property {string[]} types none: all
 * @property {string | null} run
 * @property {string} text found in any case
 */

/** @returns {Filter} whatever was given, made whole */
export function filterOf({ agents = [], types = [], run = null, text = "" } = {}) {
  return { agents: [...agents], types: [...types], run: run || null, text: text.trim() };
}

export function isEmpty({ agents, types, run, text }) {
  return agents.length + types.length === 0 && run === null && text === "";
}

export function isSame(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** @returns {(event: object) => boolean} whether an event alone says that it is not wanted */
export function accepts({ agents, types, run }) {
  const [wantedAgents, wantedTypes] = [new Set(agents), new Set(types)];
  return (event) =>
    (types.length === 0 || wantedTypes.has(event.type)) &&
    (agents.length === 0 || wantedAgents.has(event.agent)) &&
    (run === null || event.run === run);
}

/** @returns {RegExp | null} finds the text, whatever signs it has; null for none */
export function finder(text) {
  if (text === "") return null;
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&"), "giu");
}

/** @returns {(row: import("./rows.js").Row) => boolean} */
export function matcher(filter) {
  const find = finder(filter.text);
  const wanted = accepts({ ...filter, types: [] }); // a joined row has several
  return (row) => wanted(row.event) && (find === null || search(find, haystack(row)) !== null);
}

/** What of a row is searched: its words as they are read, and its data as JSON. */
export function haystack({ event, result, text }) {
  const words = [event.type, event.agent ?? ""];
  if (text !== "") return [...words, text].join("\n");
  for (const data of result ? [event.data, result.data] : [event.data]) {
    const json = JSON.stringify(data);
    words.push(json);
    if (json.includes("\\")) collect(data, words); // an escaped text is not what is read
  }
  return words.join("\n");
}

function collect(value, words) {
  if (typeof value === "string") words.push(value);
  else if (value !== null && typeof value === "object") {
    for (const each of Object.values(value)) collect(each, words);
  }
}

/** @returns {{at: number, length: number} | null} the first place */
export function search(find, text) {
  find.lastIndex = 0;
  const found = find.exec(text);
  return found === null ? null : { at: found.index, length: found[0].length };
}

/** @returns {string} what stands around the first place */
export function snippet(find, text, around = 60) {
  const found = search(find, text);
  if (found === null) return "";
  const [from, to] = [Math.max(0, found.at - around), found.at + found.length + around];
  const [before, after] = [from > 0 ? "…" : "", to < text.length ? "…" : ""];
  return before + text.slice(from, to).replace(/\s+/g, " ") + after;
}

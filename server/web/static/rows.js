// What the log shows, as data: which events share a line and which lines are still kept. Pure.

const KEPT = 5000;
const LONGEST_TEXT = 65_536; // characters of one line; the log keeps the rest
const TEXTS = new Set(["agent_delta", "agent_message"]);
const ENDS = new Set(["complete", "error", "cancelled"]);
const AGENT_ENDS = new Set(["agent_complete", "agent_error"]);

/**
 * @typedef {object} Row
 * @property {object | null} event the first event of the line; null for a note
 * @property {number} last the offset of its last event
 * @property {number} count of its events
 * @property {string} text grown from deltas; a note's words
 * @property {boolean} growing more may come
 * @property {boolean} cut the text is longer than is kept here
 */

export class Rows {
  #growing = new Map();

  /** @type {Row[]} the newest ones, oldest first */
  kept = [];
  dropped = 0;

  constructor(limit = KEPT) {
    this.limit = limit;
  }

  /** @returns {Row[]} the lines that the event made or changed */
  add(event) {
    const key = keyOf(event);
    const settled = key === null ? this.#settle((row, id) => ends(event, row, id)) : [];
    const row = this.#growing.get(key);
    return [...settled, row ? this.#grow(row, key, event) : this.#push(event, key)];
  }

  /** @returns {Row} a line of the page's own, between the events */
  note(text) {
    return this.#keep({ event: null, last: 0, count: 0, text, growing: false, cut: false });
  }

  #push(event, key) {
    const growing = event.type === "agent_delta";
    const row = { event, last: event.offset, count: 1, text: "", growing, cut: false };
    if (TEXTS.has(event.type)) append(row, event);
    if (growing) this.#growing.set(key, row);
    return this.#keep(row);
  }

  #grow(row, key, event) {
    row.last = event.offset;
    row.count += 1;
    if (event.type === "agent_message") {
      row.text = ""; // the whole text, where the deltas were its pieces
      row.growing = false;
      this.#growing.delete(key);
    }
    append(row, event);
    return row;
  }

  #keep(row) {
    this.kept.push(row);
    if (this.kept.length > this.limit) {
      const oldest = this.kept.shift();
      this.dropped += 1;
      this.#settle((growing) => growing === oldest);
    }
    return row;
  }

  /** Lines that get no more text; a message that went on all the same would begin a new one. */
  #settle(over) {
    const settled = [];
    for (const [key, row] of this.#growing) {
      if (!over(row, row.event.data.message)) continue;
      row.growing = false;
      this.#growing.delete(key);
      settled.push(row);
    }
    return settled;
  }
}

/** Whether `event` ends the growth of `row`: its run or agent is done, or does other things. */
function ends({ type, run, span }, row, id) {
  if (ENDS.has(type)) return run === row.event.run;
  return span === row.event.span && (AGENT_ENDS.has(type) || !id);
}

/** One message of one run; deltas without an id are what their agent says without a break. */
function keyOf({ type, run, span, agent, data }) {
  if (TEXTS.has(type) && data.message) return JSON.stringify([run, data.message]);
  return type === "agent_delta" ? JSON.stringify([run, span, agent, null]) : null;
}

function append(row, { data }) {
  const text = row.text + (typeof data.text === "string" ? data.text : "");
  row.cut ||= text.length > LONGEST_TEXT;
  row.text = row.cut ? text.slice(0, LONGEST_TEXT) : text;
}

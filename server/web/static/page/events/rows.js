// Which events share a row: the deltas of one message, a tool's call and its result. Pure.

const LONGEST_TEXT = 65_536; // characters of one row; the log keeps the rest
const TEXTS = new Set(["agent_delta", "agent_message"]);
const TOOLS = new Set(["tool_call", "tool_result"]);
const ENDS = new Set(["complete", "error", "cancelled"]);
const AGENT_ENDS = new Set(["agent_complete", "agent_error"]);

/**
 * @typedef {object} Row
 * @property {number} key the offset of its first event
 * @property {object} event its first event
 * @property {object | null} result the `tool_result` of a call
 * @property {string} type what it is now: deltas become the message
 * @property {number[]} offsets of its events
 * @property {number} last the greatest of them
 * @property {string} text grown from deltas
 * @property {boolean} growing more may come
 * @property {boolean} cut the text is longer than is kept here
 * @property {number} version grows with each change
 * @property {object} view what the page knows of it: height, what is open
 */

export class Rows {
  #growing = new Map(); // identity of a message → its row
  #calls = new Map(); // identity of a call without a result → its row
  #index = new Map(); // offset → row

  /** @type {Row[]} by their first event */
  kept = [];
  last = 0;

  constructor(events = []) {
    for (const event of events) this.add(event);
  }

  /** @returns {Row | undefined} the row that has the event of that offset */
  at(offset) {
    return this.#index.get(offset);
  }

  /** @returns {Row[]} the rows that the event made or changed; in order of offsets only */
  add(event) {
    this.last = event.offset;
    const key = keyOf(event);
    const settled = key === null ? this.#settle((row) => ends(event, row)) : [];
    return [...settled, this.#growth(event, key) ?? this.#answer(event) ?? this.#push(event, key)];
  }

  /** Rows of which all events lie before `lo` go; one that goes on keeps its text. */
  forget(lo) {
    for (const offset of this.#index.keys()) {
      if (offset >= lo) break; // events came in order
      this.#index.delete(offset);
    }
    const gone = (row) => row.last < lo;
    this.#settle(gone);
    for (const [call, row] of this.#calls) if (gone(row)) this.#calls.delete(call);
    this.kept = this.kept.filter((row) => !gone(row));
    for (const row of this.kept) {
      if (row.key >= lo) break;
      row.offsets = row.offsets.filter((offset) => offset >= lo);
      for (const offset of row.offsets) this.#index.set(offset, row);
    }
  }

  /** What the page knew of the rows of before, for those that are still there, grown or not. */
  adopt(before) {
    for (const old of before.kept) {
      const row = this.at(old.key) ?? this.at(old.last);
      if (row === undefined) continue;
      const same = row.key === old.key && row.last === old.last;
      row.view = same ? old.view : { ...old.view, ...row.view, height: 0 };
    }
  }

  #push(event, key) {
    const growing = event.type === "agent_delta";
    const row = {
      key: event.offset,
      event,
      result: null,
      type: event.type,
      offsets: [event.offset],
      last: event.offset,
      text: "",
      growing,
      cut: false,
      version: 0,
      view: {},
    };
    if (TEXTS.has(event.type)) append(row, event);
    if (growing) this.#growing.set(key, row);
    if (event.type === "tool_call") this.#calls.set(callOf(event), row);
    this.#index.set(event.offset, row);
    this.kept.push(row);
    return row;
  }

  #growth(event, key) {
    const row = this.#growing.get(key);
    if (row === undefined) return null;
    this.#extend(row, event);
    if (event.type === "agent_message") {
      row.text = ""; // the whole text, where the deltas were its pieces
      row.cut = false;
      row.type = event.type;
      row.growing = false;
      this.#growing.delete(key);
    }
    append(row, event);
    return row;
  }

  #answer(event) {
    if (event.type !== "tool_result") return null;
    const call = callOf(event);
    const row = this.#calls.get(call);
    if (row === undefined) return null;
    this.#calls.delete(call);
    this.#extend(row, event);
    row.result = event;
    return row;
  }

  #extend(row, event) {
    row.last = event.offset;
    row.version += 1;
    row.offsets.push(event.offset);
    this.#index.set(event.offset, row);
  }

  /** Rows that get no more text; a message that went on all the same would begin a new one. */
  #settle(over) {
    const settled = [];
    for (const [key, row] of this.#growing) {
      if (!over(row)) continue;
      row.growing = false;
      row.version += 1;
      this.#growing.delete(key);
      settled.push(row);
    }
    return settled;
  }
}

/** Whether events of that type can share a row with others. */
export function joins({ type }) {
  return TEXTS.has(type) || TOOLS.has(type);
}

/** Whether `event` ends the growth of a row: its run or agent is done, or does other things. */
function ends({ type, run, span }, row) {
  if (run !== row.event.run) return false;
  if (ENDS.has(type)) return true;
  return span === row.event.span && (AGENT_ENDS.has(type) || !row.event.data.message);
}

/** One message of one run; deltas without an id are what their agent says without a break. */
function keyOf({ type, run, span, agent, data }) {
  if (TEXTS.has(type) && data.message) return JSON.stringify([run, data.message]);
  return type === "agent_delta" ? JSON.stringify([run, span, agent, null]) : null;
}

function callOf({ run, data, offset }) {
  return JSON.stringify([run, data.call ?? offset]);
}

function append(row, { data, trimmed }) {
  const text = row.text + (typeof data.text === "string" ? data.text : "");
  row.cut ||= trimmed > 0 || text.length > LONGEST_TEXT;
  row.text = text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text;
}

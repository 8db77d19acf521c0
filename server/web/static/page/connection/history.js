// What happened to a connection, line by line, so that it can be read afterwards: pure. The times
// are given, not asked for.

import { explained, seconds, transportName } from "./words.js";

const KEPT = 20;

/**
 * @typedef {object} Line
 * @property {number} at ms, of the last change
 * @property {"good" | "bad" | "busy" | "plain" | "alarm"} kind
 * @property {string} text
 * @property {string} hint more words on it, may be empty
 */

/** One stream's history. Give it every state, and the counts whenever they were looked at. */
export class History {
  #lines = [];
  #before = null; // the last state
  #counts = { gaps: 0, doubles: 0, resets: 0 };
  #greeted = false;
  #lostAt = null;
  #failed = 0; // tries since the loss, or since the beginning
  #trying = null; // the line that counts them
  #return = null; // the last one: its line, its words, and what was missed
  #catching = false; // the missed events still come

  /** Grows with each change. */
  version = 0;
  /** What the last return had to make up for: `{ missed, at }`, null before it. */
  recovered = null;

  /** @returns {Line[]} the newest first, at most twenty */
  get lines() {
    return this.#lines;
  }

  /**
   * @param {import("../../client/state.js").State} state
   * @param {{at: number, cursor: string}} facts
   */
  note(state, { at, cursor }) {
    const before = this.#before;
    this.#before = state;
    if (state.name === "live") this.#live(state, at);
    else if (state.name === "reconnecting") this.#away(state, at, cursor);
    else if (state.name === "connecting") this.#opening(state, before, at);
    else if (state.name !== before?.name) this.#over(state, at);
  }

  /** @param {{gaps?: number, doubles?: number, resets?: number}} counts of the stream */
  count(counts, { at, cursor }) {
    const grown = (name) => (counts[name] ?? 0) - this.#counts[name];
    const where = `at ${cursor || "the start"}`;
    const [gaps, doubles, resets] = ["gaps", "doubles", "resets"].map(grown);
    if (gaps > 0) this.#add(at, "alarm", `a gap ${where}`, "nothing behind it was shown");
    if (doubles > 0) {
      this.#add(at, "alarm", `${many(doubles, "event")} came twice ${where}`, "shown once");
    }
    if (resets > 0) {
      // What lies between two logs is no number of missed events.
      if (this.#return) this.#spoil("into another log");
      this.#add(at, "bad", "the log began again", "what was shown before is void");
    }
    for (const name of Object.keys(this.#counts)) this.#counts[name] = counts[name] ?? 0;
  }

  /** @param {boolean} online what the browser says of its network */
  network(online, { at }) {
    if (online) this.#add(at, "plain", "the browser is online again");
    else this.#add(at, "bad", "the browser went offline");
  }

  #live(state, at) {
    const missed = Math.max(state.behind ?? 0, state.missed ?? 0);
    if (!this.#greeted) this.#greet(state, at);
    else if (this.#lostAt !== null) this.#back(state, missed, at);
    else if (this.#catching) this.#return.missed = Math.max(this.#return.missed, missed);
    this.#greeted = true;
    this.#lostAt = this.#trying = null;
    this.#failed = 0;
    if (this.#catching && !(state.behind > 0)) this.#madeUp(at);
  }

  #greet({ behind = 0, session, transport }, at) {
    const waits = session === "waiting" ? "the session waits for a run" : "";
    const hint = behind > 0 ? `${many(behind, "event")} were there before` : waits;
    this.#add(at, "good", `connected over ${transportName(transport)}`, hint);
  }

  #back({ transport }, missed, at) {
    const words = `back over ${transportName(transport)} after ${seconds(at - this.#lostAt)}`;
    const line = this.#add(at, "busy", `${words}: catching up on ${many(missed, "missed event")}`);
    this.#return = { line, words, missed };
    this.#catching = true;
  }

  #madeUp(at) {
    const { line, words, missed } = this.#return;
    const were = missed === 1 ? "event was missed and has" : "events were missed and have";
    const all = `${missed.toLocaleString("en")} ${were} been made up for`;
    const text = `${words}: ${missed > 0 ? all : "nothing was missed"}`;
    this.#change(line, { kind: "good", text });
    this.#catching = false;
    this.recovered = { missed, at };
  }

  #away(state, at, cursor) {
    if (this.#lostAt !== null) {
      if (waits(state)) this.#failedTry(state, at);
      return;
    }
    if (this.#catching) this.#spoil("lost again while catching up");
    this.#lostAt = at;
    this.#return = this.recovered = null;
    const reason = state.reason ?? "broken";
    const where = `at ${cursor || "the start"}`;
    if (reason === "preferred") this.#add(at, "plain", `left ${where} for another transport`);
    else this.#add(at, "bad", `lost (${reason}) ${where}`, explained(reason));
  }

  /** The last return did not end as its line says. */
  #spoil(words) {
    this.#change(this.#return.line, { kind: "bad", text: `${this.#return.words}, ${words}` });
    this.#catching = false;
    this.recovered = null;
  }

  #opening(state, before, at) {
    if (waits(state)) this.#failedTry(state, at);
    else if (before?.name === "connecting" && !waits(before)) this.#turn(before, state, at);
  }

  #turn(before, state, at) {
    if (before.transport === state.transport || state.reason === "preferred") return;
    const [old, next] = [before, state].map(({ transport }) => transportName(transport));
    this.#add(at, "plain", `${old} did not get through, trying ${next}`);
  }

  /** Tries that fail one after another share a line: a night without network is no twenty lines. */
  #failedTry({ reason, transport }, at) {
    this.#failed += 1;
    const tries = this.#failed === 1 ? "1 try" : `${this.#failed} tries`;
    const text = `${tries} failed (${reason ?? "broken"})`;
    const hint = `the next one over ${transportName(transport)}`;
    if (this.#trying) this.#change(this.#trying, { at, text, hint });
    else this.#trying = this.#add(at, "plain", text, hint);
  }

  #over({ name, text, reason }, at) {
    const kind = { ended: "good", stopped: "bad" }[name] ?? "plain";
    this.#add(at, kind, text ?? name, kind === "bad" ? explained(reason) : "");
  }

  #add(at, kind, text, hint = "") {
    const line = { at, kind, text, hint };
    this.#lines = [line, ...this.#lines].slice(0, KEPT);
    this.version += 1;
    return line;
  }

  #change(line, news) {
    Object.assign(line, news);
    this.version += 1;
  }
}

/** Whether a state is the wait after a failure, and not the try after it. */
function waits({ retryInMs }) {
  return Number.isFinite(retryInMs);
}

function many(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}

// What the server's answers to "why do I see nothing?" rest on, as a person reads it: pure.

import { duration, plain } from "../format.js";
import { transportName } from "./words.js";

const ROWS = 8; // of subscribers; there may be thousands

/**
 * @typedef {object} Evidence
 * @property {string} text may be empty
 * @property {string[]} [items] more lines
 * @property {{head: string[], rows: {cells: string[], own: boolean}[], more: number}} [table]
 */

/**
 * All that the server's questions say, in one object; what it does not say is missing.
 *
 * @param {{question: string, evidence: object}[]} questions
 * @returns {object} `run`, `runState`, `session`, `sessionState`, `first`, `last`, `newest`, …
 */
export function factsOf(questions) {
  const facts = {};
  for (const { question, evidence } of questions) {
    const { state, created, ...rest } = evidence ?? {};
    const whose = question === "Does the session exist?" ? "session" : "run";
    if (state !== undefined) facts[`${whose}State`] = state;
    if (created !== undefined) facts[`${whose}Created`] = created;
    Object.assign(facts, rest);
  }
  return facts;
}

const READ = {
  "Is the workflow starting?": ({ run, workflow, state, pid, created, started }, { now }) => {
    if (!run) return { text: "no run in this session" };
    const since = started ? `started ${ago(started, now)}` : `accepted ${ago(created, now)}`;
    const process = pid ? `, process ${pid}` : "";
    return { text: `${workflow} (${run}): ${state}, ${since}${process}` };
  },
  "Does the session exist?": ({ session, epoch, state, created }, { now }) => {
    if (!epoch) return { text: `${session}: not known to the server` };
    return { text: `${session}: ${state}, made ${ago(created, now)}, epoch ${epoch}` };
  },
  "Are events emitted?": ({ newest }, { now }) => {
    if (!newest) return { text: "none so far" };
    const { offset, type, agent, time } = newest;
    const who = agent ? ` of ${plain(agent)}` : "";
    return { text: `newest: offset ${offset}, ${type}${who}, ${ago(time, now)}` };
  },
  "Are they in the log?": ({ first, last }) => ({
    text: last > 0 ? `offsets ${first} to ${last.toLocaleString("en")}` : "the log is empty",
  }),
  "Are subscribers consuming?": ({ subscribers }, { own }) => table(subscribers, own),
  "Is anything in the way?": ({ found }) => {
    if (found.length === 0) return { text: "nothing that the server knows of" };
    return found.length === 1 ? { text: found[0] } : { text: "", items: found };
  },
};

/**
 * @param {{question: string, evidence: object}} asked one of the server's, known here or not
 * @param {object} context
 * @param {number} context.now ms, by the server's clock
 * @param {{transport: string, cursor: string} | null} context.own this page as a subscriber
 * @returns {Evidence}
 */
export function readable({ question, evidence }, context) {
  try {
    return READ[question]?.(evidence, context) ?? asItIs(evidence);
  } catch {
    return asItIs(evidence); // a newer server's, with other fields
  }
}

function asItIs(evidence) {
  if (evidence === null || typeof evidence !== "object") return { text: plain(evidence) };
  const items = Object.entries(evidence).map(([name, value]) => {
    return `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`;
  });
  return items.length === 1 ? { text: items[0] } : { text: "", items };
}

/** @param {string} time ISO @param {number} now ms @returns {string} `3 s ago` */
export function ago(time, now) {
  const passed = (now - Date.parse(time)) / 1000;
  if (!Number.isFinite(passed)) return "at an unknown time";
  if (passed < 1) return "just now";
  return `${passed < 60 ? `${Math.floor(passed)} s` : duration(passed)} ago`;
}

function table(subscribers, own) {
  if (subscribers.length === 0) return { text: "nobody is connected" };
  const mine = ownRow(subscribers, own);
  const worst = [...subscribers].sort((a, b) => (b === mine) - (a === mine) || b.lag - a.lag);
  const rows = worst.slice(0, ROWS).map((reader) => ({
    own: reader === mine,
    cells: [
      transportName(reader.transport) + (reader.phase === "live" ? "" : ` (${reader.phase})`),
      reader.cursor,
      reader.lag.toLocaleString("en"),
      `${duration(reader.seconds_since_send)} ago`,
    ],
  }));
  const head = ["transport", "cursor", "lag", "sent to"];
  return { text: "", table: { head, rows, more: worst.length - rows.length } };
}

/** The server and the client have names of their own for the same ways. */
function alikeNames(theirs, ours) {
  return transportName(theirs) === transportName(ours);
}

/** The one subscriber that can be this page: two with the same cursor cannot be told apart. */
function ownRow(subscribers, own) {
  const alike = subscribers.filter(
    ({ transport, cursor }) => cursor === own?.cursor && alikeNames(transport, own.transport),
  );
  return alike.length === 1 ? alike[0] : null;
}

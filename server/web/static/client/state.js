// What a follower is doing, as facts and in words: pure.

/**
 * @typedef {object} State the same as in keepstream.d.ts, where each field is explained
 * @property {"connecting" | "live" | "reconnecting" | "paused" | "ended" | "stopped" | "closed"} name
 * @property {string} text the same in words
 * @property {string} transport of the present or next connection
 * @property {string | null} preferred the transport that is forced
 * @property {number} attempt reconnects in a row
 * @property {number | null} retryInMs the wait before the next try
 * @property {string | null} reason what happened last: see docs/clients.md
 * @property {"waiting" | "running" | "closed" | null} session as far as it was heard of
 * @property {number} behind events between here and where the log ended at the last connect
 * @property {number} missed events that had come while no connection was there
 * @property {number} last the newest offset that is known of
 */

const SESSION_AFTER = {
  run_start: "running",
  complete: "closed",
  error: "closed",
  cancelled: "closed",
};
const LIVE_WORDS = {
  waiting: "Connected, waiting for a run",
  closed: "Connected, the run has ended",
};
const UNKNOWN = {
  transport: "",
  preferred: null,
  attempt: 0,
  retryInMs: null,
  reason: null,
  session: null,
  behind: 0,
  missed: 0,
  last: 0,
};
const IN_WORDS = {
  connecting: ({ attempt }) => (attempt > 0 ? `Connecting (attempt ${attempt})…` : "Connecting…"),
  live: ({ session, behind }) =>
    behind > 0 ? `Catching up, ${behind} behind…` : (LIVE_WORDS[session] ?? "Live"),
  reconnecting: ({ attempt }) => `Reconnecting (attempt ${Math.max(1, attempt)})…`,
  paused: () => "Paused: its reader is slower than the events",
  ended: (_, words) => `Ended: ${words}`,
  stopped: (_, words) => `Stopped: ${words}`,
  closed: () => "Closed",
};

/** Every name of a state. */
export const STATES = Object.keys(IN_WORDS);

/** The state of the session after an event, from the one before it. */
export function sessionAfter({ type }, before) {
  return SESSION_AFTER[type] ?? before;
}

/**
 * @param {string} name
 * @param {object} facts whatever of a State is known, and `words` where it is over
 * @returns {State}
 */
export function stateOf(name, { words = "", ...facts }) {
  const known = { ...UNKNOWN, ...facts };
  return Object.freeze({ ...known, name, text: IN_WORDS[name](known, words) });
}

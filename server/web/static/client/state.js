// What a follower is doing, as facts and in words: pure.

/**
 * @typedef {object} State
 * @property {"connecting" | "live" | "reconnecting" | "ended" | "stopped" | "closed"} name `ended`:
 *   the stream is complete; `stopped`: the server refuses it; `closed`: by the caller
 * @property {string} text the same in words
 * @property {string} transport of the present or next connection
 * @property {number} attempt reconnects in a row
 * @property {number | null} retryInMs the wait before the next try
 * @property {string | null} reason why the last connection or the stream ended
 * @property {"waiting" | "running" | "closed" | null} session as far as it was heard of
 * @property {number} behind events between here and where the log ended at the last connect
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
const UNKNOWN = { attempt: 0, retryInMs: null, reason: null, session: null, behind: 0 };

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
  return Object.freeze({ ...known, name, text: inWords(name, known, words) });
}

function inWords(name, { attempt, session, behind }, words) {
  if (name === "connecting") return attempt > 0 ? `Connecting (attempt ${attempt})…` : "Connecting…";
  if (name === "reconnecting") return `Reconnecting (attempt ${Math.max(1, attempt)})…`;
  if (name === "ended") return `Ended: ${words}`;
  if (name === "stopped") return `Stopped: ${words}`;
  if (name === "closed") return "Closed";
  if (behind > 0) return `Catching up, ${behind} behind…`;
  return LIVE_WORDS[session] ?? "Live";
}

// How a connection is, in words and figures: pure.

/** @typedef {import("../../client/state.js").State} State */

const SHORT = { websocket: "WebSocket", ws: "WebSocket", sse: "SSE", poll: "Long poll" };
const DEAD_AFTER = 2.5; // heartbeats of silence, as the client counts them
const HEARTBEAT_MS = 10_000; // the server's default, where the client does not say
const LIVE_WORDS = {
  waiting: "Connected, waiting for a run",
  closed: "Connected, the run has ended",
};
const REASONS = {
  broken: "the connection broke",
  cut: "cut by the button",
  gap: "an event was missing on the way: the stream is taken up again before it",
  silent: "nothing came for two and a half heartbeats",
  unanswered: "it never got ready",
  "slow to open": "it never got ready",
  full: "its reader was slower than the events",
  abandoned: "the network changed",
  preferred: "another transport was chosen",
  restart: "the server restarts",
  rotate: "the server renews its connections",
  overloaded: "the server has too much to do",
  slow: "this page took nothing for a minute",
  deleted: "the session was deleted",
  revoked: "no longer allowed",
};
const TONES = { ended: "done", stopped: "bad", paused: "busy" };

/** @param {string | null | undefined} transport @returns {string} `–` where there is none */
export function transportName(transport) {
  return SHORT[transport] ?? transport ?? "–";
}

/** @returns {string} why a connection ended, in a few words; empty where there is no better word */
export function explained(reason) {
  return REASONS[reason] ?? "";
}

/**
 * The bar's words. `words` change seldom enough to be read aloud; `detail` may tick.
 *
 * @param {State | null} state
 * @param {object} at
 * @param {number} at.behind events between here and the log's end
 * @param {number} at.leftMs until the next try
 * @param {boolean} at.offline the browser knows of no network
 * @returns {{tone: "good" | "busy" | "bad" | "done" | "off", words: string, detail: string}}
 */
export function barWords(state, { behind = 0, leftMs = 0, offline = false } = {}) {
  if (!state) return { tone: "off", words: "Not connected", detail: "" };
  if (state.name === "live") return liveWords(state, behind);
  if (state.name !== "connecting" && state.name !== "reconnecting") {
    return { tone: TONES[state.name] ?? "off", words: state.text ?? state.name, detail: "" };
  }
  const again = state.name === "reconnecting";
  const name = again ? "Reconnecting" : "Connecting";
  const words = offline ? `Offline, ${name.toLowerCase()}` : name;
  const attempt = again ? Math.max(1, state.attempt ?? 0) : (state.attempt ?? 0);
  return { tone: again ? "bad" : "busy", words, detail: tries(attempt, leftMs) };
}

function liveWords({ behind: was = 0, session }, behind) {
  if (was > 0) {
    const left = (behind || was).toLocaleString("en");
    return { tone: "busy", words: "Catching up", detail: `, ${left} behind` };
  }
  return { tone: "good", words: LIVE_WORDS[session] ?? "Live", detail: "" };
}

function tries(attempt, leftMs) {
  const which = attempt > 0 ? ` (attempt ${attempt})` : "";
  return leftMs > 0 ? `${which}, next try in ${Math.ceil(leftMs / 1000)} s` : `${which}…`;
}

/**
 * How near a silent connection is to being taken for dead.
 *
 * @param {number | null | undefined} ageMs since anything was heard; null while not connected
 * @param {object} [rhythm]
 * @param {number | null} [rhythm.heartbeatMs]
 * @param {number | null} [rhythm.deadAfterMs] where the transport has a rule of its own
 * @returns {{share: number, level: "none" | "fresh" | "late" | "dying", text: string}} `share` of
 *   the silence that it may keep, 0 to 1
 */
export function pulseOf(ageMs, { heartbeatMs, deadAfterMs } = {}) {
  if (!Number.isFinite(ageMs)) return { share: 0, level: "none", text: "–" };
  const beat = heartbeatMs > 0 ? heartbeatMs : HEARTBEAT_MS;
  const share = Math.min(1, ageMs / (deadAfterMs > 0 ? deadAfterMs : DEAD_AFTER * beat));
  const level = share <= 0.5 ? "fresh" : share <= 0.8 ? "late" : "dying";
  return { share, level, text: seconds(ageMs) };
}

/** @param {number} ms @returns {string} to a tenth of a second below a hundred seconds */
export function seconds(ms) {
  return ms < 99_950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/** @returns {number | null} null for whatever is not a cursor */
export function offsetOf(cursor) {
  const parts = /^[a-z0-9]{4,16}-(\d{1,15})$/.exec(cursor ?? "");
  return parts && Number(parts[1]);
}

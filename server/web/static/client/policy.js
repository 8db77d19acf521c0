// What to do next: pure rules for the choice of a transport, the wait, and the end of a connection.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;
const LOYALTY = 3; // tries that a transport which once worked gets before another has its turn

// Close codes that end the following; every other one is a broken connection, to be taken up again.
// That holds for 1000 without a bye as well: only a middlebox closes in this way.
const FINAL_CODES = new Map([
  [4400, ["bad_request", "the server did not understand the cursor or a message"]],
  [4401, ["revoked", "not authenticated: log in, then load the page again"]],
  [4403, ["revoked", "not allowed to follow this session"]],
  [4410, ["deleted", "the session was deleted"]],
]);
const FINAL_STATUSES = new Map([[400, 4400], [401, 4401], [403, 4403], [410, 4410]]);
const COMPLETE = ["closed", "complete, nothing is missing"];
const WORDS = new Map([...FINAL_CODES.values(), COMPLETE]);

/**
 * The transport of the next try. One that worked before is kept through short troubles; with no
 * experience a single refusal is enough to try the next one, as a proxy's refusal is final.
 *
 * @param {string[]} transports in the order of preference
 * @param {string | null} remembered the one that got ready last
 * @param {number} failures tries in a row that never got ready
 * @returns {string}
 */
export function choose(transports, remembered, failures) {
  if (!transports.includes(remembered)) return transports[failures % transports.length];
  const others = transports.filter((name) => name !== remembered);
  const turn = failures % (LOYALTY + others.length);
  return turn < LOYALTY ? remembered : others[turn - LOYALTY];
}

/**
 * @param {number} attempt 1, 2, 3, …
 * @param {number} chance 0 to 1; spreads the clients of one server that went away
 * @returns {number} milliseconds
 */
export function backoff(attempt, chance) {
  const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1));
  return longest * (0.5 + chance / 2);
}

/**
 * @typedef {object} Ending how one connection ended; all fields optional
 * @property {{reason: string, reconnect: boolean, after_ms?: number}} bye the server's last frame
 * @property {number} code a WebSocket's close code
 * @property {number} status the HTTP status that refused an event stream or a page
 * @property {number} afterMs the server's wish for the wait
 * @property {string} words the server's, on why it refused
 */

/**
 * @param {Ending} ending
 * @returns {{again: boolean, waitMs: number | null, reason: string, words: string}} `waitMs` is the
 *   server's wish, null where it has none
 */
export function verdict({ bye, code, status, afterMs, words }) {
  if (bye) {
    const { reason, reconnect, after_ms: waitMs = null } = bye;
    return { again: reconnect === true, waitMs, reason, words: WORDS.get(reason) ?? reason };
  }
  const ended = status === 204 ? COMPLETE : undefined;
  const final = FINAL_CODES.get(code ?? FINAL_STATUSES.get(status)) ?? ended;
  if (final) return { again: false, waitMs: null, reason: final[0], words: words || final[1] };
  return { again: true, waitMs: afterMs ?? null, reason: "broken", words: "the connection broke" };
}

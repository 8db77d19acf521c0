// What only the browser knows of why nothing is to be seen: can the server be reached, is this page
// connected, and does the page itself hide what came. Pure.

import { explained, offsetOf, transportName } from "./words.js";

/**
 * @typedef {object} Check one line of the list
 * @property {string} id
 * @property {string} question
 * @property {boolean} ok
 * @property {import("./evidence.js").Evidence} evidence
 * @property {import("./advice.js").Advice | null} advice what to do where the answer is no
 */

/**
 * How a call of the diagnosis went.
 *
 * @typedef {object} Reach
 * @property {"answered" | "offline" | "silent" | "slow" | "status" | "strange"} kind `status`: an
 *   HTTP status that refuses; `strange`: an answer that is no Keepstream's; `silent`: none at all
 * @property {number} [status]
 * @property {string} [message] the server's own words
 * @property {number} [ms] that it took
 * @property {boolean} [foreign] whether the server's origin is another one than this page's
 * @property {string} [host]
 */

/** @param {Reach} reach @returns {Check} */
export function reachCheck(reach) {
  const ok = reach.kind === "answered";
  const text = ok ? `${reach.host} answered in ${Math.round(reach.ms)} ms` : failed(reach);
  const evidence = { text };
  const advice = ok ? null : { tone: "bad", ...blame(reach) };
  return { id: "reach", question: "Can the server be reached?", ok, evidence, advice };
}

function failed({ kind, host, status, message }) {
  if (kind === "offline") return "the browser knows of no network";
  if (kind === "silent") return `${host} could not be reached`;
  if (kind === "slow") return `${host} took the call and did not answer it in time`;
  if (kind === "strange") return `${host} answered ${status} with something else`;
  return message ? `${host} answered ${status}: ${message}` : `${host} answered ${status}`;
}

/** Whose fault it likely is, and what to do. */
function blame({ kind, status, message, foreign, host }) {
  if (kind === "offline") {
    return {
      short: "This browser is offline.",
      advice:
        "Look at this computer's network. The run goes on meanwhile; the page comes back by" +
        " itself and makes up for what it missed.",
    };
  }
  if (kind === "silent") {
    const origin = " Or it does not allow this page's origin: then name it in ALLOWED_ORIGINS.";
    return {
      short: "The server does not answer.",
      advice:
        `Most likely it is down or restarting: does its process run, and is it ${host} that its` +
        " log says it listens on? Else a VPN, proxy or firewall on the way keeps the call. Runs" +
        ` go on meanwhile, and the page comes back by itself.${foreign ? origin : ""}`,
    };
  }
  if (kind === "slow") {
    return {
      short: "The server takes too long to answer.",
      advice:
        "It has too much to do, its disk is slow, or the network lost the call on its way. If" +
        " other pages of it are quick, it is the network.",
    };
  }
  if (kind === "strange") {
    return {
      short: "Something else answers in the server's place.",
      advice:
        "The answer is no Keepstream's: a login page of this network, a proxy's own page, or an" +
        " address that belongs to another server.",
    };
  }
  return refused(status, message);
}

function refused(status, message) {
  if (status === 403 && /\borigin\b/i.test(message ?? "")) {
    return {
      short: "The server refuses this page because of its origin.",
      advice: "Open the page by the server's own address, or name this origin in ALLOWED_ORIGINS.",
    };
  }
  if (status === 403 && /\bhost\b/i.test(message ?? "")) {
    return {
      short: "The server refuses the name that it is called by.",
      advice: "Open the page by the server's own address, or name this host in ALLOWED_HOSTS.",
    };
  }
  if (status === 401 || status === 403) {
    return {
      short: "Something refuses this page.",
      advice: "You are not logged in, or may not see this. Log in, then load the page again.",
    };
  }
  if ([502, 503, 504].includes(status) && !message) {
    return {
      short: "A proxy answers, the server behind it does not.",
      advice: "The server is down or restarting; the page comes back by itself.",
    };
  }
  if (status === 429 || status === 503) {
    return {
      short: "The server cannot take calls just now.",
      advice: "It says why; mostly it passes. If not, its log and its disk have the reason.",
    };
  }
  return {
    short: `The server answered ${status}.`,
    advice:
      status >= 500
        ? "Its log has the reason."
        : "This page and the server may be of different versions: load the page again.",
  };
}

/**
 * @param {import("../../client/state.js").State | null} state
 * @param {{cursor?: string, last?: number | null, host?: string}} stream
 * @returns {Check}
 */
export function connectedCheck(state, { cursor = "", last = null } = {}) {
  const question = "Is this page connected?";
  const ok = state?.name === "live" || state?.name === "ended";
  const advice = ok ? null : notConnected(state);
  const evidence = { text: connection(state, cursor, last) };
  return { id: "connected", question, ok, evidence, advice };
}

function connection(state, cursor, last) {
  if (!state) return "it follows no session";
  const offset = offsetOf(cursor);
  const known = last !== null && offset !== null;
  const behind = known ? Math.max(0, last - offset) : (state.behind ?? 0);
  const lag = behind > 0 ? `, ${behind.toLocaleString("en")} behind` : "";
  const at = cursor ? `, at ${cursor}${lag}` : "";
  if (state.name === "live") return `over ${transportName(state.transport)}${at}`;
  if (state.name === "ended") return `it has all of it${at}`;
  const why = explained(state.reason) || state.reason;
  return `${state.text ?? state.name}${at}${why ? `; ${why}` : ""}`;
}

function notConnected(state) {
  if (!state || state.name === "closed") {
    return {
      short: "This page follows no session.",
      advice: "Open one of the list, or start a run.",
      tone: "wait",
      action: { name: "new", label: "Start a run" },
    };
  }
  if (state.name === "stopped") {
    return {
      short: `This page stopped following: ${explained(state.reason) || state.text}.`,
      advice:
        state.reason === "bad_request"
          ? "Its cursor or address is no good: load the page again without them."
          : "It does not try again by itself. Load the page again when the reason is gone.",
      tone: "bad",
    };
  }
  return {
    short: "This page is not connected.",
    advice: "It tries again by itself, over each transport in turn, and misses nothing by it.",
    tone: state.name === "connecting" ? "wait" : "bad",
  };
}

/** @param {string | null} words what is shown, where a filter hides the rest @returns {Check} */
export function filterCheck(words) {
  return {
    id: "filter",
    question: "Does the page show every event?",
    ok: !words,
    evidence: { text: words ? `a filter is set: ${words}` : "no filter is set" },
    advice: words && {
      short: "A filter hides events.",
      advice: "The events are there; what does not match is not shown.",
      tone: "wait",
      action: { name: "clearfilter", label: "Clear the filter" },
    },
  };
}

/** @param {string | null} words where it stands, if not at the newest event @returns {Check} */
export function placeCheck(words) {
  return {
    id: "place",
    question: "Does the page stand at the newest event?",
    ok: !words,
    evidence: { text: words || "it does, and follows" },
    advice: words && {
      short: "The page is scrolled away from the newest event.",
      advice: "New events come in below; they do not move what you read.",
      tone: "wait",
      action: { name: "latest", label: "Go to the newest event" },
    },
  };
}

// One call of a session's diagnosis, and what became of it. Never rejects.

const PATIENCE_MS = 8000;

/**
 * @param {string | URL} session the session's address
 * @param {AbortSignal} signal
 * @returns {Promise<{reach: import("./own.js").Reach, body: object | null, now: number} | null>}
 *   null when it was given up; `now`: in ms, by the server's clock where it told it
 */
export async function ask(session, signal) {
  const address = new URL(session, document.baseURI);
  address.pathname = `${address.pathname.replace(/\/$/, "")}/diagnosis`;
  const about = { host: address.host, foreign: address.origin !== location.origin };
  const began = performance.now();
  const late = AbortSignal.timeout(PATIENCE_MS);
  try {
    const either = AbortSignal.any?.([signal, late]) ?? late;
    const answer = await fetch(address, { cache: "no-store", signal: either });
    const body = await answer.json().catch(() => null);
    if (signal.aborted) return null;
    const told = { ...about, ms: performance.now() - began, status: answer.status };
    return { ...judged(told, answer, body, address), now: clockOf(answer) };
  } catch {
    if (signal.aborted) return null;
    const silent = navigator.onLine === false ? "offline" : "silent";
    const reach = { ...about, kind: late.aborted ? "slow" : silent };
    return { reach, body: null, now: Date.now() };
  }
}

function judged(about, answer, body, { pathname }) {
  const message = body?.error?.message;
  const answered = { ...about, kind: "answered" };
  if (answer.ok && Array.isArray(body?.questions)) return { reach: answered, body };
  if (answer.status === 404 && message) return { reach: answered, body: nobody(pathname) };
  const kind = answer.ok || answer.status === 404 ? "strange" : "status";
  return { reach: { ...about, kind, message }, body: null };
}

/** That nobody asked for a session is an answer. */
function nobody(pathname) {
  const session = decodeURIComponent(pathname.split("/").at(-2));
  const question = "Does the session exist?";
  return { questions: [{ question, ok: false, evidence: { session } }], verdict: "" };
}

/** Two clocks may differ by minutes: ages are told by the one that wrote the times. */
function clockOf(answer) {
  const told = Date.parse(answer.headers.get("Date") ?? "");
  return Number.isFinite(told) && Math.abs(told - Date.now()) > 2000 ? told : Date.now();
}

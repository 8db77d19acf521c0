// The server's calls that the page makes, beside the stream itself.

import { parse, write } from "./start/exact.js";

const API = new URL("api/", document.baseURI);
const KEPT_RUNS = 500; // of those that have ended, and so change no more
const ended = new Map(); // run → its object

/** What the server refused, or that it did not answer at all: `unreachable`, status 0. */
export class ApiError extends Error {
  /** @param {{code?: string, path?: string | null, status?: number}} more */
  constructor(message, { code = "error", path = null, status = 0, cause } = {}) {
    super(message, { cause });
    Object.assign(this, { name: "ApiError", code, path, status });
  }
}

/** @returns {URL} the address of a session, which need not exist */
export function sessionAddress(session) {
  return new URL(`sessions/${encodeURIComponent(session)}`, API);
}

/** @returns {Promise<{name: string, description: string, schema: object, error?: string}[]>} */
export async function listWorkflows({ signal } = {}) {
  // Exactly: a default may be an integer that a JavaScript number would change.
  return (await call("workflows", { signal }, parse)).workflows;
}

/**
 * @param {string} session
 * @param {string} workflow
 * @param {object} input may hold `Exact` numbers
 * @returns {Promise<object>} the run
 */
export function startRun(session, workflow, input) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": randomId(20) };
  const body = write({ workflow, input });
  const start = () => call(`${sessionAddress(session)}/runs`, { method: "POST", headers, body });
  // The answer can be lost on the way; under the same key the second call finds the same run.
  return start().catch((error) => (error.status === 0 ? start() : Promise.reject(error)));
}

/** @returns {Promise<object>} the session object; `ApiError` 404 where nobody asked for it yet */
export function getSession(session, { signal } = {}) {
  return call(sessionAddress(session), { signal });
}

/**
 * @param {{limit?: number, before?: string, state?: string, signal?: AbortSignal}} [query]
 * @returns {Promise<{sessions: object[], next?: string}>} newest first
 */
export function listSessions({ limit = 50, before = "", state = "", signal } = {}) {
  return call(`sessions${asked({ limit, before, state })}`, { signal });
}

/** @returns {Promise<void>} rejects with status 409 while a run of it is active */
export async function deleteSession(session) {
  await call(sessionAddress(session), { method: "DELETE" });
}

/** @returns {Promise<object[]>} the runs of a session, oldest first */
export async function listRuns(session, { signal } = {}) {
  const { runs } = await call(`${sessionAddress(session)}/runs`, { signal });
  for (const run of runs) keep(run);
  return runs;
}

/** @returns {Promise<object>} the run object; asked for once where the run has ended */
export async function getRun(run, { signal } = {}) {
  return ended.get(run) ?? keep(await call(`runs/${encodeURIComponent(run)}`, { signal }));
}

/**
 * A page of a session's log.
 *
 * @param {object} query
 * @param {URL | string} query.address of the session
 * @param {string} [query.after] a cursor; empty for the first event
 * @param {number} [query.limit] 1 to 1000
 * @param {string[]} [query.types] only these
 * @param {boolean} [query.exact] keep numbers that JavaScript has no exact number for as `Exact`,
 *   which `<start-form>` takes; slower
 * @returns {Promise<{epoch: string, first: number, last: number, state: string, events: object[],
 *   next: string, reset?: object}>}
 */
export function readEvents({ address, after = "", limit = 1000, types = [], signal, exact }) {
  const query = asked({ after, limit, types: types.join(",") });
  return call(`${address}/events${query}`, { signal }, exact ? parse : undefined);
}

/**
 * @returns {Promise<{questions: {question: string, ok: boolean, evidence: unknown}[],
 *   verdict: string}>}
 */
export function diagnosis(address, { signal } = {}) {
  return call(`${address}/diagnosis`, { signal });
}

/** An id that nobody else has. `crypto.randomUUID` exists only in secure contexts. */
export function randomId(length = 10) {
  const letters = "abcdefghijkmnpqrstuvwxyz23456789";
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => letters[byte % letters.length]).join("");
}

async function call(path, options, read = JSON.parse) {
  const answer = await reach(new URL(path, API), options);
  const text = await answer.text().catch((error) => Promise.reject(lost(error)));
  const body = jsonOf(text, read);
  if (answer.ok && (body !== null || !text)) return body;
  const { status } = answer;
  const { code, message, path: where } = body?.error ?? {};
  throw new ApiError(message ?? `The server answered ${status}.`, { code, path: where, status });
}

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw lost(error);
  }
}

/** Being told to stop is the caller's own doing and stays what it is. */
function lost(error) {
  if (error.name === "AbortError" || error.name === "TimeoutError") return error;
  return new ApiError("The server does not answer.", { code: "unreachable", cause: error });
}

function jsonOf(text, read) {
  try {
    return read(text);
  } catch {
    return null;
  }
}

function asked(query) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

function keep(run) {
  if (run.ended === null || run.ended === undefined) return run;
  ended.set(run.id, run);
  if (ended.size > KEPT_RUNS) ended.delete(ended.keys().next().value);
  return run;
}

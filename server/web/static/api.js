// The server's calls that the page needs, beside the stream itself.

const API = new URL("api/", document.baseURI);

/** @returns {URL} the address of a session, which need not exist */
export function sessionAddress(session) {
  return new URL(`sessions/${encodeURIComponent(session)}`, API);
}

/** @returns {Promise<{name: string, description: string, schema: object, error?: string}[]>} */
export async function listWorkflows() {
  const { workflows } = await call("workflows");
  return workflows;
}

/**
 * @param {string} session
 * @param {string} workflow
 * @param {object} input
 * @returns {Promise<object>} the run; rejects with the server's words
 */
export function startRun(session, workflow, input) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": randomId(20) };
  const body = JSON.stringify({ workflow, input });
  const start = () => call(`${sessionAddress(session)}/runs`, { method: "POST", headers, body });
  // The answer can be lost on the way; under the same key the second call finds the same run.
  return start().catch((error) => (error instanceof TypeError ? start() : Promise.reject(error)));
}

/** An id that nobody else has. `crypto.randomUUID` exists only in secure contexts. */
export function randomId(length = 10) {
  const letters = "abcdefghijkmnpqrstuvwxyz23456789";
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => letters[byte % letters.length]).join("");
}

async function call(path, options) {
  const answer = await fetch(new URL(path, API), options);
  const body = await answer.json().catch(() => null);
  if (answer.ok) return body;
  const { message, path: where } = body?.error ?? {};
  const words = message ?? `The server answered ${answer.status}.`;
  throw new Error(where ? `${words} (${where})` : words);
}

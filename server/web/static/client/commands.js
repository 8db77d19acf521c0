// What a client tells a run where no WebSocket carries it.

/**
 * @param {URL} session the session's address
 * @param {string} command `<run>/cancel` or `<run>/input`
 * @param {object} body
 * @returns {Promise<void>} rejects with the server's words
 */
export async function post(session, command, body) {
  const url = new URL(session);
  url.pathname = url.pathname.replace(/\/sessions\/[^/]*$/, `/runs/${command}`);
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (answer.ok) return;
  const told = await answer.json().catch(() => null);
  throw new Error(told?.error?.message ?? `the server answered ${answer.status}`);
}

// What a client tells a run: over the connection that there is, or else by a request of its own.

/**
 * @param {import("./link.js").Link | null} link the present connection
 * @param {URL} session the session's address
 * @param {{type: "cancel" | "input", run: string}} message
 * @returns {Promise<void>} rejects with the server's words
 */
export async function command(link, session, message) {
  const answer = await link?.ask(message);
  if (answer?.type === "refused") throw new Error(answer.message);
  if (!answer) await post(session, message);
}

async function post(session, { type, run, ...body }) {
  const url = new URL(session);
  url.pathname = url.pathname.replace(/\/sessions\/[^/]*$/, `/runs/${run}/${type}`);
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (answer.ok) return;
  const told = await answer.json().catch(() => null);
  throw new Error(told?.error?.message ?? `the server answered ${answer.status}`);
}

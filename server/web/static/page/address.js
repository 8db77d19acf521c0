// What the address says: which session, and what of it is looked at. Pure. Whoever is sent the
// address sees the same.

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const VIEWS = ["events", "report"];

/**
 * @typedef {object} Place
 * @property {string | null} session
 * @property {string | null} run whose outline is shown; null is the newest
 * @property {number | null} event the offset that is looked at
 * @property {{agents: string[], types: string[], run: string | null, text: string}} filter
 * @property {"events" | "report"} view
 */

/** @returns {Place} what cannot be understood is left out */
export function read(search) {
  const query = new URLSearchParams(search);
  const run = id(query.get("run"));
  const event = Number(query.get("event"));
  return {
    session: id(query.get("session")),
    run,
    event: Number.isSafeInteger(event) && event > 0 ? event : null,
    filter: {
      agents: query.getAll("agent"),
      types: query.getAll("type").filter((type) => /^[a-z][a-z0-9_]{0,63}$/.test(type)),
      run: query.has("only") ? run : null,
      text: query.get("q") ?? "",
    },
    view: VIEWS.includes(query.get("view")) ? query.get("view") : "events",
  };
}

/** @returns {string} the query of that place, the shortest that says it; empty for the start */
export function write({ session, run, event, filter, view }) {
  if (session === null) return "";
  const query = new URLSearchParams({ session });
  if (filter.run ?? run) query.set("run", filter.run ?? run);
  if (filter.run) query.set("only", "1");
  for (const agent of filter.agents) query.append("agent", agent);
  for (const type of filter.types) query.append("type", type);
  if (filter.text) query.set("q", filter.text);
  if (view !== "events") query.set("view", view);
  if (event) query.set("event", event);
  return `?${query}`;
}

/** @returns {Place} a session seen for the first time */
export function fresh(session) {
  const filter = { agents: [], types: [], run: null, text: "" };
  return { session, run: null, event: null, filter, view: "events" };
}

/** @returns {string} the filter in words; empty where nothing is hidden */
export function inWords({ agents, types, run, text }) {
  const parts = [];
  if (agents.length > 0) parts.push(`of ${agents.join(", ")}`);
  if (types.length > 0) parts.push(`of type ${types.join(", ")}`);
  if (run) parts.push(`of run ${run}`);
  if (text) parts.push(`with “${text}”`);
  return parts.length > 0 ? `Only events ${parts.join(", ")} are shown.` : "";
}

function id(text) {
  return text !== null && ID.test(text) ? text : null;
}

// What a caller may choose, and what is chosen where it does not. keepstream.d.ts explains each.

import { MOST } from "./feed.js";
import { WAIT } from "./poll.js";

const MANY = 1000; // events in a page, the most there can be
const FEW = 10; // on a network that no large answer survives

const USUAL = {
  after: "",
  types: [],
  until: "run",
  onEvent: undefined,
  onState: undefined,
  onReset: undefined,
  signal: undefined,
  transports: undefined,
  pollSeconds: WAIT,
  buffer: MOST,
};

/** Every option's name. */
export const OPTIONS = Object.keys(USUAL);

/**
 * @param {object} options a caller's
 * @param {{drivers: object, usual: string[]}} home the transports that there are
 * @returns {object} all options; TypeError for one that is none, or no transport that there is
 */
export function settle(options, { drivers, usual }) {
  const unknown = Object.keys(options).filter((name) => !OPTIONS.includes(name));
  if (unknown.length > 0) throw new TypeError(`no option ${unknown}: choose of ${OPTIONS}`);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settled = { ...USUAL, transports: usual, ...Object.fromEntries(given) };
  const transports = settled.transports.filter((name) => name in drivers);
  if (transports.length === 0) throw new TypeError(`transports: choose of ${Object.keys(drivers)}`);
  return { ...settled, transports };
}

/**
 * @param {URL} session its address
 * @param {object} options what `settle` returned
 * @param {{cursor: string, transport: string, gentle: boolean}} next the connection to come
 * @returns {URL} the address with the query in it; which transport takes what of it is its own
 */
export function addressOf(session, { types, until, pollSeconds }, { cursor, transport, gentle }) {
  const query = new URLSearchParams({ until });
  if (cursor) query.set("after", cursor);
  if (types.length > 0) query.set("types", types.join(","));
  if (transport === "poll") {
    query.set("wait", pollSeconds);
    query.set("limit", gentle ? FEW : MANY);
  } else if (transport !== "sse") {
    // A message costs a browser more than its events do; but it comes whole or not at all.
    query.set("frames", gentle ? "events" : "arrays");
  }
  const address = new URL(session);
  address.search = query;
  return address;
}

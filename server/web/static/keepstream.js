// Keepstream's client: follows sessions' events through every disconnect, in browsers and in Node.
//
//   import { follow } from "/static/keepstream.js";
//
//   const stream = follow("/api/sessions/s1", {
//     onEvent: (event, cursor) => console.log(event.offset, event.type, event.data),
//     onState: (state) => console.log(state.text),
//   });
//   await stream.cancel(run);
//
//   for await (const event of follow("/api/sessions/s1")) console.log(event.type);
//
//   const connection = connect(); // many sessions over one socket
//   connection.follow("s1", { onEvent });
//
// Every event is delivered once and in order, whatever happens to the connections in between; what
// does not fit is counted in `stream.counts` and healed by taking the stream up again. To copy it
// into a project: this file and the folder client/, and keepstream.d.ts, which explains every
// option, state and method. The guide is docs/clients.md.

import { Connection } from "./client/connection.js";
import { Stream } from "./client/stream.js";
import { DRIVERS } from "./client/transports.js";

/** The transports that this platform has, in the order of preference. */
export const TRANSPORTS = Object.freeze(Object.keys(DRIVERS));

/**
 * Follows one session. A session that does not exist yet is waited for.
 *
 * @param {string | URL} url the session's address, `…/api/sessions/<id>`, absolute or relative
 * @param {import("./keepstream.d.ts").FollowOptions} [options]
 * @returns {import("./keepstream.d.ts").Stream}
 */
export function follow(url, options = {}) {
  const address = new URL(url, here());
  address.pathname = address.pathname.replace(/\/$/, "");
  return new Stream(address, options);
}

/**
 * Follows many sessions over one WebSocket, which is opened when the first is followed.
 *
 * @param {string | URL} [url] `…/api/ws`, absolute or relative
 * @param {import("./keepstream.d.ts").FollowOptions} [options] for all its streams
 * @returns {import("./keepstream.d.ts").Connection}
 */
export function connect(url = "/api/ws", options = {}) {
  return new Connection(new URL(url, here()), options);
}

function here() {
  return globalThis.document?.baseURI ?? globalThis.location?.href;
}

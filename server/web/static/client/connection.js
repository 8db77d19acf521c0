// Many sessions over one WebSocket; where that does not get through, each by its own long polls.

import { settle } from "./options.js";
import { poll } from "./poll.js";
import { Stream } from "./stream.js";
import { DRIVERS } from "./transports.js";
import { Trunk } from "./trunk.js";
import { Turns } from "./turns.js";

// Polls and not event streams, because a poll gives its connection back and a stream keeps it: with
// six to a server, the seventh session would never be heard of.
const USUAL = ["shared", "poll"];
const OVER = new Set(["ended", "stopped", "closed"]);

export class Connection {
  #address;
  #options;
  #home;
  #trunk;
  #streams = new Map(); // session → its stream, also when it is over

  /**
   * @param {URL} address `…/api/ws`
   * @param {object} options what its streams have where they don't say otherwise
   */
  constructor(address, options) {
    this.#address = new URL(address);
    this.#address.pathname = this.#address.pathname.replace(/\/ws\/?$/, "");
    const bell = new Set();
    this.#trunk = new Trunk(this.#address, () => bell.forEach((wake) => wake()));
    const drivers = driversOver(this.#trunk, new Turns());
    this.#home = { drivers, usual: USUAL, place: `${address.origin} connect`, bell };
    settle(options, this.#home); // so that a mistake is told here
    this.#options = options;
    options.signal?.addEventListener("abort", () => this.close(), { once: true });
  }

  /** The sessions that are followed now. */
  get sessions() {
    return this.#open().map(([session]) => session);
  }

  /**
   * Follows a session over this connection.
   *
   * @param {string} session its id
   * @param {object} [options] as for `follow`
   * @returns {Stream}
   */
  follow(session, options = {}) {
    if (this.sessions.includes(session)) {
      throw new TypeError(`${session} is followed on this connection already`);
    }
    const address = new URL(this.#address);
    address.pathname += `/sessions/${encodeURIComponent(session)}`;
    const { signal, ...usual } = this.#options;
    const closed = signal?.aborted ? { signal } : {}; // else it closes them all, by `close`
    const stream = new Stream(address, { ...usual, ...options, ...closed }, this.#home);
    this.#streams.set(session, stream);
    return stream;
  }

  /** Closes the present socket, as a bad network would; all streams are taken up again. */
  cut() {
    this.#trunk.cut();
  }

  /** Closes all its streams and the socket. Runs go on. */
  close() {
    for (const [, stream] of this.#open()) stream.close();
    this.#trunk.cut();
  }

  #open() {
    for (const [session, { state }] of this.#streams) {
      if (OVER.has(state.name)) this.#streams.delete(session);
    }
    return [...this.#streams];
  }
}

function driversOver(trunk, turns) {
  const inTurns = (address, wire) =>
    turns.with((inTurn) => poll(address, wire, inTurn), wire.signal);
  const shared = { drive: trunk.drive, deadAfter: (heartbeatMs) => 2.5 * heartbeatMs };
  const own = { ...DRIVERS, poll: { ...DRIVERS.poll, drive: inTurns } };
  return "WebSocket" in globalThis ? { shared, ...own } : own;
}

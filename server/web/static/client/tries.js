// What a connection's end teaches about the next one: by which transport, and after what wait.

import { backoff, choose } from "./policy.js";

const STEADY_MS = 3000; // a connection that lived so long starts the count of attempts again
const NOT_THE_TRANSPORT = new Set(["abandoned", "bye", "cut"]); // nor its fault, where unready
const OWN_WISH = new Set(["full", "preferred"]); // no trouble at all: it goes on at once

export class Tries {
  #transports;
  #worked; // the transport that got ready last
  #failures = 0; // tries in a row that never got ready

  /** Tries in a row that had to wait. */
  attempt = 0;
  /** Connections that broke. */
  cuts = 0;
  /** The transport that is forced, or null. */
  preferred = null;
  /** Whether connections break within what comes at once: it is then to come in small pieces. */
  gentle = false;

  /**
   * @param {string[]} transports in the order of preference
   * @param {string | null} worked what worked here before
   */
  constructor(transports, worked) {
    this.#transports = transports;
    this.#worked = worked;
  }

  /** The transport of the next connection. */
  get next() {
    return this.preferred ?? choose(this.#transports, this.#worked, this.#failures);
  }

  /** @param {string | null} transport null leaves the choice to experience */
  prefer(transport) {
    this.preferred = transport;
    this.#failures = 0;
  }

  /**
   * A transport that was forced works too, but says nothing about those that were not tried.
   *
   * @returns {boolean} whether it is worth remembering
   */
  worked(transport) {
    if (this.preferred !== null) return false;
    this.#worked = transport;
    return true;
  }

  /**
   * @param {import("./link.js").Link} link the connection that ended
   * @param {{waitMs: number | null, online: boolean, chance: number}} how the server's wish for the
   *   wait, whether there is a network at all, and a number from 0 to 1
   * @returns {number | null} milliseconds to wait; null to go on at once
   */
  after(link, { waitMs, online, chance }) {
    if (OWN_WISH.has(link.fate)) return null;
    this.#account(link, online);
    if (link.fate === "abandoned" || this.#isFirstTurn(link)) return null;
    this.attempt += 1;
    const own = backoff(this.attempt, chance);
    return Math.round(waitMs === null ? own : waitMs * (1 + chance / 4));
  }

  #account({ ready, progress, fate, age, heardAt }, online) {
    if (!progress && heardAt !== null) this.gentle = true;
    if (progress && age > STEADY_MS) this.gentle = false;
    if (ready) {
      this.cuts += 1;
      this.#failures = 0;
      if (progress || fate === "cut" || age > STEADY_MS) this.attempt = 0;
    } else if (!NOT_THE_TRANSPORT.has(fate) && online) {
      this.#failures += 1; // offline, a failure says nothing about the transport
    }
  }

  /** A transport that was not tried yet need not wait for the failure of another. */
  #isFirstTurn({ transport }) {
    const untried = this.#failures > 0 && this.#failures < this.#transports.length;
    return untried && this.next !== transport;
  }
}

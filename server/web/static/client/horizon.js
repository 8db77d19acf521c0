// What is known of a session's log beyond the place where its follower is: pure bookkeeping.

import { sessionAfter } from "./state.js";

export class Horizon {
  #greeted = false;
  #end = 0;

  /** The state of the session, as far as it was heard of; null before. */
  session = null;
  /** The newest offset that was heard of. */
  last = 0;
  /** Events that had come while no connection was there, as the last `ready` told. */
  missed = 0;

  /** Whether some connection was ready once. */
  get greeted() {
    return this.#greeted;
  }

  /** Events between this offset and where the log ended when the present connection began. */
  behind(offset) {
    return Math.max(0, this.#end - offset);
  }

  /**
   * @param {{state: string, last: number}} frame
   * @param {number | null} offset where the follower is; null where that is no place in this log
   */
  ready({ state, last = 0 }, offset) {
    this.missed = this.#greeted && offset !== null ? Math.max(0, last - offset) : 0;
    this.#greeted = true;
    this.session = state;
    this.last = this.#end = last;
  }

  /** The log began again: what was known of its end is about another one. */
  reset({ last = 0 }) {
    this.last = this.#end = last;
  }

  /** @param {{last?: number}} frame a heartbeat; an event stream's has no `last` */
  heard({ last }) {
    if (typeof last === "number") this.last = Math.max(this.last, last);
  }

  /** @returns {boolean} whether the session is in another state than before */
  event(event) {
    this.last = Math.max(this.last, event.offset);
    const before = this.session;
    this.session = sessionAfter(event, before);
    return this.session !== before;
  }
}

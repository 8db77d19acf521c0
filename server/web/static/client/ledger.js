// What a follower has received and where it goes on: pure bookkeeping, no I/O and no clock.
//
//   frame                 no cursor yet         cursor E-n                      types filter
//   ready  (epoch F)      epoch := F            F ≠ E: all is a gap until reset  same
//   reset  (F, first)     epoch := F, n := first-1, counted                      same
//   event  (offset m)     m = n+1 next · m ≤ n double · m > n+1 gap              m > n next
//   heartbeat, bye (E-m)  m > n gap, else nothing                                n := max(n, m)
//
// A cursor of offset 0 holds nothing that another epoch could contradict, so it counts as none:
// a session that only waited may be made anew, with a new epoch, by a server that started again.

/**
 * @param {string} text a cursor, `<epoch>-<offset>`
 * @returns {{epoch: string, offset: number} | null} null for whatever is not a cursor
 */
export function parseCursor(text) {
  const parts = /^([a-z0-9]{4,16})-(\d{1,15})$/.exec(text ?? "");
  return parts && { epoch: parts[1], offset: Number(parts[2]) };
}

export class Ledger {
  #asked;
  #filtered;
  #epoch = null;
  #offset = 0;
  #foreign = false;

  /** Events delivered, holes found, events that came twice, logs that began again. */
  counts = { events: 0, gaps: 0, doubles: 0, resets: 0 };

  /**
   * @param {string} after a cursor, `now`, or empty for the first event
   * @param {boolean} filtered whether only some types are sent, so that offsets may jump
   */
  constructor(after = "", filtered = false) {
    this.#asked = after;
    this.#filtered = filtered;
    const cursor = parseCursor(after);
    if (cursor) {
      this.#epoch = cursor.epoch;
      this.#offset = cursor.offset;
    }
  }

  /** Everything up to here was delivered; what was asked for while nothing is known. */
  get cursor() {
    return this.#epoch === null ? this.#asked : `${this.#epoch}-${this.#offset}`;
  }

  get offset() {
    return this.#offset;
  }

  /** Whether the present connection is of another epoch, so that only a reset can follow. */
  get foreign() {
    return this.#foreign;
  }

  /** @param {{epoch: string, first: number, after?: string}} frame the first one of a connection */
  ready({ epoch, first = 1, after }) {
    if (this.#offset > 0) {
      this.#foreign = epoch !== this.#epoch;
      return;
    }
    const start = parseCursor(after);
    this.#epoch = epoch;
    this.#offset = Math.max(start?.epoch === epoch ? start.offset : 0, first - 1);
  }

  /** @param {{epoch: string, first: number}} frame says that the cursor cannot be continued */
  reset({ epoch, first = 1 }) {
    this.#epoch = epoch;
    this.#offset = first - 1;
    this.#foreign = false;
    this.counts.resets += 1;
  }

  /**
   * Counts a double or a gap where it finds one; only `next` may be delivered.
   *
   * @param {{offset: number}} event
   * @returns {"next" | "double" | "gap"}
   */
  judge({ offset }) {
    const next = this.#offset + 1;
    if (this.#foreign || (offset > next && !this.#filtered)) return this.#gap();
    if (offset >= next) return "next";
    this.counts.doubles += 1;
    return "double";
  }

  /** The cursor that includes this event, before it is delivered. */
  cursorWith({ offset }) {
    return `${this.#epoch}-${offset}`;
  }

  /** To be called when the event has been delivered, and not before. */
  delivered({ offset }) {
    this.#offset = offset;
    this.counts.events += 1;
  }

  /**
   * The server's own account of how far this reader got, in a heartbeat or a bye. Without a filter
   * it cannot be ahead of what was delivered unless something was lost on the way.
   *
   * @param {string | undefined} text a cursor
   * @returns {"agreed" | "gap"}
   */
  confirm(text) {
    const theirs = parseCursor(text);
    if (theirs === null) return "agreed";
    if (theirs.epoch !== this.#epoch) return this.#offset > 0 ? this.#gap() : "agreed";
    if (theirs.offset <= this.#offset) return "agreed";
    if (!this.#filtered) return this.#gap();
    this.#offset = theirs.offset;
    return "agreed";
  }

  #gap() {
    this.counts.gaps += 1;
    return "gap";
  }
}

// What has come for a loop and was not taken yet. It is bounded: what does not fit stays where it
// is kept anyway, in the log, and the connection that would bring it is given up until there is
// room again. An event that waits here has been received and not delivered.

/** Events, and characters of them, that may wait. */
export const MOST = 1000;
const MOST_CHARACTERS = 4 * 1024 * 1024;
const LOW_WATER = 1 / 4; // of the above: where more is asked for again

export class Feed {
  #most;
  #begun; // is told of resets
  #entries = [];
  #characters = 0;
  #takers = [];
  #waiting = []; // for room
  #over = false;
  #shut = false;
  #error = null;

  /**
   * @param {number} most events that may wait
   * @param {(reset: object) => void} begun is told of a reset when all before it were taken
   */
  constructor(most, begun) {
    this.#most = most;
    this.#begun = begun;
  }

  /** Events that wait. */
  get size() {
    return this.#entries.reduce((sum, { event }) => sum + (event ? 1 : 0), 0);
  }

  /** The cursor before the first thing that waits; null where nothing does. */
  get cursor() {
    return this.#entries[0]?.before ?? null;
  }

  /** Whether more must not come. */
  get full() {
    return this.#fills(1);
  }

  /** @param {{event: object, cursor: string, before: string}} entry `before`: without it */
  put(entry, characters) {
    const taker = this.#takers.shift();
    if (taker) {
      taker[0](entry);
      return;
    }
    this.#entries.push({ ...entry, characters });
    this.#characters += characters;
  }

  /** @param {object} reset the frame @param {string} before the cursor that it ends */
  reset(reset, before) {
    if (this.#entries.length === 0) this.#begun(reset);
    else this.#entries.push({ reset, before, characters: 0 });
  }

  /**
   * @returns {Promise<{event: object, cursor: string} | null>} the next event, null at the end;
   *   rejects once with the error that ended it
   */
  take() {
    if (this.#shut) return Promise.resolve(null);
    while (this.#entries[0]?.reset) this.#begun(this.#entries.shift().reset);
    const entry = this.#entries.shift();
    if (entry) {
      this.#characters -= entry.characters;
      this.#offerRoom();
      return Promise.resolve(entry);
    }
    return this.#over ? this.#last() : new Promise((...way) => this.#takers.push(way));
  }

  /** What comes after the last event: the error, once, or null. */
  #last() {
    const error = this.#error;
    this.#error = null;
    return error === null ? Promise.resolve(null) : Promise.reject(error);
  }

  /** Resolves when so much was taken that more may come, or when it is over. */
  room() {
    if (this.#over || !this.#fills(LOW_WATER)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Nothing more will come. What waits can still be taken. */
  end(error = null) {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    for (const [resolve, reject] of this.#takers.splice(0)) this.#last().then(resolve, reject);
    this.#offerRoom();
  }

  /** Nothing is wanted any more: what waits stays undelivered, and `cursor` before it. */
  shut() {
    this.#shut = true;
    this.end();
  }

  #fills(share) {
    const { length } = this.#entries;
    return length >= this.#most * share || this.#characters >= MOST_CHARACTERS * share;
  }

  #offerRoom() {
    if (this.#over || !this.#fills(LOW_WATER)) {
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }
}

/**
 * The loop's side of a feed, as `for await` wants it.
 *
 * @param {Feed} feed
 * @param {{took: (entry: object) => void, left: () => void}} told `took`: an entry is handed to the
 *   loop now; `left`: the loop ended early
 * @returns {AsyncIterableIterator<object>}
 */
export function loopOver(feed, { took, left }) {
  return {
    async next() {
      const entry = await feed.take();
      if (entry === null) return { done: true, value: undefined };
      took(entry);
      return { done: false, value: entry.event };
    },
    async return(value) {
      left();
      return { done: true, value };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

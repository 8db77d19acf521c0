// Long polls that take turns. A browser opens six connections to a server of HTTP/1.1, and a poll
// keeps one for as long as it waits: a dozen of them would leave none for anything else.

const AT_ONCE = 4; // the other connections are for what the page asks beside
const ALONE = 5; // seconds to wait for an answer: whoever comes as the fifth waits them once
const CROWDED = 1; // where they have to share

export class Turns {
  #inside = 0; // streams that poll
  #asking = 0;
  #queue = [];

  /**
   * Runs a poll to its end; within it, `inTurn` makes each request in its turn.
   *
   * @param {(inTurn: (ask: (wait: number) => Promise, wished: number) => Promise) => Promise} poll
   * @param {AbortSignal} signal ends the wait for a turn
   */
  async with(poll, signal) {
    this.#inside += 1;
    try {
      return await poll((ask, wished) => this.#inTurn(ask, wished, signal));
    } finally {
      this.#inside -= 1;
    }
  }

  async #inTurn(ask, wished, signal) {
    await this.#turn(signal);
    try {
      return await ask(Math.min(wished, this.#inside > AT_ONCE ? CROWDED : ALONE));
    } finally {
      const next = this.#queue.shift();
      if (next) next(); // which takes over this one's place
      else this.#asking -= 1;
    }
  }

  #turn(signal) {
    if (this.#asking < AT_ONCE) {
      this.#asking += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const left = () => {
        this.#queue = this.#queue.filter((each) => each !== come);
        reject(signal.reason);
      };
      const come = () => {
        signal.removeEventListener("abort", left);
        resolve();
      };
      this.#queue.push(come);
      signal.addEventListener("abort", left, { once: true });
    });
  }
}

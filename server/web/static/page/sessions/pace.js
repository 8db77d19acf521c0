// When to ask again: every two seconds while the page is seen, later and later while nobody
// answers, never while it is hidden.

const EVERY_MS = 2000;
const LONGEST_MS = 30_000;

/** @returns {number} ms to the next try after so many failures in a row */
export function waitAfter(failures) {
  return Math.min(LONGEST_MS, EVERY_MS * 2 ** failures);
}

export class Pace {
  #ask;
  #told;
  #timer = 0;
  #failures = 0;
  #asking = false;
  #again = false;
  #running = false;
  #seen = () => this.#look();

  /**
   * @param {() => Promise<void>} ask rejects where the server did not answer
   * @param {(trouble: {error: Error, waitMs: number} | null) => void} told after each try
   */
  constructor(ask, told) {
    this.#ask = ask;
    this.#told = told;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    for (const name of ["visibilitychange", "online"]) this.#listen("addEventListener", name);
    this.now();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    for (const name of ["visibilitychange", "online"]) this.#listen("removeEventListener", name);
  }

  /** Asks at once; where it is asking already, once more when that is answered. */
  now() {
    clearTimeout(this.#timer);
    if (this.#asking) this.#again = true;
    else if (this.#running) this.#turn();
  }

  #listen(method, name) {
    (name === "online" ? globalThis : document)[method](name, this.#seen);
  }

  #look() {
    if (document.hidden) clearTimeout(this.#timer);
    else this.now();
  }

  async #turn() {
    this.#asking = true;
    this.#again = false;
    let trouble = null;
    try {
      await this.#ask();
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      trouble = { error, waitMs: waitAfter(this.#failures) };
    }
    this.#asking = false;
    if (!this.#running) return;
    this.#told(trouble);
    if (this.#again) this.#turn();
    else if (!document.hidden) {
      this.#timer = setTimeout(() => this.#turn(), trouble?.waitMs ?? EVERY_MS);
    }
  }
}

// When the session's runs began, for times that count from there.

const ASK_AGAIN_MS = 10_000; // for a run that is not known

export class Starts {
  #known = new Map(); // run → ms
  #asked = -Infinity;
  #fetchRuns;
  #learned;

  /**
   * @param {() => Promise<{id: string, created: string}[]>} fetchRuns
   * @param {() => void} learned called when they came
   */
  constructor(fetchRuns, learned) {
    this.#fetchRuns = fetchRuns;
    this.#learned = learned;
  }

  learn(run, time) {
    this.#known.set(run, Date.parse(time));
  }

  /** @returns {number | null} seconds from the run's start to `time`; null while it is not known */
  since(run, time) {
    const start = this.#known.get(run);
    if (start === undefined) this.#ask();
    return start === undefined ? null : (Date.parse(time) - start) / 1000;
  }

  async #ask() {
    if (performance.now() - this.#asked < ASK_AGAIN_MS) return;
    this.#asked = performance.now();
    const runs = await this.#fetchRuns().catch(() => []); // without them the clock's time is shown
    for (const { id, created } of runs) if (!this.#known.has(id)) this.learn(id, created);
    this.#learned();
  }
}

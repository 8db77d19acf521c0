// Which workflow a session's newest run is of, and how it ended: asked for where somebody looks.

import { getRun } from "../api.js";

const AT_ONCE = 4;
const ACTIVE = ["queued", "starting", "running"];
const KEPT = 5000;

export class RunFacts {
  #facts = new Map(); // run → {workflow, state}
  #waiting = new Set(); // newest first is not needed: the ones in sight are few
  #asking = new Set();
  #told;

  /** @param {() => void} told called when something became known */
  constructor(told) {
    this.#told = told;
  }

  /** @returns {{workflow: string, state: string} | undefined} what is known of it now */
  get(run) {
    return this.#facts.get(run);
  }

  /** @param {object} session asks for what is not known of its newest run, or is known no longer */
  want({ run, state }) {
    if (!run || this.#asking.has(run)) return;
    const known = this.#facts.get(run);
    if (known && !(state === "closed" && ACTIVE.includes(known.state))) return;
    this.#waiting.add(run);
    this.#next();
  }

  #next() {
    for (const run of this.#waiting) {
      if (this.#asking.size >= AT_ONCE) return;
      this.#waiting.delete(run);
      this.#asking.add(run);
      this.#ask(run);
    }
  }

  async #ask(run) {
    try {
      const { workflow, state } = await getRun(run);
      this.#facts.set(run, { workflow, state });
      if (this.#facts.size > KEPT) this.#facts.delete(this.#facts.keys().next().value);
      this.#told();
    } catch {
      // The row does without; the next look at it asks again.
    }
    this.#asking.delete(run);
    this.#next();
  }
}

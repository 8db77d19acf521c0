// What a session's events add up to: its runs, and of each its agents, tools, questions and end.
// Pure, and bounded: what is too much is counted, not kept.

import { RunOutline } from "./run-outline.js";
import { name } from "./reading.js";

/** The event types that an outline needs; `add` passes over all others. */
export const OUTLINE_TYPES = Object.freeze(RunOutline.types);

const NEEDED = new Set(OUTLINE_TYPES);
const RUNS = 200;
const KEPT = 60_000; // spans and marks of all runs together; the oldest runs go first
const AGENTS = 1000;

export class Outline {
  #byId = new Map();
  #agents = new Map(); // name → true, in order of appearance

  /** @type {RunOutline[]} oldest first; the newest ones, where there were very many */
  runs = [];
  runsLeftOut = 0;
  /** The offset of the last event that was given, 0 before the first. */
  last = 0;
  /** Grows with each change. */
  version = 0;

  /**
   * @param {{offset: number, time: string, type: string, run: string, agent?: string,
   *   span?: string, data: object}} event in the order of the log; any field may be wrong
   * @returns {boolean} whether something changed
   */
  add(event) {
    const { offset, type, run: id, agent } = Object(event);
    if (!Number.isSafeInteger(offset) || offset <= this.last) return false;
    this.last = offset;
    if (!NEEDED.has(type) || name(id) === null) return false;
    const run = this.#byId.get(id) ?? this.#open(id);
    if (!run.add(event)) return false;
    if (name(agent) !== null && this.#agents.size < AGENTS) this.#agents.set(name(agent), true);
    this.version += 1;
    this.#forget();
    return true;
  }

  /** Fills in a run whose beginning was not read. @param {object} run as the server has it */
  describe({ id, workflow, started }) {
    this.run(id)?.describe({ workflow, started });
    this.version += 1;
  }

  /** @returns {RunOutline | undefined} */
  run(id) {
    return this.#byId.get(id);
  }

  /** @returns {string[]} in order of appearance, over all runs */
  get agents() {
    return [...this.#agents.keys()];
  }

  #open(id) {
    const run = new RunOutline(id);
    this.#byId.set(id, run);
    this.runs.push(run);
    return run;
  }

  #forget() {
    const much = () => this.runs.length > RUNS || this.runs.reduce(sumOfKept, 0) > KEPT;
    while (this.runs.length > 1 && much()) {
      this.#byId.delete(this.runs.shift().id);
      this.runsLeftOut += 1;
    }
  }
}

function sumOfKept(sum, { kept }) {
  return sum + kept;
}

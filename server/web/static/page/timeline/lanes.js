// Who stands in which lane: pure.

/**
 * @typedef {object} Lane
 * @property {string} agent whose blocks stand in it, one after another
 * @property {number | null} parent the lane of the blocks around them
 * @property {number} depth 0 for a lane without parent
 */

/**
 * Gives lanes to blocks as they begin. A lane belongs to one agent inside one parent's lane; blocks
 * of it at the same time get a lane each. A lane that was given never changes.
 */
export class Lanes {
  #free = new Map(); // owner → numbers of lanes that are free again

  /** @type {Lane[]} by number, in the order in which they were given */
  all = [];

  /** @returns {number} */
  take(agent, parent) {
    const free = this.#free.get(owner(agent, parent));
    if (free?.length > 0) return free.splice(free.indexOf(Math.min(...free)), 1)[0];
    const depth = parent === null ? 0 : this.all[parent].depth + 1;
    return this.all.push({ agent, parent, depth }) - 1;
  }

  /** The block in the lane has ended: the agent's next one may stand there. */
  release(number) {
    const { agent, parent } = this.all[number];
    const key = owner(agent, parent);
    const free = this.#free.get(key);
    if (!free) this.#free.set(key, [number]);
    else if (!free.includes(number)) free.push(number);
  }
}

function owner(agent, parent) {
  return `${parent} ${agent}`;
}

/**
 * A run as rows: first the run itself, then its lanes. While a run is watched a new lane comes
 * last, so that none moves under the reader's eyes; `tidy` puts each under its parent.
 */
export class Rows {
  #run;
  #taken = 0; // spans
  #spans = []; // by lane
  #rowOf = []; // by lane

  /** @type {number[]} lanes by row, without the run's own row */
  order = [];

  /** @param {import("../run/run-outline.js").RunOutline} run */
  constructor(run) {
    this.#run = run;
    this.update();
    this.tidy();
  }

  /** Takes in what has come since. @returns {boolean} whether there are more rows now */
  update() {
    const before = this.order.length;
    const { lanes, spans } = this.#run;
    while (this.order.length < lanes.length) {
      this.#spans.push([]);
      this.#rowOf.push(this.order.push(this.order.length));
    }
    for (; this.#taken < spans.length; this.#taken += 1) {
      this.#spans[spans[this.#taken].lane].push(spans[this.#taken]);
    }
    return this.order.length > before;
  }

  /** Each lane under its parent, siblings in the order in which they were given. */
  tidy() {
    const { lanes } = this.#run;
    const inside = new Map();
    lanes.forEach(({ parent }, lane) => {
      if (inside.has(parent)) inside.get(parent).push(lane);
      else inside.set(parent, [lane]);
    });
    const ahead = [...(inside.get(null) ?? [])].reverse(); // no recursion: depth has no bound
    this.order = [];
    while (ahead.length > 0) {
      const lane = ahead.pop();
      this.#rowOf[lane] = this.order.push(lane);
      for (const child of [...(inside.get(lane) ?? [])].reverse()) ahead.push(child);
    }
  }

  /** How many rows there are, with the run's own. */
  get count() {
    return this.order.length + 1;
  }

  /** @returns {number} 0 is the run's own row */
  rowOf(lane) {
    return this.#rowOf[lane];
  }

  /** @returns {Lane | null} null for the run's own row */
  lane(row) {
    return this.#run.lanes[this.order[row - 1]] ?? null;
  }

  /** @returns {import("../run/shapes.js").Span[]} of the row's lane, as they began */
  spans(row) {
    return this.#spans[this.order[row - 1]] ?? [];
  }

  /**
   * All that stands in a row, in the order of their beginnings; a block before what is in it.
   *
   * @returns {{offset: number, start: number}[]}
   */
  entries(row) {
    const run = this.#run;
    const own = { offset: run.offset, start: run.started };
    const found = row === 0 ? [own, ...run.marks] : [];
    for (const span of this.spans(row)) found.push(span, ...span.marks);
    return found.sort((a, b) => a.start - b.start || a.offset - b.offset);
  }
}

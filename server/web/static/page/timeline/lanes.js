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

// The axis: ticks, the time under the pointer, and a part that is being chosen.

import { element, setText } from "../dom.js";
import { lasting } from "./words.js";
import { tickLabel, ticks } from "./scale.js";

const APART = 84; // pixels from tick to tick, at least

export class Axis {
  #ticks = element("div", "ticks");
  #cursor = element("span", "cursor-time");
  #chosen = element("div", "chosen");

  constructor() {
    this.node = element("div", "axis", this.#ticks, this.#chosen, this.#cursor);
    this.node.setAttribute("aria-hidden", "true");
    this.node.title = "Drag to choose a part";
    this.#cursor.hidden = this.#chosen.hidden = true;
  }

  /** @returns {number[]} where the ticks stand, in pixels */
  draw({ from, to }, width) {
    const found = ticks(from, to, ((to - from) * APART) / Math.max(width, 1));
    const { children } = this.#ticks;
    while (children.length > found.length) this.#ticks.lastChild.remove();
    while (children.length < found.length) this.#ticks.append(element("span"));
    const xs = found.map(({ at }) => ((at - from) / (to - from)) * width);
    found.forEach(({ label }, index) => {
      setText(children[index], label);
      move(children[index], xs[index]);
    });
    return xs;
  }

  /** @param {number | null} x pixels; null takes the time away */
  point(x, { from, to }, width) {
    this.#cursor.hidden = x === null;
    if (x === null) return;
    const pixel = (to - from) / width;
    setText(this.#cursor, tickLabel(Math.max(0, from + x * pixel), fine(pixel)));
    move(this.#cursor, Math.min(Math.max(x, 26), width - 26));
  }

  /** @param {number | null} from pixels; null where nothing is being chosen */
  choose(from, to, { from: start, to: end }, width) {
    this.#chosen.hidden = from === null;
    if (from === null) return;
    this.#chosen.style.setProperty("left", `${Math.min(from, to)}px`);
    this.#chosen.style.setProperty("width", `${Math.abs(to - from)}px`);
    setText(this.#chosen, lasting((Math.abs(to - from) / width) * (end - start)));
  }
}

/** A step of the label that is not finer than a pixel. */
function fine(pixel) {
  return 10 ** Math.max(-3, Math.ceil(Math.log10(pixel)));
}

function move(node, x) {
  node.style.setProperty("transform", `translateX(${x.toFixed(1)}px)`);
}

// The strip over the timeline: how much went on when, over the whole run, and which part is seen.

import { element, svg } from "../dom.js";
import { activity } from "./plan.js";

const COLUMNS = 240;
const HEIGHT = 20;

export class Overview {
  #shape = svg("path", { class: "activity" });
  #faults = svg("path", { class: "faults" });
  #window = element("div", "window");

  /** @param {(share: number) => void} centre asks for the part around this share of the run */
  constructor(centre) {
    const drawing = svg(
      "svg",
      { viewBox: `0 0 ${COLUMNS} ${HEIGHT}`, preserveAspectRatio: "none" },
      this.#shape,
      this.#faults,
    );
    this.node = element("div", "overview", drawing, this.#window);
    this.node.setAttribute("aria-hidden", "true"); // the keys reach all that it reaches
    this.node.addEventListener("pointerdown", (press) => {
      this.node.setPointerCapture(press.pointerId);
      centre(this.#share(press));
    });
    this.node.addEventListener("pointermove", (move) => {
      if (this.node.hasPointerCapture(move.pointerId)) centre(this.#share(move));
    });
  }

  /** @param {import("./scale.js").View} view @param {number} now ms since the run's start */
  draw(run, view, now) {
    const open = activity(run, view.end, COLUMNS, now);
    const most = Math.max(1, ...open);
    const height = (n) => HEIGHT - (n === 0 ? 0 : 2 + (n / most) * (HEIGHT - 4));
    const steps = open.map((n, column) => `V${height(n).toFixed(1)}H${column + 1}`);
    put(this.#shape, `M0 ${HEIGHT}${steps.join("")}V${HEIGHT}Z`);
    const faults = run.spans.filter(({ state }) => state === "error").slice(0, COLUMNS);
    const at = (span) => (((span.end - run.started) / view.end) * COLUMNS).toFixed(1);
    put(this.#faults, faults.map((span) => `M${at(span)} 0v${HEIGHT}`).join(""));
  }

  /** Shows which part is seen; nothing where it is all. */
  frame(view) {
    this.#window.hidden = !view.zoomed;
    const share = (time) => `${((time / view.end) * 100).toFixed(2)}%`;
    this.#window.style.setProperty("left", share(view.from));
    this.#window.style.setProperty("width", share(view.length));
  }

  #share({ clientX }) {
    const { left, width } = this.node.getBoundingClientRect();
    return (clientX - left) / width;
  }
}

function put(path, d) {
  if (path.getAttribute("d") !== d) path.setAttribute("d", d);
}

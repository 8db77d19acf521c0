// The lanes' names beside the plot, as far as they are in sight.

import { element, setText } from "../dom.js";
import { colourOf } from "../format.js";

const DEEPEST = 6; // of what is indented

export class Names {
  #drawn = new Map(); // row → its node

  constructor() {
    this.node = element("div", "names");
    this.node.setAttribute("aria-hidden", "true"); // each bar's label begins with its agent
  }

  /**
   * @param {import("./lanes.js").Rows} rows
   * @param {Set<number>} inSight the rows of which a bar is seen at present
   */
  draw(rows, run, { first, last }, inSight) {
    const end = Math.min(last, rows.count - 1);
    for (const [row, node] of this.#drawn) {
      if (row >= first && row <= end) continue;
      node.remove();
      this.#drawn.delete(row);
    }
    for (let row = first; row <= end; row += 1) {
      let node = this.#drawn.get(row);
      if (!node) {
        node = element("div", "", element("span", "agent"), element("span", "task"));
        node.style.setProperty("--row", row);
        this.#drawn.set(row, node);
        this.node.append(node);
      }
      fill(node, rows, run, row);
      node.classList.toggle("away", row > 0 && !inSight.has(row));
    }
  }
}

function fill(node, rows, run, row) {
  const lane = rows.lane(row);
  const [agent, task] = node.children;
  if (lane === null) {
    node.className = "name whole";
    setText(agent, run.workflow || "Run");
    setText(task, "");
    return;
  }
  const spans = rows.spans(row);
  const under = lane.depth > 0 ? "inside" : "";
  const running = spans.at(-1)?.state === "running" ? "running" : "";
  const classes = ["name", colourOf(lane.agent), under, running];
  const away = node.classList.contains("away") ? "away" : "";
  const all = [...classes, away].filter(Boolean).join(" ");
  if (node.className !== all) node.className = all;
  node.style.setProperty("--depth", Math.min(lane.depth, DEEPEST));
  setText(agent, lane.agent);
  setText(task, spans.length === 1 ? spans[0].task : `${spans.length} ×`);
  const around = lane.parent === null ? "" : ` in ${run.lanes[lane.parent].agent}`;
  const title = `${lane.agent}${around}`;
  if (node.title !== title) node.title = title;
}

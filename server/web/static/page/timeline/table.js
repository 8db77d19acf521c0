// The same as a table: for who hears the page, or wants figures.

import { button, element, fire, setText } from "../dom.js";
import { colourOf, count } from "../format.js";
import { lasting } from "./words.js";

const ROWS = 300;
const AGAIN_MS = 1000;
const HEADS = ["Agent", "Task", "State", "From", "Duration", "Tools"];
const STATES = { running: "running", complete: "complete", error: "failed", cut: "cut off" };

export class Table {
  #body = element("tbody");
  #rest = element("p", "soft");
  #rows = new Map(); // span's offset → its row
  #run = null;
  #now = () => 0;
  #timer = 0;

  constructor() {
    const head = element("tr", "", ...HEADS.map((name) => column(name)));
    const caption = element("caption", "spoken", "Blocks of agents, as they began");
    const table = element("table", "", caption, element("thead", "", head), this.#body);
    this.node = element("div", "as-table", table, this.#rest);
    this.node.tabIndex = 0; // it scrolls
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", "Timeline as a table");
    this.node.hidden = true;
  }

  /** @param {() => number} now ms since 1970 */
  show(run, now) {
    if (run !== this.#run) {
      this.#rows.clear();
      this.#body.replaceChildren();
    }
    [this.#run, this.#now] = [run, now];
    this.refresh();
  }

  /** Writes it when it can be seen, and no more than once a second. */
  refresh() {
    if (this.node.hidden || this.#timer !== 0) return;
    this.#write();
    this.#timer = setTimeout(() => {
      this.#timer = 0;
      if (this.#run?.state === "running") this.refresh();
      else if (!this.node.hidden) this.#write();
    }, AGAIN_MS);
  }

  #write() {
    const run = this.#run;
    if (run === null) return;
    for (const span of run.spans.slice(0, ROWS)) {
      let row = this.#rows.get(span.offset);
      if (!row) {
        row = rowOf(span);
        this.#rows.set(span.offset, row);
        this.#body.append(row);
      }
      fill(row, span, run, this.#now());
    }
    const more = run.spans.length + run.spansLeftOut - ROWS;
    setText(this.#rest, more > 0 ? `and ${count(more)} more` : "");
  }
}

function column(name) {
  const made = element("th", "", name);
  made.scope = "col";
  return made;
}

function rowOf(span) {
  const { agent, task, depth, offset } = span;
  const name = button(agent, `plain agent ${colourOf(agent)}`);
  name.addEventListener("click", () => fire(name, "reveal", { offset }));
  const head = element("th", "", name);
  head.scope = "row";
  head.style.setProperty("--depth", Math.min(depth, 8));
  const cells = Array.from({ length: 4 }, () => element("td", "figures"));
  return element("tr", "", head, element("td", "task", task), ...cells);
}

function fill(row, span, run, now) {
  const [, , state, from, took, tools] = row.children;
  setText(state, STATES[span.state]);
  state.className = `state is-${span.state}`;
  setText(from, lasting(Math.max(0, span.start - run.started)));
  setText(took, lasting(Math.max(0, (span.end ?? now) - span.start)));
  const calls = span.marks.filter(({ kind }) => kind === "tool");
  const failed = calls.filter((call) => call.failed).length;
  setText(tools, failed > 0 ? `${calls.length} (${failed} failed)` : String(calls.length));
}

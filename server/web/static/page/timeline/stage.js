// What a run's timeline shows: its part of the time, its rows, and all that is drawn of them.

import { element } from "../dom.js";
import { Axis } from "./axis.js";
import { Canvas, ROW } from "./canvas.js";
import { Rows } from "./lanes.js";
import { Names } from "./names.js";
import { Overview } from "./overview.js";
import { connectors, plan } from "./plan.js";
import { View } from "./scale.js";

const BEYOND = 3; // rows drawn above and below what is in sight
const STRIP_MS = 250; // between two drawings of the overview
const EDGE = 24; // pixels that bars go on beyond the sides, as in the plan

export class Stage {
  #skew = 0; // the server's clock less this one's
  #width = 0;
  #stripAt = -Infinity;

  run = null;
  rows = null;
  view = new View();
  axis = new Axis();
  names = new Names();

  /** @param {() => void} changed asks for a drawing */
  constructor(changed) {
    this.overview = new Overview((share) => {
      this.view.pan(share * this.view.end - (this.view.from + this.view.to) / 2);
      changed();
    });
    this.plot = element("div", "plot");
    this.canvas = new Canvas(this.plot);
    this.cursor = element("div", "cursor");
    this.cursor.hidden = true;
    this.plot.append(this.cursor);
    const corner = element("div", "corner");
    this.scroller = element("div", "scroller", corner, this.axis.node, this.names.node, this.plot);
    this.scroller.addEventListener("scroll", changed, { passive: true });
    new ResizeObserver(([{ contentRect }]) => {
      this.#width = contentRect.width;
      const bar = this.scroller.offsetWidth - this.scroller.clientWidth; // where it takes room
      this.overview.node.style.setProperty("--scrollbar", `${bar}px`);
      changed();
    }).observe(this.plot);
  }

  /** @param {number | undefined} now the server's clock, ms since 1970, where it is known */
  show(run, now) {
    if (Number.isFinite(now)) this.#skew = now - Date.now();
    if (run === this.run) return false;
    this.run = run;
    this.rows = run && new Rows(run);
    this.view = new View();
    this.#stripAt = -Infinity;
    this.scroller.scrollTop = 0;
    return true;
  }

  get running() {
    return this.run?.state === "running";
  }

  /** ms since the run's start. A clock that lags behind the run's events is not believed. */
  get elapsed() {
    const { started, ended, updated } = this.run;
    return (this.running ? Math.max(Date.now() + this.#skew, updated) : ended) - started;
  }

  /** How many ms a pixel is. */
  get pixel() {
    return this.view.length / Math.max(this.#width, 1);
  }

  get width() {
    return this.#width;
  }

  /** @returns {number} the ms since the run's start at a place of the plot */
  timeAt(x) {
    return this.view.from + x * this.pixel;
  }

  draw() {
    const { run, rows, view } = this;
    view.reach(this.elapsed, this.running);
    rows.update();
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - BEYOND);
    const last = first + Math.ceil(this.scroller.clientHeight / ROW) + 2 * BEYOND;
    const sight = { from: view.from, to: view.to, width: this.#width, first, last };
    const items = plan(rows, run, { ...sight, now: this.elapsed });
    this.canvas.draw(items, run, this.elapsed);
    const ticks = this.axis.draw(view, this.#width);
    this.canvas.drawGrid(ticks, this.plot.clientHeight);
    const x = (time) => (time - run.started - view.from) / this.pixel;
    this.canvas.drawLines(connectors(items, rows, x));
    const inSight = items.filter(({ x, width }) => x + width >= 0 && x <= this.#width);
    this.names.draw(rows, run, { first, last }, new Set(inSight.map(({ row }) => row)));
    this.#stripAt = Math.min(this.#stripAt, performance.now() - STRIP_MS + 50);
  }

  /** Draws what time alone has changed. @returns {number | null} the ms until it does again */
  tick() {
    const { run, view } = this;
    if (this.running && view.reach(this.elapsed, true)) this.draw();
    const x = (this.elapsed - view.from) / this.pixel;
    this.canvas.showNow(this.running && x >= 0 && x <= this.#width ? x : null);
    this.canvas.grow((item) => Math.min(x, this.#width + EDGE) - item.x, run, this.elapsed);
    const idle = performance.now() - this.#stripAt;
    if (idle >= STRIP_MS || !this.running) {
      this.#stripAt = performance.now();
      this.overview.draw(run, view, this.elapsed);
    }
    this.overview.frame(view);
    return this.running ? this.pixel / 2 : null;
  }

  /** Shows the time and the row of what has this offset, and draws it at once. */
  bring(row, { start, end }) {
    const [from, to] = [start, end ?? start].map((time) => time - this.run.started);
    if (from > this.view.to || to < this.view.from) this.view.include(from);
    const room = this.scroller.clientHeight - this.axis.node.offsetHeight;
    const [top, seen] = [row * ROW, this.scroller.scrollTop];
    if (top < seen) this.scroller.scrollTop = top;
    else if (top + ROW > seen + room) this.scroller.scrollTop = top + ROW - room;
    this.draw();
  }
}

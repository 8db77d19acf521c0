// Lines over time or numbers, in SVG: hovered, walked with the keys, and drawn to the pixel.

import { button, element, svg } from "../dom.js";
import { count } from "../format.js";
import { axes } from "./axes.js";
import { nearest } from "./downsample.js";
import { allX, canLog, dashOf, plot, valueAt } from "./plot.js";
import { timeLabel, valueLabel } from "./scale.js";
import { drawable } from "./series.js";
import { visible } from "./visible.js";

// Steps from point to point; less than one is a share of them all.
const KEYS = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -0.1,
  PageDown: 0.1,
  Home: -Infinity,
  End: Infinity,
};

/**
 * @param {object} given
 * @param {{name: string, points: [number, number | null][]}[]} given.series
 * @param {string} [given.xLabel]
 * @param {boolean} [given.time] the x are milliseconds since 1970
 * @param {{name: string, from: number, to: number}[]} [given.groups] that lines do not join
 * @param {string[]} [given.names] of the x, where they are places in a list
 * @param {boolean} [given.ordered] false: dots, no lines
 * @returns {HTMLElement}
 */
export function lineChart({ series, ...given }) {
  const defaults = { xLabel: "x", time: false, names: [], groups: [], ordered: true, leftOut: "" };
  return chartOf({ ...defaults, ...given, series: series.map(cleaned) });
}

/** @param {import("./series.js").Lines} lines @returns {HTMLElement} */
export function chartOf(lines) {
  const chart = document.createElement("line-chart");
  chart.lines = lines;
  return chart;
}

/** Only what is a number at a number can be drawn, by growing x. */
function cleaned({ name, points }) {
  const numbers = points.map(([x, y]) => [drawable(x), drawable(y)]);
  return { name, points: numbers.filter(([x]) => x !== null).sort((a, b) => a[0] - b[0]) };
}

class LineChart extends HTMLElement {
  #hidden = new Set();
  #log = false;
  #at = -1;
  #xs = [];
  #plot = null;
  #size = "";
  #resized = new ResizeObserver(() => this.#fit());

  /** @type {import("./series.js").Lines} */
  lines = null;

  connectedCallback() {
    if (!this.firstChild) this.#build();
    this.#resized.observe(this.stage);
    this.#fit();
  }

  disconnectedCallback() {
    this.#resized.disconnect();
  }

  #build() {
    this.#xs = allX(this.lines);
    this.classList.toggle("is-dots", !this.lines.ordered);
    this.picture = svg("svg", { role: "img", "aria-label": this.#summary() });
    this.readout = element("div", "readout");
    this.readout.hidden = true;
    this.cursor = element("div", "cursor");
    this.#makeCursor();
    this.stage = element("div", "stage", this.picture, this.cursor, this.readout);
    this.append(this.#legend(), this.stage);
    if (this.lines.leftOut) this.append(element("p", "soft", `Drawn: ${this.lines.leftOut}.`));
  }

  #legend() {
    const names = this.lines.series.map(({ name }, index) => {
      const swatch = svg("svg", { viewBox: "0 0 22 8", width: 22, height: 8, "aria-hidden": true });
      swatch.append(svg("path", { ...lineLook(this.lines, index), d: this.#swatch }));
      const entry = button("", `plain colour-${index % 8}`, () => this.#toggle(index, entry));
      entry.append(swatch, visible(name));
      entry.setAttribute("aria-pressed", "true");
      return entry;
    });
    const legend = element("div", "legend", ...names);
    legend.setAttribute("role", "group");
    legend.setAttribute("aria-label", "Lines that are shown");
    if (this.lines.ordered && canLog(this.lines)) legend.append(this.#logButton());
    return legend;
  }

  get #swatch() {
    return this.lines.ordered ? "M1 4H21" : "M14 4h0";
  }

  #logButton() {
    const log = button("Log scale", "plain log", () => {
      this.#log = !this.#log;
      log.setAttribute("aria-pressed", this.#log);
      this.#draw();
    });
    log.setAttribute("aria-pressed", "false");
    return log;
  }

  #toggle(index, entry) {
    if (!this.#hidden.delete(index)) this.#hidden.add(index);
    entry.setAttribute("aria-pressed", !this.#hidden.has(index));
    this.#draw();
  }

  /** A slider over the x: what it says of its value is what a screen reader reads of the lines. */
  #makeCursor() {
    const { cursor } = this;
    cursor.tabIndex = 0;
    cursor.setAttribute("role", "slider");
    cursor.setAttribute("aria-label", `Values along ${visible(this.lines.xLabel)}`);
    cursor.setAttribute("aria-valuemin", 0);
    cursor.setAttribute("aria-valuemax", Math.max(0, this.#xs.length - 1));
    this.#tell(Math.max(0, this.#xs.length - 1));
    cursor.addEventListener("pointermove", (event) => this.#hover(event));
    cursor.addEventListener("pointerdown", (event) => this.#hover(event));
    cursor.addEventListener("pointerleave", () => this.#mark(-1));
    cursor.addEventListener("blur", () => this.#mark(-1));
    cursor.addEventListener("keydown", (event) => this.#walk(event));
  }

  #hover({ clientX }) {
    if (!this.#plot) return;
    const { left } = this.stage.getBoundingClientRect();
    this.#mark(nearest(this.#xs, this.#plot.xAt(clientX - left)));
  }

  #walk(event) {
    const last = this.#xs.length - 1;
    const step = KEYS[event.key];
    if (event.key === "Escape") this.#mark(-1);
    if (step === undefined || last < 0) return;
    event.preventDefault();
    const by = Math.abs(step) < 1 ? Math.ceil(Math.abs(step) * last) * Math.sign(step) : step;
    const from = this.#at < 0 ? (by > 0 ? -1 : last + 1) : this.#at;
    this.#mark(Math.min(last, Math.max(0, from + by)));
  }

  #mark(at) {
    if (at === this.#at) return;
    this.#at = at;
    this.#drawCrosshair();
    if (at >= 0) this.#tell(at);
  }

  #tell(at) {
    const said = this.#valuesAt(at).map(({ name, value }) => `${name} ${value}`);
    this.cursor.setAttribute("aria-valuenow", at);
    this.cursor.setAttribute("aria-valuetext", `${this.#nameOf(at)}: ${said.join(", ")}`);
  }

  #valuesAt(at) {
    const x = this.#xs[at];
    return this.lines.series.flatMap(({ name, points }, index) => {
      const y = valueAt(points, x);
      if (this.#hidden.has(index) || y === undefined) return [];
      return [{ index, name: visible(name), y, value: y === null ? "–" : valueLabel(y) }];
    });
  }

  #nameOf(at) {
    const x = this.#xs[at];
    if (x === undefined) return "no values";
    if (this.lines.names.length) return visible(this.lines.names[x]);
    const { groups } = this.lines;
    const group = groups.find(({ from, to }) => x >= from && x <= to);
    const name = this.lines.time ? timeLabel(x) : valueLabel(x);
    return group ? `${name} · ${visible(group.name)}` : name;
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || this.#size === `${width} ${height}`) return;
    this.#size = `${width} ${height}`;
    this.#draw();
  }

  #draw() {
    const [width, height] = this.#size.split(" ").map(Number);
    if (!width) return;
    const how = { width, height, log: this.#log, hidden: this.#hidden };
    this.#plot = plot(this.lines, how);
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.crosshair = svg("g", { class: "crosshair" });
    this.picture.replaceChildren(...axes(this.#plot), ...this.#paths(), this.crosshair);
    this.#drawCrosshair();
  }

  #paths() {
    return this.#plot.paths.map(({ index, path }) => {
      const { class: shape, ...look } = lineLook(this.lines, index);
      return svg("path", { ...look, class: `line colour-${index % 8} ${shape}`, d: path });
    });
  }

  #drawCrosshair() {
    this.readout.hidden = this.#at < 0 || !this.#plot;
    if (!this.#plot) return;
    if (this.#at < 0) return void this.crosshair.replaceChildren();
    const { x, y, area } = this.#plot;
    const place = x(this.#xs[this.#at]);
    const found = this.#valuesAt(this.#at);
    const dots = found.filter((each) => each.y !== null);
    this.crosshair.replaceChildren(
      svg("path", { d: `M${place} ${area.top}V${area.bottom}` }),
      ...dots.map(({ index, y: value }) =>
        svg("circle", { class: `colour-${index % 8}`, cx: place, cy: y(value), r: 3.5 }),
      ),
    );
    this.#fillReadout(found, place);
  }

  #fillReadout(found, place) {
    const rows = found.slice(0, 10).map(({ index, name, value }) => {
      const row = element("div", `colour-${index % 8}`, element("span", "name", name));
      row.append(element("b", "", value));
      return row;
    });
    this.readout.replaceChildren(element("div", "x", this.#nameOf(this.#at)), ...rows);
    const { area } = this.#plot;
    const right = place < (area.left + area.right) / 2;
    const at = right ? place + 12 : place - 12 - this.readout.offsetWidth;
    this.readout.style.setProperty("transform", `translate(${Math.max(0, at)}px, ${area.top}px)`);
  }

  #summary() {
    const { series, xLabel } = this.lines;
    const [first, last] = [this.#nameOf(0), this.#nameOf(this.#xs.length - 1)];
    const said = series.slice(0, 8).map(({ name, points }) => {
      const ys = points.map(([, y]) => y).filter((y) => y !== null);
      if (ys.length === 0) return `${visible(name)} has no values`;
      const low = valueLabel(ys.reduce((least, y) => Math.min(least, y)));
      const high = valueLabel(ys.reduce((most, y) => Math.max(most, y)));
      const [from, to] = [valueLabel(ys[0]), valueLabel(ys.at(-1))];
      return `${visible(name)} from ${from} to ${to}, between ${low} and ${high}`;
    });
    const many = `${count(this.#xs.length)} points along ${visible(xLabel)}, ${first} to ${last}`;
    return `Chart of ${many}. ${said.join("; ")}.`;
  }
}

/** What tells a line from others apart from its colour. */
function lineLook({ ordered }, index) {
  if (!ordered) return { class: index % 2 ? "is-square" : "" };
  return { class: "", "stroke-dasharray": dashOf(index) };
}

customElements.define("line-chart", LineChart);

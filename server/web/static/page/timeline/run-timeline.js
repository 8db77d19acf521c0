// <run-timeline>: a run's agents over time, while it runs and afterwards. Fires `reveal` {offset}.

import { button, element, fire, setText, svg } from "../dom.js";
import { listenToAxis, listenToPlot, obey } from "./gestures.js";
import { Guide } from "./guide.js";
import { Pulse } from "./pulse.js";
import { Stage } from "./stage.js";
import { Table } from "./table.js";
import { leftOut, summary } from "./words.js";

const FACTOR = 1.5;
const CALM_MS = 1000; // between two frames, for who wants less motion
const RESERVED = 7; // rows that there is room for while a run goes on, so that nothing below jumps
const HELP =
  "Timeline. Arrow keys move along it, plus and minus zoom, 0 shows all of it. " +
  "Tab goes to the bars; there arrows lead from one to the next, and Enter shows the event.";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

class RunTimeline extends HTMLElement {
  #pulse = null;
  #room = 0; // rows

  constructor() {
    super();
    this.stage = new Stage(() => this.#pulse?.redraw());
    this.guide = new Guide(this.stage);
    this.table = new Table();
  }

  connectedCallback() {
    if (this.#pulse !== null) return;
    const { plot, scroller, overview } = this.stage;
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Timeline");
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", HELP);
    this.nothing = element("p", "nothing soft", "The agents of a run show here as they begin.");
    this.left = element("p", "left soft");
    this.dataset.state ??= "none";
    this.lanes = element("div", "lanes", overview.node, scroller, this.left);
    this.append(this.#header(), this.lanes, this.nothing, this.table.node, this.guide.tip.node);
    this.#listen();
    this.#pulse = new Pulse(this, () => this.#draw(), () => this.#tick());
  }

  /**
   * Shows a run, or what is new in it; draws later, once a frame.
   *
   * @param {import("../run/run-outline.js").RunOutline | null} run
   * @param {{now?: number}} [options] `now`: the server's clock, ms since 1970, where it is known
   */
  show(run, { now } = {}) {
    if (this.stage.show(run, now)) {
      this.guide.forget();
      this.#room = run?.state === "running" ? RESERVED : 2;
    }
    this.#pulse?.redraw();
  }

  #header() {
    this.summary = element("p", "summary soft");
    const sign = (label, name, act) => {
      const made = button(label, "plain", act);
      made.title = name;
      made.setAttribute("aria-label", name);
      return made;
    };
    const tools = element(
      "div",
      "tools",
      sign("−", "Zoom out", () => this.#look((view) => view.zoom(1 / FACTOR))),
      sign("+", "Zoom in", () => this.#look((view) => view.zoom(FACTOR))),
      sign("Fit", "Fit: show the whole run", () => this.#fit()),
    );
    this.asTable = button("Table", "plain", () => this.#toggleTable());
    this.asTable.setAttribute("aria-pressed", "false");
    this.fold = button("", "plain fold", () => this.#toggle());
    this.fold.append(svg("svg", { viewBox: "0 0 12 12" }, svg("path", { d: "M3 4.5 6 8l3-3.5" })));
    this.fold.setAttribute("aria-label", "Lanes");
    this.fold.setAttribute("aria-expanded", "true");
    const title = element("h2", "", "Timeline");
    return element("header", "", title, this.summary, tools, this.asTable, this.fold);
  }

  #listen() {
    const { plot, axis, scroller } = this.stage;
    listenToPlot(plot, {
      pan: (pixels) => this.#look((view) => view.pan(pixels * this.stage.pixel)),
      zoom: (factor, x) => this.#look((view) => view.zoom(factor, this.stage.timeAt(x))),
      scroll: (pixels) => scroller.scrollBy(0, pixels),
      hover: (x) => this.#point(x),
      fit: (node) => this.#fitTo(node),
    });
    listenToAxis(axis.node, (from, to, done) => this.#select(from, to, done));
    axis.node.addEventListener("dblclick", () => this.#fit());
    plot.addEventListener("keydown", (press) => this.#press(press));
    plot.addEventListener("click", ({ target }) => {
      const item = this.stage.canvas.itemOf(target.closest("button"));
      if (item) fire(this, "reveal", { offset: item.of[0].offset });
    });
  }

  #draw() {
    const { run } = this.stage;
    this.dataset.state = run?.state ?? "none";
    if (run === null) return;
    const hadFocus = this.guide.inside;
    this.stage.rows.update();
    this.#room = Math.max(this.#room, this.stage.rows.count);
    this.style.setProperty("--rows", this.#room);
    this.stage.draw();
    this.guide.settle(hadFocus);
    setText(this.summary, summary(run));
    setText(this.left, leftOut(run));
    this.table.show(run, () => run.started + this.stage.elapsed);
  }

  #tick() {
    if (this.stage.run === null) return null;
    const next = this.stage.tick();
    this.guide.refresh();
    return next === null || !calm.matches ? next : Math.max(next, CALM_MS);
  }

  #look(change) {
    if (this.stage.run === null) return;
    change(this.stage.view);
    this.#pulse.redraw();
  }

  /** All of the run, and the lanes put in order: who asks for it expects that things move. */
  #fit() {
    this.stage.rows?.tidy();
    this.#look((view) => view.fit());
  }

  #fitTo(node) {
    const item = this.stage.canvas.itemOf(node);
    const [it] = item?.of ?? [];
    if (!it || item.kind === "run") {
      this.#fit();
      return;
    }
    const { started } = this.stage.run;
    const end = item.of.at(-1).end ?? started + this.stage.elapsed;
    const margin = (end - it.start) * 0.05;
    this.#look((view) => view.select(it.start - started - margin, end - started + margin));
  }

  #select(from, to, done) {
    const { stage } = this;
    if (stage.run === null) return;
    stage.axis.choose(done ? null : from, to, stage.view, stage.width);
    if (!done || from === null) return;
    const [start, end] = [stage.timeAt(from), stage.timeAt(to)];
    this.#look((view) => view.select(start, end));
  }

  #point(x) {
    const { stage } = this;
    const shown = stage.run === null ? null : x;
    stage.axis.point(shown, stage.view, stage.width);
    stage.cursor.hidden = shown === null;
    const place = `translateX(${Math.round(x)}px)`;
    if (shown !== null) stage.cursor.style.setProperty("transform", place);
  }

  #press(press) {
    if (this.stage.run === null) return;
    const { stage, guide } = this;
    const meant = obey(press, guide.inside, {
      pan: (share) => this.#look((view) => view.pan(share * view.length)),
      zoom: (factor) => this.#look((view) => view.zoom(factor, this.#middle())),
      fit: () => this.#fit(),
      scroll: (rows) => stage.scroller.scrollBy(0, rows * 30),
      go: (by, down) => guide.go(by, down),
      end: (last) => guide.goToEnd(last),
      leave: () => stage.plot.focus(),
    });
    if (!meant) return;
    press.preventDefault();
    press.stopPropagation(); // the page's own shortcuts
  }

  /** The focused bar stays in sight when it is zoomed. */
  #middle() {
    const [it] = this.stage.canvas.itemOf(document.activeElement)?.of ?? [];
    const { from, to } = this.stage.view;
    const start = it?.start === undefined ? NaN : it.start - this.stage.run.started;
    return start >= from && start <= to ? start : (from + to) / 2;
  }

  #toggle() {
    const shown = this.classList.toggle("folded") === false;
    this.fold.setAttribute("aria-expanded", String(shown));
    this.#pulse.redraw();
  }

  #toggleTable() {
    const { node } = this.table;
    node.hidden = !node.hidden;
    this.asTable.setAttribute("aria-pressed", String(!node.hidden));
    this.table.refresh();
  }
}

customElements.define("run-timeline", RunTimeline);

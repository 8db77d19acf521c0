// The plan as nodes: a button for each bar and mark, kept as long as it is the same thing, and the
// grid and the hand-offs' lines behind them. Nodes are touched only where something changed.

import { element, setText, svg } from "../dom.js";
import { colourOf } from "../format.js";
import { lasting, spoken, story } from "./words.js";

export const ROW = 30; // pixels, as in timeline.css
const MIDDLE = ROW / 2;
const INSIDE = 46; // pixels that a bar needs for a word
const BESIDE = 62; // pixels that a duration needs
const MANY_LINES = 80; // more hand-offs than these would cover everything
const SIGNS = { question: "?" };

export class Canvas {
  #drawn = new Map(); // key → {node, item}
  #lines;
  #grid;
  #now;

  /** @param {HTMLElement} host positioned; gets the nodes */
  constructor(host) {
    this.host = host;
    this.#grid = svg("g", { class: "grid" });
    this.#lines = svg("g", { class: "lines" });
    this.back = svg("svg", { class: "back", "aria-hidden": "true" }, this.#grid, this.#lines);
    this.#now = element("div", "now-line");
    this.bars = element("div", "bars");
    this.bars.setAttribute("role", "group");
    this.bars.setAttribute("aria-label", "Blocks, tools and marks");
    host.append(this.back, this.bars, this.#now);
  }

  /** @returns {import("./plan.js").Item[]} */
  get items() {
    return [...this.#drawn.values()].map(({ item }) => item);
  }

  /** @returns {import("./plan.js").Item | undefined} what a node stands for */
  itemOf(node) {
    return this.#drawn.get(node?.dataset?.key)?.item;
  }

  /** @returns {HTMLElement | undefined} the node of the item that has the event */
  nodeOf(offset) {
    const has = ({ item }) => item.of.some((each) => each.offset === offset);
    return [...this.#drawn.values()].find(has)?.node;
  }

  /** @param {import("./plan.js").Item[]} items */
  draw(items, run, now) {
    const wanted = new Set(items.map(({ key }) => key));
    for (const [key, { node }] of this.#drawn) {
      if (wanted.has(key)) continue;
      node.remove();
      this.#drawn.delete(key);
    }
    const fresh = document.createDocumentFragment();
    for (const item of items) {
      const old = this.#drawn.get(item.key);
      const node = old?.node ?? newNode(item);
      if (!old) fresh.append(node);
      this.#drawn.set(item.key, { node, item });
      this.#dress(node, item, run, now);
    }
    this.bars.append(fresh);
  }

  /** Only what goes on is longer than before. @param {(item: object) => number} width */
  grow(width, run, now) {
    for (const { node, item } of this.#drawn.values()) {
      if (!item.open) continue;
      item.width = width(item);
      place(node, item);
      beside(node, item, run, now);
    }
  }

  /** @param {number | null} x null where now is out of sight, or past */
  showNow(x) {
    this.#now.hidden = x === null;
    if (x !== null) this.#now.style.setProperty("transform", `translateX(${x.toFixed(1)}px)`);
  }

  /** @param {number[]} xs of the ticks */
  drawGrid(xs, height) {
    const { children } = this.#grid;
    while (children.length > xs.length) this.#grid.lastChild.remove();
    while (children.length < xs.length) this.#grid.append(svg("line", { y1: 0 }));
    xs.forEach((x, index) => {
      for (const [name, value] of [["x1", x], ["x2", x], ["y2", height]]) {
        children[index].setAttribute(name, value.toFixed(1));
      }
    });
  }

  /** @param {ReturnType<import("./plan.js").connectors>} lines */
  drawLines(lines) {
    const few = lines.slice(0, MANY_LINES);
    this.#lines.replaceChildren(...few.map(lineOf));
  }

  #dress(node, item, run, now) {
    place(node, item);
    const told = story(item, run, now);
    const colour = item.span?.agent ?? item.of[0].agent;
    const single = item.of.length === 1;
    const classes = [item.kind, told.flavour && `is-${told.flavour}`, single ? "" : "cluster"];
    if (item.open) classes.push("open");
    if (item.kind === "span" && item.width < INSIDE) classes.push("tight");
    if (colour) classes.push(colourOf(colour));
    setClass(node, classes.filter(Boolean).join(" "));
    const label = spoken(told);
    if (node.getAttribute("aria-label") !== label) node.setAttribute("aria-label", label);
    if (item.kind === "run" || item.kind === "span") {
      setText(node.firstChild, single ? titleOf(item) : `× ${item.of.length}`);
      beside(node, item, run, now);
    } else if (!single && item.width >= 9 && item.kind !== "tool") {
      setText(node.firstChild, String(item.of.length));
    } else if (item.kind === "tool") {
      setText(node.firstChild, item.width > INSIDE * 1.5 && item.tracks === 1 ? told.title : "");
    } else {
      setText(node.firstChild, SIGNS[item.kind] ?? "");
    }
  }
}

function newNode({ key, kind }) {
  const node = element("button", kind, element("span", "label"), " ", element("span", "beside"));
  for (const part of node.children) part.setAttribute("aria-hidden", "true"); // its label says all
  node.type = "button";
  node.tabIndex = -1;
  node.dataset.key = key;
  return node;
}

function place(node, { x, width, row, kind, track, tracks }) {
  const sign = kind === "artifact" || kind === "handoff";
  const at = `${x.toFixed(1)}px`;
  if (node.dataset.at !== `${at} ${row}`) {
    node.dataset.at = `${at} ${row}`;
    node.style.setProperty("translate", at); // not `left`, which would shift the layout
    node.style.setProperty("--row", row);
    // The label stays in sight where the bar's beginning does not.
    node.style.setProperty("--hidden", `${Math.max(0, -x).toFixed(1)}px`);
  }
  if (kind === "tool") {
    node.style.setProperty("--track", track);
    node.style.setProperty("--tracks", tracks);
  }
  if (sign) return;
  const wide = `${Math.max(width, 3).toFixed(1)}px`;
  node.style.setProperty("width", wide);
  node.style.setProperty("--width", wide);
}

/** A bar's duration stands beside it, where there is room until the next one. */
function beside(node, item, run, now) {
  const [it] = item.of;
  if (item.of.length > 1 || item.kind !== "span") return;
  const took = (it.end ?? run.started + now) - it.start;
  setText(node.lastChild, item.room >= BESIDE ? lasting(took) : "");
}

function titleOf({ kind, of: [it] }) {
  return kind === "run" ? it.workflow : it.task || it.agent;
}

function setClass(node, classes) {
  if (node.className !== classes) node.className = classes;
}

/**
 * From the hand-off to the block that it led to: along its row to its start, or onto its edge where
 * it begins at once.
 */
function lineOf({ x, row, toX, toRow }) {
  const down = toRow >= row ? 1 : -1;
  const from = row * ROW + MIDDLE + 12;
  const to = toRow * ROW + MIDDLE;
  if (toX - x > 14) {
    const path = `M${x} ${from} V${to - 4 * down} Q${x} ${to} ${x + 4} ${to} H${toX - 1}`;
    return svg("path", { d: `${path} m-4 -3 l4 3 l-4 3` });
  }
  const edge = to - 13 * down;
  const end = Math.max(x, toX + 3);
  const path = `M${x} ${from} V${edge - 8 * down} L${end} ${edge}`;
  return svg("path", { d: `${path} m-3 ${-4 * down} l3 ${4 * down} l3 ${-4 * down}` });
}

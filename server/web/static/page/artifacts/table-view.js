// A table of any number of rows: only those in sight are in the document.

import { button, element } from "../dom.js";
import { count } from "../format.js";
import { sorted } from "./table.js";
import { visible } from "./visible.js";

const ROW = 26; // pixels, as the style says too
const WHOLE = 200; // up to so many rows are all there, so that a search in the page finds them
const BEYOND = 12; // rows that are there above and below those in sight
const MOST_COLUMNS = 100;
const LONGEST = 300; // characters of a cell
const NEXT = { none: "ascending", ascending: "descending", descending: "none" };

/**
 * @param {import("./table.js").Table} table
 * @param {string} name
 * @returns {HTMLElement}
 */
export function tableView(table, name) {
  const view = document.createElement("data-table");
  view.table = table;
  view.name = name;
  return view;
}

class DataTable extends HTMLElement {
  #order = [];
  #first = -1;
  #last = -1;
  #sorted = { column: -1, direction: "none" };
  #resized = new ResizeObserver(() => this.#draw());

  table = null;
  name = "";

  connectedCallback() {
    if (!this.firstChild) this.#build();
    this.#resized.observe(this.scroller);
  }

  disconnectedCallback() {
    this.#resized.disconnect();
  }

  #build() {
    const { columns, rows } = this.table;
    this.#order = rows.map((_, index) => index);
    this.columns = columns.slice(0, MOST_COLUMNS);
    this.body = element("tbody");
    const grid = element("table", "", this.#widths(), this.#head(), this.body);
    grid.setAttribute("aria-rowcount", rows.length + 1);
    grid.setAttribute("aria-colcount", columns.length);
    this.scroller = element("div", "scroller", grid);
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute("role", "group");
    this.scroller.setAttribute("aria-label", `${visible(this.name)}, table`);
    this.scroller.addEventListener("scroll", () => this.#draw(), { passive: true });
    this.append(this.scroller, element("p", "soft figures", inWords(this.table)));
    this.#draw();
  }

  /** Fixed, or the columns would move with the rows that are scrolled to. */
  #widths() {
    const widths = this.columns.map(({ width }) => {
      const column = element("col");
      column.style.setProperty("width", `calc(${width}ch + 22px)`);
      return column;
    });
    return element("colgroup", "", ...widths);
  }

  #head() {
    this.heads = this.columns.map(({ name, numeric }, index) => {
      const words = button("", "", () => this.#sort(index));
      words.append(element("span", "name", visible(name)), element("span", "order"));
      words.title = name.length > 30 ? visible(name.slice(0, 2000)) : "";
      const head = element("th", numeric ? "number" : "", words);
      head.scope = "col";
      head.setAttribute("aria-sort", "none");
      return head;
    });
    const row = element("tr", "", ...this.heads);
    row.setAttribute("aria-rowindex", 1);
    return element("thead", "", row);
  }

  #sort(column) {
    const before = this.#sorted.column === column ? this.#sorted.direction : "none";
    const direction = NEXT[before];
    this.#sorted = { column, direction };
    for (const [index, head] of this.heads.entries()) {
      head.setAttribute("aria-sort", index === column ? direction : "none");
    }
    const { rows } = this.table;
    const whole = direction === "none";
    this.#order = whole ? rows.map((_, i) => i) : sorted(this.table, column, direction);
    this.#first = -1;
    this.scroller.scrollTop = 0;
    this.#draw();
  }

  #draw() {
    const total = this.#order.length;
    const { scrollTop, clientHeight } = this.scroller;
    const windowed = total > WHOLE;
    const seen = Math.floor(scrollTop / ROW);
    const first = windowed ? Math.max(0, seen - BEYOND) : 0;
    const height = clientHeight || 320;
    const last = windowed ? Math.min(total, seen + Math.ceil(height / ROW) + BEYOND) : total;
    if (first === this.#first && last === this.#last) return;
    [this.#first, this.#last] = [first, last];
    const rows = [];
    for (let at = first; at < last; at += 1) rows.push(this.#row(at));
    const [above, below] = [gap(first), gap(total - last)];
    this.body.replaceChildren(...above, ...rows, ...below);
  }

  #row(at) {
    const cells = this.table.rows[this.#order[at]];
    const row = element("tr");
    row.setAttribute("aria-rowindex", at + 2);
    for (const [index, { numeric }] of this.columns.entries()) {
      row.append(cellOf(cells[index], numeric));
    }
    return row;
  }
}

function cellOf(text, numeric) {
  const shown = visible(text.slice(0, LONGEST).replace(/\r\n|\r|\n/g, "↵ "));
  const cell = element("td", numeric ? "number" : "", shown);
  if (text.length > 36) cell.title = text.slice(0, 2000);
  return cell;
}

/** Rows that are not there leave their room. */
function gap(rows) {
  if (rows === 0) return [];
  const row = element("tr", "gap", element("td"));
  row.setAttribute("aria-hidden", "true");
  row.style.setProperty("height", `${rows * ROW}px`);
  return [row];
}

function inWords({ columns, rows }) {
  const words = `${counted(rows, "row")} × ${counted(columns, "column")}`;
  const some = `${words}, of which the first ${MOST_COLUMNS} are shown`;
  return columns.length > MOST_COLUMNS ? some : words;
}

function counted({ length }, word) {
  return `${count(length)} ${word}${length === 1 ? "" : "s"}`;
}

customElements.define("data-table", DataTable);

// A list of checks. A line is made once and written to afterwards: a check every few seconds must
// not take the focus from a button, or a selection from a cursor that somebody copies.

import { button, element, fire, setText, svg } from "../dom.js";

const SIGNS = { yes: "M3 8.5 6.5 12 13 4.5", no: "M4 4l8 8M12 4l-8 8" };

export class CheckList {
  #lines = new Map();

  node = element("ol", "checks");

  /** @param {import("./own.js").Check[]} checks in the order to be shown */
  show(checks) {
    const names = new Set(checks.map(({ id }) => id));
    for (const [id, line] of this.#lines) {
      if (names.has(id)) continue;
      line.node.remove();
      this.#lines.delete(id);
    }
    checks.forEach((check, index) => {
      if (!this.#lines.has(check.id)) this.#lines.set(check.id, new CheckLine(check));
      const line = this.#lines.get(check.id);
      const there = this.node.children[index] ?? null;
      if (there !== line.node) this.node.insertBefore(line.node, there);
      line.show(check);
    });
  }
}

class CheckLine {
  #shown = "";
  #action = null;
  #sign = sign("yes");
  #answer = element("span", "answer");
  #word = document.createTextNode("");
  #evidence = element("div", "evidence");
  #advice = element("p", "advice");
  #button = button("", "", () => fire(this.node, this.#action));

  node = element("li");

  constructor({ id, question }) {
    this.node.dataset.check = id;
    this.#answer.append(this.#sign, this.#word);
    const say = element("div", "say", element("p", "question", question), this.#evidence);
    say.append(this.#advice, this.#button);
    this.node.append(this.#answer, say);
  }

  show(check) {
    const wanted = JSON.stringify(check);
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    const { ok, evidence, advice } = check;
    const answer = ok ? "yes" : "no";
    this.node.dataset.answer = ok ? "yes" : (advice?.tone ?? "bad");
    setText(this.#word, answer);
    this.#sign.firstChild.setAttribute("d", SIGNS[answer]);
    this.#evidence.replaceChildren(...drawn(evidence));
    setText(this.#advice, advice?.advice ?? "");
    this.#advice.hidden = !advice?.advice;
    this.#action = advice?.action?.name ?? null;
    this.#button.hidden = this.#action === null;
    setText(this.#button, advice?.action?.label ?? "");
  }
}

/** @param {"yes" | "no"} answer @returns {SVGElement} */
export function sign(answer) {
  const line = { d: SIGNS[answer], fill: "none", stroke: "currentColor", "stroke-width": 2 };
  const box = { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" };
  return svg("svg", box, svg("path", line));
}

function drawn({ text, items = [], table }) {
  const nodes = [];
  if (text) nodes.push(element("p", "", text));
  if (items.length > 0) {
    const list = element("ul");
    list.append(...items.map((item) => element("li", "", item)));
    nodes.push(list);
  }
  if (table) nodes.push(...tableNodes(table));
  return nodes;
}

function tableNodes({ head, rows, more }) {
  const heads = head.map((name) => {
    const cell = element("th", "", name);
    cell.scope = "col";
    return cell;
  });
  const body = element("tbody");
  for (const { cells, own } of rows) {
    const line = element("tr", own ? "own" : "", ...cells.map((cell) => element("td", "", cell)));
    if (own) line.firstChild.append(" ", element("strong", "", "this page"));
    body.append(line);
  }
  const top = element("thead", "", element("tr", "", ...heads));
  const wide = element("div", "wide", element("table", "figures", top, body));
  wide.tabIndex = 0; // it scrolls where the page is narrow: by keys too
  wide.setAttribute("role", "group");
  wide.setAttribute("aria-label", "Subscribers");
  const rest = `and ${more.toLocaleString("en")} more, less far behind`;
  return more > 0 ? [wide, element("p", "soft", rest)] : [wide];
}

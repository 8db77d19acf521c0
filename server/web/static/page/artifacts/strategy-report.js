// What a run of the `strategy` workflow found: what it is worth, beside holding the same stocks.

import { button, element, setText } from "../dom.js";
import { chartOf } from "./chart.js";
import { codeView } from "./code.js";
import { contentOf } from "./content.js";
import { copyButton } from "./copy.js";
import { linesOf } from "./series.js";
import { factsOf, figuresOf, named, partsOf, periodNames, verdictOf } from "./strategy.js";
import { tableOfCsv } from "./table.js";
import { visible } from "./visible.js";

/** `show` it again whenever the run has changed; nothing is fetched or built twice. */
class StrategyReport extends HTMLElement {
  #run = null;
  #fetch = null;
  #contents = new Map(); // offset → the artifact's content, or a promise of it
  #shown = {};
  #chosen = 0; // the offset of the code that a reader picked; 0 for the newest

  connectedCallback() {
    if (!this.firstChild) this.hidden = true;
  }

  /**
   * @param {import("../run/outline.js").RunOutline | null} run
   * @param {(offset: number) => Promise<{data: object}>} fetchEvent
   */
  show(run, fetchEvent) {
    this.#fetch = fetchEvent;
    if (run?.id !== this.#run?.id) this.#begin();
    this.#run = run;
    const isOne = run?.workflow === "strategy" && Array.isArray(run.artifacts);
    const parts = isOne ? partsOf(run.artifacts) : null;
    this.hidden = !parts || !(parts.equity || parts.figures || parts.code.length);
    if (!this.hidden) this.#fill(parts);
  }

  #begin() {
    this.#contents = new Map();
    this.#shown = {};
    this.#chosen = 0;
    this.word = element("span", "word");
    this.text = element("span", "text");
    this.missed = element("ul", "missed");
    this.description = element("p", "description");
    this.facts = element("dl", "facts");
    this.curve = section("Equity", "What 1 became, anew in each period", "curve");
    this.figures = section("Figures", "The better of the two is bold", "figures");
    this.code = section("Code", "", "code");
    const head = element("h2", "", "Strategy");
    const verdict = element("p", "verdict", this.word, this.text);
    const top = element("header", "", head, this.description, verdict, this.missed, this.facts);
    this.replaceChildren(top, this.curve, this.figures, this.code);
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Strategy report");
  }

  #fill({ equity, figures, code }) {
    const result = this.#run.result ?? this.#jsonOf(figures);
    this.#fillVerdict(result);
    this.#once("facts", JSON.stringify(result) ?? "", () => this.#fillFigures(result));
    this.#fillCurve(equity, result);
    this.#fillCode(code);
  }

  #fillVerdict(result) {
    const { word, tone, text, missed } = verdictOf(result, this.#run.state);
    setText(this.word, word);
    this.word.dataset.tone = tone;
    setText(this.text, text);
    this.#once("missed", missed.join("\n"), () => {
      this.missed.replaceChildren(...missed.map((each) => element("li", "", visible(each))));
    });
  }

  #fillFigures(result) {
    const told = typeof result?.description === "string" ? visible(result.description) : "";
    setText(this.description, told);
    const facts = factsOf(result).flatMap(([name, value]) => [
      element("div", "", element("dt", "", name), element("dd", "", visible(value))),
    ]);
    this.facts.replaceChildren(...facts);
    this.figures.inside.replaceChildren(figuresTable(result));
  }

  #fillCurve(equity, result) {
    const content = this.#contentOf(equity, this.curve);
    if (!content) return this.#wait("curve", this.curve, "when the search is over");
    const names = periodNames(result).join();
    this.#once("curve", `${equity.offset} ${names}`, () => {
      this.curve.inside.replaceChildren(curveOf(content, result));
    });
  }

  #fillCode(code) {
    const picked = code.find(({ offset }) => offset === this.#chosen) ?? code[0];
    const content = this.#contentOf(picked, this.code);
    const offsets = code.map(({ offset }) => offset).join();
    this.#once("picks", `${offsets} ${picked?.offset}`, () => this.#fillPicks(code, picked));
    if (!content) return this.#wait("code", this.code, "with the first proposal");
    this.#once("code", String(picked.offset), () => {
      this.code.inside.replaceChildren(codeView(content.text ?? "", picked.name));
    });
  }

  #fillPicks(code, picked) {
    const picks = code.slice(0, 12).map((each) => {
      const pick = button(each.name, "", () => {
        this.#chosen = each.offset;
        this.show(this.#run, this.#fetch);
        this.code.querySelector("[aria-pressed=true]")?.focus();
      });
      pick.setAttribute("aria-pressed", each === picked);
      return pick;
    });
    const text = () => this.#contents.get(picked?.offset)?.text ?? "";
    const group = element("div", "picks", ...picks);
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Which code");
    this.code.aside.replaceChildren(group, copyButton("Copy", text, "plain"));
  }

  #wait(name, { inside }, when) {
    const words = `Comes ${when}.`;
    this.#once(name, words, () => inside.replaceChildren(element("p", "soft wait", words)));
  }

  #once(name, key, build) {
    if (this.#shown[name] === key) return;
    this.#shown[name] = key;
    build();
  }

  #jsonOf(found) {
    const content = this.#contentOf(found, this.figures);
    try {
      return content ? JSON.parse(content.text) : null;
    } catch {
      return null; // its figures stay dashes
    }
  }

  /** The content where it is there; else it is fetched, and all is shown again when it came. */
  #contentOf(found, { problem }) {
    if (!found) return null;
    const { offset, name } = found;
    const known = this.#contents.get(offset);
    if (known !== undefined) return known instanceof Promise ? null : known;
    const run = this.#run.id;
    const coming = this.#fetch(offset).then(
      ({ data }) => contentOf(data),
      () => null,
    );
    this.#contents.set(offset, coming);
    coming.then((content) => {
      if (this.#run?.id !== run) return;
      const words = [`${name} could not be fetched. `, this.#again(offset)];
      problem.replaceChildren(...(content ? [] : words));
      this.#contents.set(offset, content);
      this.show(this.#run, this.#fetch);
    });
    return null;
  }

  #again(offset) {
    return button("Try again", "", () => {
      this.#contents.delete(offset);
      this.show(this.#run, this.#fetch);
    });
  }
}

function section(title, note, name) {
  const made = element("section", name);
  const head = element("h3", "", title);
  made.aside = element("span", "aside soft", note);
  made.problem = element("p", "problem");
  made.inside = element("div", "inside");
  made.append(element("div", "top", head, made.aside), made.problem, made.inside);
  return made;
}

function curveOf({ text }, result) {
  try {
    const lines = linesOf(tableOfCsv(text ?? "", ","));
    if (lines) return chartOf(named(lines, result));
  } catch {
    // said below
  }
  return element("p", "problem", "equity.csv holds no curve.");
}

function figuresTable(result) {
  const periods = periodNames(result).map((name) => {
    const head = element("th", "period", name);
    head.colSpan = 2;
    head.scope = "colgroup";
    return head;
  });
  const kinds = periods.flatMap(() => ["Strategy", "Buy and hold"]).map((kind) => {
    const head = element("th", "", kind);
    head.scope = "col";
    return head;
  });
  const rows = figuresOf(result).map(({ measure: { name, meaning }, cells }) => {
    const head = element("th", "", name, element("small", "", meaning));
    head.scope = "row";
    const values = cells.map(({ text, better }) => element("td", better ? "better" : "", text));
    return element("tr", "", head, ...values);
  });
  const corner = element("td");
  corner.rowSpan = 2;
  const heads = [element("tr", "", corner, ...periods), element("tr", "", ...kinds)];
  const body = element("tbody", "", ...rows);
  const table = element("table", "", element("thead", "", ...heads), body);
  const scroller = element("div", "scroller", table);
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "group");
  scroller.setAttribute("aria-label", "Figures by period");
  return scroller;
}

customElements.define("strategy-report", StrategyReport);

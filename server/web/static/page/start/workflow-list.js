// The workflows to choose from: what can be started first, what is broken with its error.

import { element, setText } from "../dom.js";

const SEARCHED_FROM = 8; // fewer are seen at a glance

export class WorkflowList {
  #rows = new Map(); // name → {node, radio, words}
  #choose;

  /** @param {(name: string) => void} choose called when the reader has chosen one */
  constructor(choose) {
    this.#choose = choose;
    this.search = element("input", "start-search");
    Object.assign(this.search, { type: "search", placeholder: "Find a workflow", hidden: true });
    this.search.setAttribute("aria-label", "Find a workflow");
    this.rows = element("div", "start-workflows");
    this.nothing = element("p", "soft start-nothing");
    const legend = element("legend", "spoken", "Workflow");
    this.node = element("fieldset", "start-choice", legend, this.search, this.rows, this.nothing);
    this.search.addEventListener("input", () => this.#filter());
    this.search.addEventListener("keydown", (press) => this.#leaveSearch(press));
    this.rows.addEventListener("change", ({ target }) => this.#choose(target.value));
  }

  /** @param {{name: string, description: string, error?: string}[]} workflows */
  show(workflows) {
    const ordered = [...workflows].sort((a, b) => Boolean(a.error) - Boolean(b.error));
    this.#rows = new Map(ordered.map((workflow) => [workflow.name, rowOf(workflow)]));
    this.rows.replaceChildren(...[...this.#rows.values()].map(({ node }) => node));
    this.search.hidden = workflows.length < SEARCHED_FROM;
    this.#filter();
  }

  mark(name) {
    for (const [each, { radio }] of this.#rows) radio.checked = each === name;
    this.#rows.get(name)?.node.scrollIntoView({ block: "nearest" });
  }

  focus() {
    if (this.search.hidden) this.rows.querySelector("input:checked")?.focus();
    else this.search.focus();
  }

  #filter() {
    const wanted = this.search.hidden ? "" : this.search.value.trim().toLowerCase();
    let shown = 0;
    for (const { node, words } of this.#rows.values()) {
      node.hidden = !words.includes(wanted);
      shown += Number(!node.hidden);
    }
    const none = this.#rows.size ? "No workflow is like that." : "There are no workflows yet.";
    setText(this.nothing, shown ? "" : none);
  }

  /** From the search straight to the first one found. */
  #leaveSearch(press) {
    const found = this.rows.querySelector("label:not([hidden]) input:enabled");
    if (!found || press.isComposing || press.ctrlKey || press.metaKey) return;
    if (press.key !== "ArrowDown" && press.key !== "Enter") return;
    press.preventDefault();
    found.focus();
    found.click();
  }
}

function rowOf({ name, description, error }) {
  const radio = element("input");
  Object.assign(radio, { type: "radio", name: "workflow", value: name, disabled: Boolean(error) });
  const title = element("span", "start-name", element("code", "", name));
  if (error) title.append(element("span", "start-broken", "broken"));
  const about = element("span", "start-about", description || (error ? "" : "No description."));
  const node = element("label", "start-workflow", radio, title, about);
  if (error) node.append(element("span", "start-error", error));
  return { node, radio, words: `${name} ${description} ${error ?? ""}`.toLowerCase() };
}

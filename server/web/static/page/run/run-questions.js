// <run-questions>: what a run asks its readers.
//
//   show(run | null)                   on every change of the run's outline; what was typed stays
//   refused(request, message, path?)   the answer was not taken
//
// Fires `answer` {run, request, value}; `value` may hold `Exact` numbers (see start/exact.js).
// Whoever of the readers answers first answers for all: the form goes when the answer is in the
// log, not when it was sent from here.

import { element, setText } from "../dom.js";
import { count } from "../format.js";
import { Question } from "./question.js";

const LISTED = 3; // answered ones in sight; the others fold away
const KEPT = 200; // cards of runs that were shown: what was typed in them

class RunQuestions extends HTMLElement {
  #cards = new Map(); // `run/request` → Question
  #run = null;

  connectedCallback() {
    if (this.list) return;
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Questions of the run");
    this.list = element("div", "questions");
    this.latest = element("div", "questions answered");
    this.older = element("details", "questions-older");
    this.olderCount = element("summary");
    this.olderList = element("div", "questions answered");
    this.older.append(this.olderCount, this.olderList);
    this.append(this.list, this.latest, this.older);
    this.hidden = true;
  }

  /** @param {import("./outline.js").RunOutline | null} run */
  show(run) {
    this.#run = run?.id ?? null;
    const cards = (run?.questions ?? []).map((question) => this.#card(run.id, question));
    const pending = cards.filter(({ state }) => state === "pending");
    const past = cards.filter(({ state }) => state !== "pending").reverse();
    place(this.list, pending);
    place(this.latest, past.slice(0, LISTED));
    place(this.olderList, past.slice(LISTED));
    this.older.hidden = past.length <= LISTED;
    setText(this.olderCount, `${count(Math.max(0, past.length - LISTED))} earlier`);
    this.toggleAttribute("data-pending", pending.length > 0);
    this.hidden = cards.length === 0;
    this.#forget();
  }

  refused(request, message, path = null) {
    this.#cards.get(`${this.#run}/${request}`)?.refused(message, path);
  }

  /** For whoever wants to lead the reader there: the focus is never taken. */
  focusFirst() {
    const [first] = this.list.children;
    if (!first) return;
    first.scrollIntoView({ block: "nearest" });
    for (const card of this.#cards.values()) if (card.node === first) card.focus();
  }

  #card(run, question) {
    const key = `${run}/${question.request}`;
    const card = this.#cards.get(key) ?? new Question(run, question);
    this.#cards.delete(key);
    this.#cards.set(key, card); // the newest last: the oldest are forgotten first
    card.update(question);
    return card;
  }

  #forget() {
    for (const [key, card] of this.#cards) {
      if (this.#cards.size <= KEPT) return;
      if (!card.node.isConnected) this.#cards.delete(key);
    }
  }
}

/** Moves nothing that is in its place already: a moved field would lose the focus. */
function place(parent, cards) {
  const wanted = cards.map(({ node }) => node);
  if (
    wanted.length === parent.childElementCount &&
    wanted.every((node, at) => parent.children[at] === node)
  ) {
    return;
  }
  for (const node of [...parent.children]) if (!wanted.includes(node)) node.remove();
  for (const [at, node] of wanted.entries()) {
    if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null);
  }
}

customElements.define("run-questions", RunQuestions);

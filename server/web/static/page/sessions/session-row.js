// One session in the list. Its parts are written only where they changed.

import { button, element, setText, svg } from "../dom.js";
import { count } from "../format.js";
import { age } from "./book.js";

const SHAPES = {
  running: [
    ["circle", { cx: 8, cy: 8, r: 5.5, class: "ring" }],
    ["path", { d: "M8 2.5a5.5 5.5 0 0 1 5.5 5.5", class: "turning" }],
  ],
  waiting: [["circle", { cx: 8, cy: 8, r: 5.5, "stroke-dasharray": "2.2 2.1" }]],
  complete: [["path", { d: "M3 8.5 6.5 12 13 4.5" }]],
  error: [["path", { d: "M4 4l8 8M12 4l-8 8" }]],
  cancelled: [
    ["circle", { cx: 8, cy: 8, r: 5.5 }],
    ["path", { d: "M4.2 11.8l7.6-7.6" }],
  ],
  closed: [["circle", { cx: 8, cy: 8, r: 2, class: "dot" }]],
};

/** @returns {SVGElement} drawn for the eye alone: the word stands beside it */
export function stateIcon(state) {
  const parts = (SHAPES[state] ?? SHAPES.closed).map(([tag, given]) => svg(tag, given));
  const icon = svg("svg", { viewBox: "0 0 16 16", class: `state-icon ${state}` }, ...parts);
  icon.setAttribute("aria-hidden", "true");
  return icon;
}

export class SessionRow {
  #state = "";

  constructor(id) {
    this.id = id;
    this.created = 0;
    this.icon = element("span", "session-icon");
    this.name = element("bdi", "session-id mono", id);
    this.name.title = id;
    this.age = element("time", "session-age figures");
    this.word = element("span", "session-state");
    this.workflow = element("span", "session-workflow");
    this.figures = element("span", "session-figures figures");
    this.readers = element("span", "session-readers figures");
    this.link = element("a", "session-link", this.icon, this.name, this.readers, this.age);
    this.link.append(element("span", "session-facts", this.word, this.workflow, this.figures));
    this.link.href = `?session=${encodeURIComponent(id)}`;
    this.link.tabIndex = -1;
    this.menu = button("⋯", "plain session-menu-button");
    this.menu.setAttribute("aria-label", `More for ${id}`);
    this.menu.setAttribute("aria-haspopup", "menu");
    this.menu.tabIndex = -1;
    this.node = element("li", "session-row", this.link, this.menu);
    this.node.dataset.session = id;
  }

  /**
   * @param {object} session the session object
   * @param {{workflow: string, state: string} | undefined} fact of its newest run
   */
  update(session, fact) {
    const { created, last, subscribers, labels = {} } = session;
    const state = session.state === "closed" ? endOf(fact) : session.state;
    if (state !== this.#state) {
      this.#state = state;
      this.icon.replaceChildren(stateIcon(state));
      this.node.dataset.state = state;
    }
    if (!this.created) {
      this.created = Date.parse(created);
      this.age.dateTime = created;
      this.age.title = new Date(created).toLocaleString();
    }
    setText(this.word, state);
    const named = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    setText(this.workflow, [fact?.workflow, ...named].filter(Boolean).join(" · "));
    setText(this.figures, `${count(last)} ${last === 1 ? "event" : "events"}`);
    setText(this.readers, readersOf(subscribers));
  }

  tick(now) {
    if (this.created) setText(this.age, age(now - this.created));
  }

  set current(yes) {
    if (yes) this.link.setAttribute("aria-current", "true");
    else this.link.removeAttribute("aria-current");
  }
}

/** A session that is closed is as its newest run ended. */
function endOf(fact) {
  return ["complete", "error", "cancelled"].includes(fact?.state) ? fact.state : "closed";
}

function readersOf(number) {
  if (!number) return "";
  return `${count(number)} ${number === 1 ? "reader" : "readers"}`;
}

// The figures of a connection, unfolded, and its history: what is drawn of them.

import { button, element, setText } from "../dom.js";
import { clock, count } from "../format.js";
import { seconds, transportName } from "./words.js";

const FIGURES = [
  ["transport", "Transport"],
  ["cursor", "Cursor"],
  ["end", "Log ends at"],
  ["lag", "Lag"],
  ["heard", "Last heard"],
  ["heartbeat", "Heartbeat"],
  ["events", "Events"],
  ["cuts", "Cuts"],
  ["gaps", "Gaps"],
  ["doubles", "Doubles"],
  ["resets", "Resets"],
];
const COUNTED = ["events", "cuts", "gaps", "doubles", "resets"];
const ALARMING = ["gaps", "doubles"];
const COPIED_MS = 2000;

/** A list of names and values. */
export class Figures {
  #values = new Map();
  #copy = button("Copy", "plain copy", () => this.#copyCursor());
  #copied = element("span", "soft");

  node = element("dl", "facts");

  constructor() {
    this.#copy.setAttribute("aria-label", "Copy the cursor");
    this.#copied.setAttribute("role", "status");
    for (const [name, label] of FIGURES) {
      const value = element("span", "value figures", "–");
      value.dataset.figure = name;
      this.#values.set(name, value);
      const field = element("dd", "", value);
      if (name === "cursor") field.append(this.#copy, this.#copied);
      const pair = element("div", "", element("dt", "", label), field);
      pair.dataset.of = name;
      this.node.append(pair);
    }
  }

  /** @param {object} facts as the panel looked them up */
  show({ state, counts, cursor, end, behind, heardMs, heartbeatMs }) {
    this.#copy.disabled = !cursor;
    this.#say("transport", state ? transportName(state.transport) : "–");
    this.#say("cursor", cursor || "none yet");
    this.#say("end", state ? count(end) : "–");
    this.#say("lag", state ? `${count(behind)} ${behind === 1 ? "event" : "events"}` : "–");
    this.#say("heard", Number.isFinite(heardMs) ? `${seconds(heardMs)} ago` : "–");
    const beat = heartbeatMs > 0 ? `every ${Number((heartbeatMs / 1000).toFixed(1))} s` : "–";
    this.#say("heartbeat", beat);
    for (const name of COUNTED) this.#say(name, count(counts[name] ?? 0));
    for (const name of ALARMING) this.#values.get(name).classList.toggle("alarm", counts[name] > 0);
  }

  #say(name, text) {
    setText(this.#values.get(name), text);
  }

  async #copyCursor() {
    const value = this.#values.get("cursor");
    let words = "copied";
    try {
      await navigator.clipboard.writeText(value.textContent);
    } catch {
      // No clipboard: the page is not on https, or may not. What is selected is half copied.
      getSelection().selectAllChildren(value);
      words = "selected";
    }
    setText(this.#copied, words);
    setTimeout(() => setText(this.#copied, ""), COPIED_MS);
  }
}

/** The history's lines, the newest first. */
export class Past {
  #lines = element("ol", "lines");
  #nothing = element("p", "soft", "Nothing yet.");
  #drawn = null;
  #version = -1;

  node = element("section", "past");

  /** @param {string} id of the title, once on the page */
  constructor(id) {
    const title = element("h2", "", "What happened to it");
    title.id = id;
    this.#lines.setAttribute("aria-labelledby", id);
    this.#lines.tabIndex = 0; // it scrolls: by keys too
    this.node.append(title, this.#nothing, this.#lines);
  }

  /** @param {import("./history.js").History} history */
  show(history) {
    if (history === this.#drawn && history.version === this.#version) return;
    this.#drawn = history;
    this.#version = history.version;
    this.#lines.replaceChildren(...history.lines.map(drawn));
    this.#lines.hidden = history.lines.length === 0;
    this.#nothing.hidden = history.lines.length > 0;
  }
}

function drawn({ at, kind, text, hint }) {
  const time = element("time", "mono", clock(at).slice(0, 8));
  time.dateTime = new Date(at).toISOString();
  const words = element("span", "what", text);
  if (hint) words.append(element("span", "soft", ` – ${hint}`));
  const line = element("li", "", time, words);
  line.dataset.kind = kind;
  return line;
}

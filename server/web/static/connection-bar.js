// <connection-bar>: the connection in words and figures, and the buttons that break and cancel.

import { element } from "./body.js";

const FIGURES = ["transport", "cursor", "events", "cuts", "gaps", "doubles"];
const TRANSPORT_NAMES = { websocket: "WebSocket", sse: "event stream (SSE)" };
const ALARMING = new Set(["gaps", "doubles"]);
const OVER = new Set(["ended", "stopped", "closed"]);

class ConnectionBar extends HTMLElement {
  #fields = new Map();
  #until = 0; // when the next try is due

  connectedCallback() {
    this.words = element("p", "words", "Not connected");
    this.words.setAttribute("role", "status");
    this.countdown = element("span", "countdown");
    this.cut = button("Cut the connection", "cut");
    this.cancel = button("Cancel the run", "cancel");
    const status = element("div", "status");
    status.append(this.words, this.countdown);
    const actions = element("div", "actions");
    actions.append(this.cut, this.cancel);
    this.append(status, this.#figures(), actions);
    this.showState(null);
    this.showRun(null);
  }

  /** @param {import("./state.js").State | null} state */
  showState(state) {
    this.dataset.state = state?.name ?? "none";
    this.words.textContent = state?.text ?? "Not connected";
    this.#set("transport", TRANSPORT_NAMES[state?.transport] ?? "–");
    this.cut.disabled = state?.name !== "live";
    this.#until = state?.retryInMs ? performance.now() + state.retryInMs : 0;
    if (state === null || OVER.has(state.name)) this.cancel.disabled = true;
    this.#count();
  }

  /** @param {{cursor: string, counts: object}} stream */
  showCounts({ cursor, counts }) {
    this.#set("cursor", cursor || "none yet");
    for (const name of ["events", "cuts", "gaps", "doubles"]) {
      this.#set(name, counts[name].toLocaleString("en"));
      const alarm = ALARMING.has(name) && counts[name] > 0;
      this.#fields.get(name).classList.toggle("alarm", alarm);
    }
  }

  /** @param {string | null} run the one that `cancel` would cancel */
  showRun(run) {
    this.cancel.disabled = run === null;
  }

  #figures() {
    const list = element("dl");
    for (const name of FIGURES) {
      const pair = element("div");
      const field = element("dd", "", "–");
      field.dataset.figure = name;
      pair.append(element("dt", "", name), field);
      list.append(pair);
      this.#fields.set(name, field);
    }
    return list;
  }

  #set(name, text) {
    const field = this.#fields.get(name);
    if (field.textContent !== text) field.textContent = text;
  }

  #count() {
    const left = this.#until - performance.now();
    this.countdown.textContent = left > 0 ? `next try in ${(left / 1000).toFixed(1)} s` : "";
    if (left > 0) setTimeout(() => this.#count(), 100);
  }
}

function button(label, name) {
  const made = element("button", name, label);
  made.type = "button";
  return made;
}

customElements.define("connection-bar", ConnectionBar);

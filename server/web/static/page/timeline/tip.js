// The tooltip of a bar or a mark. What it says is in the bar's label too: it is for the eye alone.

import { element, setText } from "../dom.js";
import { colourOf } from "../format.js";

const AWAY = 8; // pixels

export class Tip {
  #agent = element("strong", "agent");
  #state = element("span", "state");
  #title = element("p", "title");
  #when = element("p", "when figures");
  #lines = element("div", "lines");

  constructor() {
    const top = element("p", "top", this.#agent, this.#state);
    this.node = element("div", "tip", top, this.#title, this.#when, this.#lines);
    this.node.setAttribute("aria-hidden", "true");
    this.node.hidden = true;
  }

  hide() {
    this.node.hidden = true;
  }

  /** @param {import("./words.js").Story} told */
  say({ agent, title, state, flavour, when, lines }) {
    setText(this.#agent, agent);
    this.#agent.className = agent ? `agent ${colourOf(agent)}` : "agent";
    setText(this.#state, state);
    this.#state.className = `state ${flavour ? `is-${flavour}` : ""}`;
    setText(this.#title, title);
    setText(this.#when, when);
    const texts = [...this.#lines.children].map(({ textContent }) => textContent);
    if (texts.join("\n") === lines.join("\n")) return;
    this.#lines.replaceChildren(...lines.map((line) => element("p", "", line)));
  }

  /**
   * Below the bar, or above it where there is no room; in the window's own coordinates, so that
   * nothing cuts it off.
   *
   * @param {DOMRect} bar @param {number} x where the pointer is, or the bar begins
   */
  place(bar, x) {
    this.node.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const left = Math.min(Math.max(AWAY, x - 12), innerWidth - width - AWAY);
    const below = bar.bottom + AWAY;
    const top = below + height < innerHeight ? below : Math.max(AWAY, bar.top - AWAY - height);
    this.node.style.setProperty("left", `${left}px`);
    this.node.style.setProperty("top", `${top}px`);
  }
}

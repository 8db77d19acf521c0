// Single keys for what is done often. They act only where no text is being typed, and can be
// switched off: speech input and trembling hands type letters that nobody meant (WCAG 2.1.4).

import { element } from "./dom.js";

const KEY = "keepstream:shortcuts";
const TYPING = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";

/**
 * @typedef {object} Shortcut
 * @property {string} key as `KeyboardEvent.key` has it
 * @property {string} words what it does
 * @property {() => void} [act] absent where a part of the page listens by itself
 */

export class Shortcuts {
  #list;

  /** @param {Shortcut[]} list */
  constructor(list) {
    this.#list = list;
    addEventListener("keydown", (press) => this.#pressed(press));
  }

  get on() {
    try {
      return localStorage.getItem(KEY) !== "off";
    } catch {
      return true;
    }
  }

  set on(wanted) {
    try {
      localStorage.setItem(KEY, wanted ? "on" : "off");
    } catch {
      // no storage allowed: they stay on
    }
  }

  /** @returns {HTMLElement} a list of them all, and the switch */
  legend() {
    const list = element("dl", "shortcuts");
    for (const { key, words } of this.#list) {
      const pair = element("div");
      pair.append(element("dt", "", element("kbd", "", key)), element("dd", "", words));
      list.append(pair);
    }
    const box = Object.assign(element("input"), { type: "checkbox", checked: this.on });
    box.addEventListener("change", () => (this.on = box.checked));
    return element("div", "", list, element("label", "switch", box, " Single keys do this"));
  }

  #pressed(press) {
    if (press.defaultPrevented || press.ctrlKey || press.metaKey || press.altKey) return;
    if (!this.on || press.target.closest?.(TYPING) || document.querySelector("dialog[open]")) return;
    const found = this.#list.find(({ key }) => key === press.key);
    if (!found?.act) return;
    press.preventDefault();
    found.act();
  }
}

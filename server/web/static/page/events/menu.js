// A button with a list of checkboxes under it.

import { button, element, setText } from "../dom.js";

let number = 0;

/**
 * @typedef {object} Choice
 * @property {string} label
 * @property {string} className
 * @property {number} state 0: off, 1: on, between: some of it
 * @property {(on: boolean) => void} choose
 */

export class Menu {
  #choices;
  #name;

  /** @param {string} name @param {() => Choice[]} choices asked for each time it opens */
  constructor(name, choices) {
    this.#choices = choices;
    this.#name = name;
    this.opener = button("", "plain opener", () => this.#toggle(this.list.hidden));
    this.label = element("span", "", name);
    const arrow = element("span", "arrow", "▾");
    arrow.setAttribute("aria-hidden", "true");
    this.opener.append(this.label, arrow);
    this.list = element("div", "choices");
    this.list.hidden = true;
    number += 1;
    this.list.id = `event-menu-${number}`;
    this.list.setAttribute("role", "group");
    this.list.setAttribute("aria-label", name);
    this.opener.setAttribute("aria-expanded", false);
    this.opener.setAttribute("aria-controls", this.list.id);
    this.node = element("div", "menu", this.opener, this.list);
    this.node.addEventListener("keydown", (key) => this.#key(key));
    this.node.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget !== null && !this.node.contains(relatedTarget)) this.#toggle(false);
    });
    this.outside = ({ target }) => this.node.contains(target) || this.#toggle(false);
  }

  showCount(chosen) {
    setText(this.label, chosen > 0 ? `${this.#name} (${chosen})` : this.#name);
    this.node.classList.toggle("chosen", chosen > 0);
    if (!this.list.hidden) this.#refresh();
  }

  #toggle(open) {
    this.list.hidden = !open;
    this.opener.setAttribute("aria-expanded", open);
    if (!open) {
      document.removeEventListener("pointerdown", this.outside);
      return;
    }
    document.addEventListener("pointerdown", this.outside);
    const lines = this.#choices().map(lineOf);
    this.list.replaceChildren(...(lines.length > 0 ? lines : [element("p", "soft", "None yet")]));
    this.list.querySelector("input")?.focus();
  }

  /** The boxes stay where they are: one of them has the focus. */
  #refresh() {
    const states = new Map(this.#choices().map(({ label, state }) => [label, state]));
    for (const box of this.list.querySelectorAll("input")) setState(box, states.get(box.name) ?? 0);
  }

  #key(key) {
    if (key.key === "Escape" && !this.list.hidden) {
      key.stopPropagation();
      this.#toggle(false);
      this.opener.focus();
    } else if (["ArrowDown", "ArrowUp"].includes(key.key) && !this.list.hidden) {
      key.preventDefault();
      const boxes = [...this.list.querySelectorAll("input")];
      const at = boxes.indexOf(document.activeElement) + (key.key === "ArrowDown" ? 1 : -1);
      boxes[Math.max(0, Math.min(boxes.length - 1, at))]?.focus();
    }
  }
}

function lineOf({ label, className, state, choose }) {
  const box = element("input");
  box.type = "checkbox";
  box.name = label;
  setState(box, state);
  box.addEventListener("change", () => choose(box.checked));
  return element("label", "", box, element("span", className, label));
}

function setState(box, state) {
  box.checked = state === 1;
  box.indeterminate = state > 0 && state < 1;
}

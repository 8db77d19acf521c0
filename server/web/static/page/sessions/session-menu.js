// What can be done with a session in the list, and the question before it is deleted. One menu for
// all rows: within a row it would be cut off by the row's containment.

import { button, element, setText } from "../dom.js";
import { count } from "../format.js";
import { deleteSession } from "../api.js";

export class SessionMenu {
  #session = null;
  #opener = null;
  #deleted;

  /** @param {(id: string) => void} deleted called when the server has deleted one */
  constructor(deleted) {
    this.#deleted = deleted;
    this.node = element("div", "session-menu");
    this.node.popover = "auto";
    this.node.addEventListener("keydown", (press) => this.#move(press));
    this.node.addEventListener("toggle", ({ newState }) => {
      if (newState === "open") return;
      this.#opener?.setAttribute("aria-expanded", "false");
      this.#opener = null;
    });
  }

  /** @param {object} session @param {HTMLElement} opener beside which it opens */
  open(session, opener) {
    const again = this.#opener === opener && this.node.matches(":popover-open");
    if (again) return this.node.hidePopover();
    this.#session = session;
    this.#list();
    this.node.showPopover();
    this.#opener = opener;
    opener.setAttribute("aria-expanded", "true");
    this.#place();
    return this.node.querySelector("[role=menuitem]").focus();
  }

  #list() {
    const { id, state } = this.#session;
    const other = element("a", "menu-item", "Open in a new tab");
    Object.assign(other, { href: `?session=${encodeURIComponent(id)}`, target: "_blank" });
    other.addEventListener("click", () => this.node.hidePopover());
    const copy = button("Copy the id", "menu-item", () => this.#copy(copy));
    const remove = button("Delete…", "menu-item danger", () => this.#confirm());
    if (state === "running") {
      remove.setAttribute("aria-disabled", "true");
      remove.append(element("span", "soft", " while no run is active"));
    }
    this.node.setAttribute("role", "menu");
    this.node.setAttribute("aria-label", `Session ${id}`);
    this.node.replaceChildren(other, copy, remove);
    for (const item of this.node.children) {
      item.setAttribute("role", "menuitem");
      item.tabIndex = -1;
    }
  }

  async #copy(item) {
    try {
      await navigator.clipboard.writeText(this.#session.id);
      this.node.hidePopover();
    } catch {
      setText(item, this.#session.id); // without leave, or without HTTPS: at least to be selected
    }
  }

  #confirm() {
    const { id, state, last } = this.#session;
    if (state === "running") return;
    const opener = this.#opener;
    const events = last === 1 ? "its one event" : `its ${count(last)} events`;
    const words = element(
      "p",
      "",
      "Delete ",
      element("code", "", id),
      ` and ${events}? They do not come back.`,
    );
    const problem = element("p", "problem");
    problem.setAttribute("role", "alert");
    const keep = button("Keep", "", () => this.#leave(opener));
    const remove = button("Delete", "danger", () => this.#delete(remove, problem));
    this.node.setAttribute("role", "dialog");
    this.node.setAttribute("aria-label", `Delete session ${id}`);
    this.node.replaceChildren(words, problem, element("div", "menu-foot", keep, remove));
    this.#place();
    keep.focus();
  }

  async #delete(pressed, problem) {
    const { id } = this.#session;
    if (pressed.getAttribute("aria-disabled") === "true") return;
    pressed.setAttribute("aria-disabled", "true");
    setText(problem, "");
    try {
      await deleteSession(id);
    } catch (error) {
      if (error.status !== 404) {
        pressed.removeAttribute("aria-disabled");
        setText(problem, error.message);
        return;
      }
    }
    this.node.hidePopover();
    this.#deleted(id);
  }

  #leave(opener) {
    this.node.hidePopover();
    opener?.focus();
  }

  /** Below its button, and within the window. */
  #place() {
    const { right, bottom, top } = this.#opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const below = bottom + height + 8 < innerHeight;
    const left = Math.max(8, Math.min(right - width, innerWidth - width - 8));
    this.node.style.setProperty("left", `${left}px`);
    this.node.style.setProperty("top", `${below ? bottom + 4 : Math.max(8, top - height - 4)}px`);
  }

  #move(press) {
    const items = [...this.node.querySelectorAll("[role=menuitem]")];
    const by = { ArrowDown: 1, ArrowUp: -1 }[press.key];
    if (!items.length || !by) return;
    press.preventDefault();
    press.stopPropagation();
    const at = items.indexOf(document.activeElement);
    items.at((at + by) % items.length).focus();
  }
}

// Any JSON as a tree, built where it is opened, walked with the arrow keys.

import { element, setText } from "../dom.js";
import { count } from "../format.js";
import { amount, branchOf, entriesOf, openAtFirst } from "./branches.js";
import { copyButton } from "./copy.js";
import { pathOf, quoted, visible } from "./visible.js";

const AT_ONCE = 100;
const LETTERS_AT_ONCE = 10_000;

/** @returns {HTMLElement} for any JSON value */
export function jsonTree(value) {
  const tree = document.createElement("json-tree");
  tree.value = value;
  return tree;
}

class JsonTree extends HTMLElement {
  #entries = new WeakMap(); // item → {keys, value}, or {more} of an item that brings others
  #chosen = null;

  value = null;

  connectedCallback() {
    if (this.firstChild) return;
    const open = openAtFirst(this.value);
    this.tree = element("ul", "tree");
    this.tree.setAttribute("role", "tree");
    this.tree.setAttribute("aria-label", "JSON");
    this.tree.append(this.#item(null, [], this.value, open));
    this.tree.addEventListener("click", (event) => this.#click(event));
    this.tree.addEventListener("keydown", (event) => this.#key(event));
    this.path = element("code", "path", "$");
    const value = () => this.#copied();
    const copies = [copyButton("Copy path", () => this.path.textContent, "plain")];
    copies.push(copyButton("Copy value", value, "plain"));
    this.append(this.tree, element("div", "place", this.path, ...copies));
    this.#choose(this.tree.firstChild);
  }

  #item(key, keys, value, open = null) {
    const branch = branchOf(value);
    const row = element("span", "row");
    const item = element("li", "", row);
    if (key !== null) row.append(this.#key_(key), element("span", "colon", ": "));
    row.append(element("span", `value ${branch.type}`, branch.line));
    if (branch.size) row.append(element("span", "amount", amount(branch)));
    this.#entries.set(item, { keys, value });
    item.setAttribute("role", "treeitem");
    item.setAttribute("aria-level", keys.length + 1);
    item.tabIndex = -1;
    if (branch.size) item.setAttribute("aria-expanded", "false");
    if (open?.has(value)) this.#open(item, open);
    return item;
  }

  #key_(key) {
    if (typeof key === "number") return element("span", "key index", String(key));
    const plain = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key);
    return element("span", "key", plain ? key : quoted(key));
  }

  #open(item, open = null) {
    item.setAttribute("aria-expanded", "true");
    if (item.lastChild.role === "group") return void (item.lastChild.hidden = false);
    const { keys, value } = this.#entries.get(item);
    const group = element("ul");
    group.setAttribute("role", "group");
    if (typeof value === "string") this.#growText(group, keys, value, 0);
    else this.#grow(group, keys, value, 0, open);
    item.append(group);
  }

  #close(item) {
    item.setAttribute("aria-expanded", "false");
    item.lastChild.hidden = true;
  }

  #grow(group, keys, value, from, open = null) {
    const entries = entriesOf(value, from, from + AT_ONCE);
    group.append(...entries.map(([key, each]) => this.#item(key, [...keys, key], each, open)));
    const total = Array.isArray(value) ? value.length : Object.keys(value).length;
    const left = total - from - entries.length;
    if (left === 0) return;
    const words = `Show ${count(Math.min(AT_ONCE, left))} more of ${count(left)}`;
    this.#more(group, keys, words, () => this.#grow(group, keys, value, from + AT_ONCE));
  }

  /** A line that is no control character stays a line; all else that cannot be seen is escaped. */
  #growText(group, keys, value, from) {
    const text = value.slice(from, from + LETTERS_AT_ONCE);
    const lines = text.split("\n").map(visible).join("\n");
    const item = element("li", "whole", element("span", "row value string", lines));
    item.setAttribute("role", "treeitem");
    item.setAttribute("aria-level", keys.length + 2);
    item.tabIndex = -1;
    this.#entries.set(item, { keys, value });
    group.append(item);
    const left = value.length - from - text.length;
    if (left === 0) return;
    const more = () => this.#growText(group, keys, value, from + LETTERS_AT_ONCE);
    this.#more(group, keys, `Show more of ${count(left)} characters`, more);
  }

  #more(group, keys, words, grow) {
    const item = element("li", "more", element("span", "row", words));
    item.setAttribute("role", "treeitem");
    item.setAttribute("aria-level", keys.length + 2);
    item.tabIndex = -1;
    const more = () => {
      const before = item.previousElementSibling;
      item.remove();
      grow();
      this.#choose(before.nextElementSibling, true);
    };
    this.#entries.set(item, { keys, value: null, more });
    group.append(item);
  }

  #click({ target }) {
    const item = target.closest("[role=treeitem]");
    const row = target.closest(".row");
    if (!item || !row) return;
    this.#choose(item, true);
    if (String(getSelection())) return; // it was a drag to select text
    this.#act(item);
  }

  #act(item) {
    const { more } = this.#entries.get(item);
    if (more) more();
    else if (item.ariaExpanded === "true") this.#close(item);
    else if (item.ariaExpanded === "false") this.#open(item);
  }

  #key(event) {
    const item = event.target.closest("[role=treeitem]");
    const move = MOVES[event.key];
    if (!item || !move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const to = move(item, this.tree);
    if (to === "act") this.#act(item);
    else if (to === "open") this.#open(item);
    else if (to === "close") this.#close(item);
    else if (to) this.#choose(to, true);
  }

  #choose(item, focus = false) {
    if (!item) return;
    this.#chosen?.setAttribute("aria-selected", "false");
    if (this.#chosen) this.#chosen.tabIndex = -1;
    this.#chosen = item;
    item.tabIndex = 0;
    item.setAttribute("aria-selected", "true");
    setText(this.path, pathOf(this.#entries.get(item).keys));
    if (focus) item.focus({ preventScroll: true });
    if (focus) item.querySelector(".row").scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #copied() {
    const { value } = this.#entries.get(this.#chosen);
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
  }
}

const MOVES = {
  ArrowDown: next,
  ArrowUp: previous,
  ArrowRight: (item) => (item.ariaExpanded === "false" ? "open" : children(item)[0]),
  ArrowLeft: (item) => (item.ariaExpanded === "true" ? "close" : parent(item)),
  Home: (_, tree) => tree.firstChild,
  End: (_, tree) => deepest(tree.firstChild),
  Enter: () => "act",
  " ": () => "act",
};

function next(item) {
  const inside = children(item)[0];
  if (inside) return inside;
  for (let at = item; at; at = parent(at)) if (at.nextElementSibling) return at.nextElementSibling;
  return null;
}

function previous(item) {
  return item.previousElementSibling ? deepest(item.previousElementSibling) : parent(item);
}

function deepest(item) {
  const last = children(item).at(-1);
  return last ? deepest(last) : item;
}

function children(item) {
  return item.ariaExpanded === "true" ? [...item.lastChild.children] : [];
}

function parent(item) {
  return item.parentElement.closest("[role=treeitem]");
}

customElements.define("json-tree", JsonTree);

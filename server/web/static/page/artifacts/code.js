// Text by lines, with numbers that are not part of it: code, differences, logs.

import { button, element } from "../dom.js";
import { count } from "../format.js";
import { diffClasses } from "./diff.js";

const CHUNK = 100; // lines that the browser skips together while they are out of sight
const AT_ONCE = 2000; // lines that get their nodes at the start
const LONGEST = 2000; // characters of a line; laying out one of a million takes seconds
const MORE = 20_000;

/**
 * @param {string} text
 * @param {string} name of what it is, for a screen reader
 * @param {boolean} [diff] colour the lines of a unified diff
 * @returns {HTMLElement}
 */
export function codeView(text, name, diff = false) {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.length > 1 && lines.at(-1) === "") lines.pop();
  const view = document.createElement("code-lines");
  view.show(lines, diff ? diffClasses(lines) : []);
  view.tabIndex = 0;
  view.setAttribute("role", "group");
  view.setAttribute("aria-label", `${name}, ${count(lines.length)} lines`);
  return view;
}

/** @returns {HTMLElement} the text up to a length, and a button for the next piece of the rest */
export function piece(text, most = LONGEST) {
  const shown = element("span", "", text.slice(0, most));
  if (text.length <= most) return shown;
  let at = most;
  const label = () => `… ${count(text.length - at)} more characters`;
  const more = button(label(), "more plain", () => {
    more.before(text.slice(at, at + MORE));
    at += MORE;
    if (at >= text.length) more.remove();
    else more.textContent = label();
  });
  shown.append(more);
  return shown;
}

/**
 * A line needs a node for its number. A file of a million lines has them where it is looked at: the
 * rest is there as plain text of the same height, to be found, selected and copied all the same.
 */
class CodeLines extends HTMLElement {
  #lines = [];
  #classes = [];
  #plain = new Map(); // chunk → the number of its first line
  #seen = null;

  show(lines, classes) {
    [this.#lines, this.#classes] = [lines, classes];
    this.className = lines.length > AT_ONCE ? "lines many" : "lines";
    this.style.setProperty("--digits", String(lines.length).length);
    for (let start = 0; start < lines.length; start += CHUNK) this.append(this.#chunk(start));
  }

  connectedCallback() {
    if (this.#plain.size === 0) return;
    this.#seen = new IntersectionObserver((entries) => this.#fillSeen(entries), {
      root: this,
      rootMargin: "800px 0px",
    });
    for (const chunk of this.#plain.keys()) this.#seen.observe(chunk);
  }

  disconnectedCallback() {
    this.#seen?.disconnect();
  }

  /** The count of the lines begins anew in each: what is skipped is not counted through. */
  #chunk(start) {
    const made = element("div", "chunk");
    const lines = this.#lines.slice(start, start + CHUNK);
    made.style.setProperty("counter-reset", `line ${start}`);
    made.style.setProperty("--lines", lines.length);
    if (start < AT_ONCE || lines.some(({ length }) => length > LONGEST)) {
      this.#fill(made, start);
    } else {
      made.append(`${lines.join("\n")}\n`);
      made.classList.add("plain");
      this.#plain.set(made, start);
    }
    return made;
  }

  #fillSeen(entries) {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      this.#fill(target, this.#plain.get(target));
      this.#plain.delete(target);
      this.#seen.unobserve(target);
    }
  }

  #fill(chunk, start) {
    const rows = this.#lines.slice(start, start + CHUNK).map((line, index) => {
      const content = line.length > LONGEST ? piece(line) : line || document.createElement("br");
      return element("div", this.#classes[start + index] ?? "", content);
    });
    chunk.classList.remove("plain");
    chunk.replaceChildren(...rows);
  }
}

customElements.define("code-lines", CodeLines);

// Text by lines, with numbers that are not part of it: code, differences, logs.

import { button, element } from "../dom.js";
import { count } from "../format.js";
import { diffClasses } from "./diff.js";

const CHUNK = 200; // lines that the browser skips together while they are out of sight
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
  const view = element("div", "lines");
  view.style.setProperty("--digits", String(lines.length).length);
  view.tabIndex = 0;
  view.setAttribute("role", "region");
  view.setAttribute("aria-label", `${name}, ${count(lines.length)} lines`);
  view.classList.toggle("few", lines.length <= CHUNK);
  const classes = diff ? diffClasses(lines) : null;
  for (let start = 0; start < lines.length; start += CHUNK) {
    view.append(chunk(lines.slice(start, start + CHUNK), start, classes));
  }
  return view;
}

/** @returns {HTMLElement} the text up to a length, and a button for the next piece of the rest */
export function piece(text, most = LONGEST) {
  const shown = element("span", "", text.slice(0, most));
  if (text.length <= most) return shown;
  let at = most;
  const more = button("", "more plain", () => {
    const end = at + MORE;
    more.before(text.slice(at, end));
    at = end;
    if (at >= text.length) more.remove();
    else label();
  });
  const label = () => {
    more.textContent = `… ${count(text.length - at)} more characters`;
  };
  label();
  shown.append(more);
  return shown;
}

/** The count begins anew in each: what is skipped is not counted through. */
function chunk(lines, start, classes) {
  const made = element("div", "chunk");
  made.style.setProperty("counter-reset", `line ${start}`);
  made.style.setProperty("--lines", lines.length);
  made.append(
    ...lines.map((line, index) => {
      const content = line.length > LONGEST ? piece(line) : line || document.createElement("br");
      return element("div", classes?.[start + index] ?? "", content);
    }),
  );
  return made;
}

// What an agent says: wrapped text, long ones cut. While a text grows, its end is what is read.

import { button, element } from "../dom.js";
import { count } from "../format.js";

const LONGEST = 1500; // characters that are shown at first
const STEP = 500; // a growing text loses its beginning in such steps, not with every piece

/** @returns {import("./bodies.js").Body} */
export function saying({ text, growing, cut, view }) {
  const said = element("div", "said", shown(text, growing, view.all));
  const line = [said];
  if (growing && from(text, view.all) > 0) {
    line.unshift(element("div", "faint", `… ${count(from(text, view.all))} characters before`));
  } else if (!growing && text.length > LONGEST) {
    line.push(more(text, view.all));
  }
  if (cut && (view.all || text.length <= LONGEST)) {
    line.push(element("div", "faint", "Longer than is shown here: the raw events have all of it."));
  }
  return { line, parts: [], wraps: true };
}

/**
 * Adds what came to a text that is in the document; a new node for each piece of a text would be
 * the work of a frame.
 *
 * @returns {boolean} false where it has to be drawn anew
 */
export function grow(said, { text, growing, view }, before) {
  const [node] = said.childNodes;
  if (!growing || said.childNodes.length !== 1 || !text.startsWith(before)) return false;
  if (from(text, view.all) !== from(before, view.all)) return false;
  node.appendData(text.slice(before.length));
  return true;
}

function shown(text, growing, all) {
  if (growing) return text.slice(from(text, all));
  return all || text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}

function from(text, all) {
  if (all || text.length <= LONGEST) return 0;
  return Math.ceil((text.length - LONGEST) / STEP) * STEP;
}

function more(text, all) {
  const label = all ? "Show less" : `Show all (${count(text.length)} characters)`;
  const made = button(label, "plain rest");
  made.setAttribute("aria-expanded", Boolean(all));
  return made;
}

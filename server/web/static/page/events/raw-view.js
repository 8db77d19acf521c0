// The exact JSON of a row's events, one at a time.

import { button, element, setText } from "../dom.js";
import { count } from "../format.js";
import { pretty } from "./exact.js";

const COPIED_MS = 1500;

/**
 * @param {import("./rows.js").Row} row
 * @param {(offset: number) => Promise<{text: string, event: object}>} fetchExact
 * @returns {HTMLElement}
 */
export function rawView(row, fetchExact) {
  const choice = row.view.raw; // {at, asIs}: survives that the row leaves the document
  const made = element("div", "raw");
  const place = element("span", "figures place");
  const json = element("pre");
  json.tabIndex = 0;
  let text = "";
  const show = () => setText(json, choice.asIs ? text : pretty(text));
  const load = async () => {
    const at = Math.max(0, Math.min(choice.at, row.offsets.length - 1));
    const offset = row.offsets[at];
    older.disabled = at === 0;
    newer.disabled = at === row.offsets.length - 1;
    try {
      const found = await fetchExact(offset);
      if (row.offsets[choice.at] !== offset) return; // another was asked for meanwhile
      text = found.text;
      setText(place, placed(row, at, found.event));
      show();
    } catch (error) {
      setText(place, `Event ${count(offset)}: ${error.message}`);
    }
  };
  const step = (by) => {
    choice.at += by;
    load();
  };
  const older = named(button("‹", "", () => step(-1)), "The row's event before");
  const newer = named(button("›", "", () => step(1)), "The row's event after");
  const asIs = button("As it came", "", () => {
    choice.asIs = !choice.asIs;
    asIs.setAttribute("aria-pressed", choice.asIs);
    show();
  });
  asIs.setAttribute("aria-pressed", choice.asIs);
  const copy = button("Copy", "", () => copyText(text, json, copy));
  for (const each of [older, newer]) each.hidden = row.offsets.length === 1;
  const head = element("div", "head", older, newer, place, asIs, copy);
  made.append(head, json);
  named(made, `Raw JSON of event ${count(row.key)}`);
  named(json, "JSON");
  json.setAttribute("role", "group");
  made.setAttribute("role", "group");
  load();
  return made;
}

function placed({ offsets }, at, { offset, time }) {
  const which = offsets.length > 1 ? ` · ${count(at + 1)} of ${count(offsets.length)}` : "";
  return `Event ${count(offset)}${which} · ${time}`;
}

async function copyText(text, node, told) {
  try {
    await navigator.clipboard.writeText(text);
    setText(told, "Copied");
  } catch {
    getSelection().selectAllChildren(node); // no clipboard without https: the reader's keys do it
    setText(told, "Selected");
  }
  setTimeout(() => setText(told, "Copy"), COPIED_MS);
}

function named(node, label) {
  node.setAttribute("aria-label", label);
  return node;
}

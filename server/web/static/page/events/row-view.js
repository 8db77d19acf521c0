// A row in the document.

import { button, element, setText, svg } from "../dom.js";
import { clock, colourOf } from "../format.js";
import { body, unfold } from "./bodies.js";
import { looksOf, wordFor } from "./kinds.js";
import { foundLine, mark } from "./marks.js";
import { haystack } from "./match.js";
import { grow } from "./saying.js";

const EAGER = 262_144; // characters of an artifact that is fetched without being asked for
const DWELL_MS = 250; // … when its row stays on the screen

/**
 * @typedef {object} Context what the rows of a view share
 * @property {RegExp | null} find what is searched for
 * @property {(event: object) => string | null} elapsed the time to show instead of the clock's
 * @property {(event: object) => Promise<object>} full the whole of a heavy event
 * @property {{now: object | null, load: () => Promise<object | null>}} viewers `artifact` and
 *   `jsonTree`, null without them
 * @property {(row: object) => Node} raw the view of its exact JSON
 */

/** @returns {HTMLElement} @param {import("./rows.js").Row} row @param {Context} context */
export function drawRow(row, context) {
  if (row.note !== undefined) return drawNote(row);
  const { event } = row;
  const made = element("article");
  made.dataset.offset = event.offset;
  made.setAttribute("aria-posinset", event.offset);
  made.setAttribute("aria-setsize", -1); // nobody knows how many will come
  made.append(element("span", "offset"), timeOf(event, context), speaker(event));
  made.append(element("span", "type"), element("div", "body"), rawButton(event));
  refreshRow(made, row, context);
  return made;
}

/** Brings a row's element up to date. */
export function refreshRow(made, row, context) {
  if (row.note !== undefined) return;
  const { event, type, last, offsets, view, growing } = row;
  const [offset, time, , word, content] = made.children;
  made.className = looksOf(row).join(" ");
  if (typeof event.agent === "string") made.classList.add(colourOf(event.agent));
  made.classList.toggle("growing", growing);
  made.classList.toggle("open", Boolean(view.open));
  made.classList.toggle("current", Boolean(view.current));
  made.tabIndex = view.current ? 0 : -1;
  made.dataset.type = type;
  made.dataset.last = last;
  made.dataset.count = offsets.length;
  made.setAttribute("aria-label", `Event ${event.offset}, ${type} ${event.agent ?? ""}`);
  setText(offset, contiguous(row) ? `${event.offset}–${last}` : String(event.offset));
  setText(time, context.elapsed(event) ?? clock(event.time));
  setText(word, wordFor(type));
  word.title = type;
  if (!grewInPlace(content, row, context)) fill(content, row, context);
  view.drawn = row.text;
  showRaw(made, row, context);
}

function fill(content, row, context) {
  const { line, parts, wraps } = body(row);
  const nodes = line.filter((node) => node.textContent !== "" || node.tagName === "PROGRESS");
  const shown = element("div", wraps ? "line wraps" : "line", ...nodes);
  shown.classList.toggle("folds", parts.length > 0);
  if (parts.length > 0) shown.prepend(chevron(row.view.open, row.event));
  content.replaceChildren(shown);
  if (row.event.type === "artifact") embed(content, row, context);
  else if (row.view.open && parts.length > 0) content.append(opened(row, parts, context));
  if (context.find !== null && mark(content, context.find) === 0) {
    const found = foundLine(context.find, haystack(row));
    if (found !== null) content.append(found);
  }
}

function grewInPlace(content, row, context) {
  if (context.find !== null || row.view.drawn === undefined) return false;
  const said = content.querySelector(":scope > .line > .said");
  return said !== null && grow(said, row, row.view.drawn);
}

function opened(row, parts, { full, viewers }) {
  const holder = element("div", "opened");
  const show = async () => {
    const [event, result, shows] = await Promise.all([
      full(row.event),
      row.result && full(row.result),
      viewers.load(),
    ]);
    holder.replaceChildren(
      ...unfold(parts, event, result).map(([name, value]) => part(name, value, shows)),
    );
  };
  show().catch((error) => holder.replaceChildren(element("p", "problem", error.message)));
  return holder;
}

function part(name, value, viewers) {
  const isTree = viewers !== null && value !== null && typeof value === "object";
  const shown = isTree ? viewers.jsonTree(value) : element("pre", "", textOf(value));
  return element("section", "part", element("div", "label", name), shown);
}

function textOf(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** An artifact is opened where it stands; its card replaces the line that names it. */
function embed(content, row, { full, viewers }) {
  const { event, view } = row;
  const card = ({ data }) => content.firstChild.replaceWith(viewers.now.artifact(data));
  const show = async () => {
    const [whole, shows] = await Promise.all([full(event), viewers.load()]);
    if (shows !== null) card(whole);
  };
  const begin = () => {
    view.open = true;
    show().catch((error) => content.append(element("p", "problem", error.message)));
  };
  if (!event.trimmed && viewers.now !== null) card(event);
  else if (!event.trimmed || view.open) begin();
  else if (event.trimmed <= EAGER) setTimeout(() => content.isConnected && begin(), DWELL_MS);
  else content.firstChild.append(button("Load", "plain load", begin));
}

function showRaw(made, row, context) {
  const old = made.querySelector(":scope > .raw");
  made.querySelector(":scope > .raw-button").setAttribute("aria-expanded", Boolean(row.view.raw));
  if (row.view.raw && old === null) made.append(context.raw(row));
  if (!row.view.raw) old?.remove();
}

function contiguous({ key, last, offsets }) {
  return last > key && last - key === offsets.length - 1;
}

function timeOf(event, context) {
  const made = element("time", "");
  made.dateTime = event.time;
  const since = context.elapsed(event, true);
  made.title = since ? `${event.time}\n${since} after its run began` : event.time;
  return made;
}

function speaker({ agent }) {
  if (typeof agent !== "string") return element("span", "agent");
  const made = element("span", `agent ${colourOf(agent)}`, agent);
  made.title = agent;
  return made;
}

function rawButton({ offset }) {
  const made = button("raw", "raw-button");
  made.tabIndex = -1; // reached by `r` on the row; one stop a row is enough
  made.setAttribute("aria-label", `Raw JSON of event ${offset}`);
  return made;
}

function chevron(open, { offset }) {
  const made = button("", "plain fold");
  made.tabIndex = -1; // reached by Enter on the row
  made.setAttribute("aria-expanded", Boolean(open));
  made.setAttribute("aria-label", `Details of event ${offset}`);
  const mark = svg("path", { d: "M3 1.5 7 5 3 8.5", fill: "none", stroke: "currentColor" });
  mark.setAttribute("stroke-width", 1.6);
  const box = { viewBox: "0 0 10 10", width: 10, height: 10, "aria-hidden": "true" };
  made.append(svg("svg", box, mark));
  return made;
}

function drawNote({ note, time }) {
  const made = element("article", "note", element("span", "words", note));
  made.setAttribute("aria-label", note);
  made.title = clock(time);
  return made;
}

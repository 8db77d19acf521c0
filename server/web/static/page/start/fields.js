// A form for any JSON Schema.
//
// Optional values that nobody touched are not sent, so that the server's defaults hold; null is
// sent where "none" was chosen. Numbers stay the digits that they are (see exact.js). What cannot
// be drawn is edited as JSON, each such value by itself.

import { faultsOf } from "./check.js";
import { Slot } from "./slot.js";

/**
 * @typedef {object} Fields
 * @property {HTMLElement} node
 * @property {() => unknown} value undefined where there is none; may hold `Exact` numbers
 * @property {() => string[]} check complaints, each shown at its field; the focus goes to the first
 * @property {(path: string, message: string, focus?: boolean) => void} complain at the field that
 *   the path leads to, as the server writes paths (`input.tags[2]`, `rounds`) or as a JSON Pointer
 * @property {() => void} focus
 */

/**
 * @param {object | boolean | null | undefined} schema none: anything
 * @param {unknown} [value] undefined to begin with what the schema says
 * @param {{label?: string, onEdit?: () => void}} [more] the whole's name, and who hears changes
 * @returns {Fields}
 */
export function fieldsFor(schema, value, { label = "input", onEdit = () => {} } = {}) {
  const root = schema ?? {};
  const slot = top(root, { label, value, onEdit });
  slot.node.classList.add("fields");
  const check = () => {
    slot.clear();
    const found = slot.malformed();
    if (!found.length) {
      const faults = faultsOf(root, slot.read(), root);
      found.push(...faults.map(({ path, message }) => ({ slot: walk(slot, path), message })));
    }
    for (const one of found) if (!one.slot.complaint) one.slot.complain(one.message);
    firstOf(found.map((one) => one.slot))?.focus();
    return found.map(({ message }) => message);
  };
  return {
    node: slot.node,
    value: () => slot.read(),
    check,
    malformed: () => slot.malformed().map(({ message }) => message),
    complain(path, message, focus = true) {
      const at = locate(slot, path);
      at.complain(message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message);
      if (focus) at.focus();
    },
    focus: () => slot.focus(),
  };
}

function top(root, more) {
  const given = { root, name: "", required: true, look: "bare", ...more };
  try {
    return new Slot({ ...given, schema: root });
  } catch (error) {
    console.warn("This schema cannot be drawn as a form.", error);
    return new Slot({ ...given, schema: {}, root: {} });
  }
}

/** The deepest slot on a path: a value that is not drawn is spoken for by what would hold it. */
function walk(slot, [step, ...rest]) {
  if (slot.shape.kind === "union" && slot.children().length) {
    return walk(slot.children()[0][1], step === undefined ? [] : [step, ...rest]);
  }
  if (step === undefined) return slot;
  const next = slot.children().find(([key]) => String(key) === String(step));
  return next ? walk(next[1], rest) : slot;
}

function locate(slot, path) {
  if (path.startsWith("/")) {
    const unescaped = (part) => part.replaceAll("~1", "/").replaceAll("~0", "~");
    return walk(slot, path.slice(1).split("/").map(unescaped));
  }
  const inside = /^(?:input|value)(?=[.[]|$)/.exec(path);
  const whole = inside && descend(slot, path.slice(inside[0].length));
  const bare = descend(slot, `.${path}`);
  if (!whole || (whole.slot === slot && whole.rest && !bare.rest)) return bare.slot;
  return whole.slot;
}

/** Names may have dots and brackets: the reading that leaves least of the text is meant. */
function descend(slot, text) {
  let best = { slot, rest: text };
  for (const [key, child] of slot.children()) {
    const through = key === "" && slot.shape.kind === "union";
    const step = through ? "" : typeof key === "number" ? `[${key}]` : `.${key}`;
    if (!text.startsWith(step) || !/^([.[]|$)/.test(text.slice(step.length))) continue;
    const found = descend(child, text.slice(step.length));
    if (found.rest.length < best.rest.length || through) best = found;
  }
  return best;
}

function firstOf(slots) {
  const before = Node.DOCUMENT_POSITION_PRECEDING;
  const ordered = slots.toSorted((a, b) =>
    a.node.compareDocumentPosition(b.node) & before ? 1 : -1,
  );
  return ordered[0];
}

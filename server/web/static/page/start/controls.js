// Controls for a text, a number, and any JSON. What was not touched is given back as it was.

import { button, element } from "../dom.js";
import { faultsOf } from "./check.js";
import { add, compare, isNumber, parse, typedNumber, write } from "./exact.js";

const SHORT = 80; // characters: longer texts get lines

export function text(slot, shape, value) {
  const { schema } = shape;
  const acceptsEmpty = !faultsOf(schema, "", slot.root).length;
  const box = boxFor(schema, value);
  if (value !== undefined) box.value = value;
  if (typeof schema.examples?.[0] === "string") box.placeholder = `e.g. ${schema.examples[0]}`;
  let given = value === ""; // emptied by hand it means nothing, where it cannot be a value
  box.addEventListener("input", () => {
    given = false;
    slot.edited();
  });
  const blank = () => box.value === "" && !acceptsEmpty && !given;
  const node = schema.format === "date-time" ? withNow(box) : box;
  return {
    node,
    target: box,
    get: () => (blank() ? undefined : box.value),
    blank,
    malformed: () => (box.validity?.badInput ? "is not a whole date" : null),
    note: () => (box.value === "" ? "empty text" : ""),
    focus: () => box.focus(),
  };
}

export function number(slot, shape, value) {
  const { schema } = shape;
  const box = element("input", "mono field-number");
  box.type = "text"; // a number's own field gives nothing back where it is not one, or too exact
  box.autocomplete = "off";
  box.inputMode = schema.type === "integer" && schema.minimum >= 0 ? "numeric" : "decimal";
  if (value !== undefined) box.value = write(value);
  box.addEventListener("input", () => slot.edited());
  box.addEventListener("keydown", (press) => {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[press.key];
    if (!direction || !step(box, schema, direction)) return;
    press.preventDefault();
    slot.edited();
  });
  const typed = () => typedNumber(box.value.trim());
  return {
    node: box,
    target: box,
    get: () => typed() ?? undefined,
    blank: () => box.value.trim() === "",
    malformed: () => (typed() === null ? "is not a number" : null),
    focus: () => box.focus(),
  };
}

export function json(slot, shape, value) {
  const box = element("textarea", "mono field-json");
  box.rows = 2;
  box.spellcheck = false;
  box.placeholder = "JSON";
  if (value !== undefined) box.value = write(value, true);
  box.addEventListener("input", () => slot.edited());
  const read = () => {
    try {
      return { value: parse(box.value) };
    } catch (error) {
      return { wrong: `is not JSON: ${error.message}` };
    }
  };
  const blank = () => box.value.trim() === "";
  return {
    node: box,
    target: box,
    get: () => (blank() ? undefined : read().value),
    blank,
    malformed: () => (blank() ? null : (read().wrong ?? null)),
    focus: () => box.focus(),
  };
}

function boxFor({ format, pattern, maxLength = Infinity, writeOnly }, value = "") {
  const lines = /[\n\r]/.test(value);
  const secret = format === "password" || writeOnly === true;
  if (lines || (!pattern && !format && !secret && maxLength > SHORT)) {
    const box = element("textarea");
    box.rows = 1;
    return box;
  }
  const box = element("input", format || pattern ? "mono" : "");
  const dated = format === "date" && /^(\d{4}-\d\d-\d\d)?$/.test(value);
  box.type = secret ? "password" : dated ? "date" : "text";
  box.autocomplete = secret ? "new-password" : "off";
  box.spellcheck = false;
  return box;
}

/** As a text: the browser's own field for times has no zone, and would cut the microseconds off. */
function withNow(box) {
  box.placeholder = "2026-11-22T22:00:00Z";
  const now = button("now", "", () => {
    box.value = new Date().toISOString();
    box.dispatchEvent(new Event("input"));
    box.focus();
  });
  now.title = "the time now";
  return element("div", "field-time", box, now);
}

/** The arrow keys, for whole numbers and for those in steps. */
function step(box, schema, direction) {
  const width = schema.multipleOf ?? (schema.type === "integer" ? 1 : null);
  const typed = typedNumber(box.value.trim() || "0");
  if (!isNumber(width) || typed === null) return false;
  const next = add(typed, direction > 0 ? width : typedNumber(`-${width}`));
  const { minimum, maximum } = schema;
  if (isNumber(minimum) && compare(next, minimum) < 0) box.value = write(minimum);
  else if (isNumber(maximum) && compare(next, maximum) > 0) box.value = write(maximum);
  else box.value = write(next);
  return true;
}

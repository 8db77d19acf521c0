// Which control draws which kind of value.
//
// A control is {node, target, get, focus, blank?, note?, malformed?, children?}: `get()` is the
// value or undefined, `target` what a screen reader hears the name and the complaint of, `blank()`
// whether nothing is in it, `malformed()` why what is typed is no value at all.

import { checks, choice, constant } from "./choices.js";
import { json, number, text } from "./controls.js";
import { object, tuple } from "./containers.js";
import { list } from "./lists.js";
import { union } from "./unions.js";

const KINDS = { text, number, choice, constant, checks, json, list, tuple, object, union };

/**
 * @param {import("./slot.js").Slot} slot whose `edited()` is called on every change
 * @param {import("./schema.js").Shape} shape
 * @param {unknown} value undefined to begin with nothing
 */
export function draw(slot, shape, value) {
  if (shape.kind !== "boolean") return KINDS[shape.kind](slot, shape, value);
  return choice(slot, { ...shape, options: [true, false], labels: ["yes", "no"] }, value);
}

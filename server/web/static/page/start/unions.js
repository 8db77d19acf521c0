// The control for a value of one of several types.

import { element } from "../dom.js";
import { faultsOf } from "./check.js";
import { pick } from "./choices.js";
import { fits, shapeOf } from "./schema.js";
import { Slot } from "./slot.js";
import { choiceName } from "./words.js";

/** What was typed for one type is still there when another was looked at. */
export function union(slot, shape, value) {
  const { choices, nullable } = shape;
  const names = distinct(choices.map((choice) => choiceName(choice, slot.root)));
  const labels = nullable ? [...names, "none"] : names;
  const slots = new Map();
  const body = element("div", "field-choice");
  const show = (index, given) => {
    if (index >= 0 && index < choices.length && !slots.has(index)) {
      slots.set(index, inside(slot, choices[index], labels[index], given));
    }
    body.replaceChildren(...(slots.has(index) ? [slots.get(index).node] : []));
  };
  const first = value === undefined && slot.required ? 0 : choiceFor(shape, value, slot.root);
  const picker = pick(labels, first, () => {
    show(picker.at());
    slot.edited();
  });
  show(first, value);
  const chosen = () => slots.get(picker.at());
  return {
    node: element("div", "field-union", picker.node, body),
    target: picker.target,
    get: () => (nullable && picker.at() === choices.length ? null : chosen()?.read()),
    children: () => (chosen() ? [["", chosen()]] : []),
    focus: () => picker.focus(),
  };
}

function inside(slot, schema, label, value) {
  return new Slot({
    schema,
    root: slot.root,
    name: "",
    label,
    value,
    required: true,
    look: "bare",
    depth: slot.depth + 1,
    onEdit: () => slot.edited(),
  });
}

/** @returns {number} the choice that a value is of; -1 where nothing was chosen */
function choiceFor({ choices, nullable }, value, root) {
  if (value === undefined) return -1;
  if (value === null && nullable) return choices.length;
  const whole = choices.findIndex((choice) => !faultsOf(choice, value, root).length);
  return whole < 0 ? choices.findIndex((one) => fits(shapeOf(one, root), value, root)) : whole;
}

function distinct(names) {
  return names.map((name, index) =>
    names.indexOf(name) === names.lastIndexOf(name) ? name : `${name} ${index + 1}`,
  );
}

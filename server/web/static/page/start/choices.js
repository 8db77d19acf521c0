// Controls for one of a few values, some of a few values, and the only value there is.

import { element } from "../dom.js";
import { same, write } from "./exact.js";

const MOST_BUTTONS = 6;
const WIDEST = 56; // characters of all buttons together: beyond it a list drops down
let groups = 0;

/** One of `shape.options`, or none where it is nullable. */
export function choice(slot, shape, value) {
  const options = shape.nullable ? [...shape.options, null] : shape.options;
  const labels = shape.nullable ? [...shape.labels, "none"] : shape.labels;
  const at = value === undefined ? -1 : options.findIndex((option) => same(option, value));
  const picker = pick(labels, at, () => slot.edited());
  return { ...picker, get: () => options[picker.at()] };
}

/** The one value that is allowed: shown, not asked for. */
export function constant(slot, { options: [only] }) {
  const node = element("output", "mono field-constant", write(only));
  return { node, target: null, get: () => only, focus: () => {} };
}

/** Some of `shape.options`, in their order. */
export function checks(slot, shape, value = []) {
  const node = element("div", "field-checks");
  node.setAttribute("role", "group");
  const boxes = shape.options.map((option, index) => {
    const box = element("input");
    box.type = "checkbox";
    box.checked = value.some((one) => same(one, option));
    box.addEventListener("change", () => slot.edited());
    node.append(element("label", "", box, shape.labels[index]));
    return box;
  });
  const get = () => shape.options.filter((_, index) => boxes[index].checked);
  const note = () => (get().length ? "" : "none of them");
  return { node, target: node, get, note, focus: () => boxes[0]?.focus() };
}

/**
 * @param {string[]} labels
 * @param {number} chosen -1 for none
 * @param {() => void} onChange
 * @returns {{node: Element, target: Element, at: () => number, focus: () => void}}
 */
export function pick(labels, chosen, onChange) {
  const width = labels.reduce((sum, label) => sum + label.length + 4, 0);
  const few = labels.length <= MOST_BUTTONS && width <= WIDEST;
  return few ? segments(labels, chosen, onChange) : dropDown(labels, chosen, onChange);
}

function segments(labels, chosen, onChange) {
  const node = element("div", "segments");
  node.setAttribute("role", "radiogroup");
  groups += 1;
  const radios = labels.map((label, index) => {
    const radio = element("input");
    Object.assign(radio, { type: "radio", name: `segments-${groups}`, checked: index === chosen });
    radio.addEventListener("change", onChange);
    node.append(element("label", "", radio, element("span", "", label)));
    return radio;
  });
  const at = () => radios.findIndex(({ checked }) => checked);
  return { node, target: node, at, focus: () => (radios[at()] ?? radios[0]).focus() };
}

function dropDown(labels, chosen, onChange) {
  const node = element("select");
  const first = element("option", "", "choose…");
  Object.assign(first, { value: "-1", hidden: true });
  node.append(first);
  for (const [index, label] of labels.entries()) {
    const option = element("option", "", label);
    option.value = String(index);
    node.append(option);
  }
  node.value = String(chosen);
  node.addEventListener("change", onChange);
  return { node, target: node, at: () => Number(node.value), focus: () => node.focus() };
}

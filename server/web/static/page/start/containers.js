// Controls for what holds a known number of other values: tuples and objects.

import { element } from "../dom.js";
import { Entries } from "./entries.js";
import { isObject } from "./exact.js";
import { Slot } from "./slot.js";

export function tuple(slot, { schema }, value = []) {
  const { prefixItems, items } = schema;
  const count = Math.max(prefixItems.length, value.length);
  const slots = Array.from({ length: count }, (_, index) =>
    inner(slot, index < prefixItems.length ? prefixItems[index] : items, {
      name: String(index + 1),
      required: true,
      value: value[index],
    }),
  );
  const node = group("field-tuple", ...slots.map((one) => one.node));
  return {
    node,
    target: node,
    get: () => slots.map((one) => one.read()),
    children: () => slots.map((one, index) => [index, one]),
    focus: () => slots[0]?.focus(),
  };
}

/** The named properties, and rows for others where the schema asks for them or there are some. */
export function object(slot, { schema }, value = {}) {
  const names = Object.keys(schema.properties ?? {});
  const fields = names.map((name) => [name, fieldOf(slot, schema, name, value)]);
  const rows = othersOf(slot, schema, names, value);
  const node = group("field-object", ...fields.map(([, field]) => field.node));
  if (rows) node.append(rows.node);
  return {
    node,
    target: node,
    get: () => {
      const read = fields.map(([name, field]) => [name, field.read()]);
      const given = read.filter(([, one]) => one !== undefined);
      return Object.fromEntries([...given, ...(rows?.get() ?? [])]);
    },
    children: () => [...fields, ...(rows?.children() ?? [])],
    malformed: () => rows?.malformed(names) ?? [],
    note: () => (names.length || rows?.size ? "" : "no entries"),
    focus: () => (fields[0]?.[1] ?? rows)?.focus(),
  };
}

/** A place within another's control, which hears of every change in it. */
export function inner(slot, schema, more) {
  const onEdit = () => slot.edited();
  const { root } = slot;
  return new Slot({ schema: schema ?? true, root, depth: slot.depth + 1, onEdit, ...more });
}

export function group(className, ...content) {
  const node = element("div", className, ...content);
  node.setAttribute("role", "group");
  return node;
}

function fieldOf(slot, { properties, required = [] }, name, value) {
  return inner(slot, properties[name], {
    name,
    required: required.includes(name),
    value: Object.hasOwn(value, name) ? value[name] : undefined,
  });
}

/** Most schemas allow more properties without wanting any: only a declared wish draws rows. */
function othersOf(slot, schema, names, value) {
  const others = Object.entries(value).filter(([name]) => !names.includes(name));
  const open = schema.additionalProperties ?? names.length === 0;
  const wanted = others.length || open !== false || isObject(schema.patternProperties);
  return wanted ? new Entries(slot, isObject(open) ? open : true, others) : null;
}

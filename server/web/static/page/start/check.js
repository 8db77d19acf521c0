// Whether a value satisfies a JSON Schema, in words for the field at fault: pure. The server's word
// counts: what is not looked at here (`not`, `if`, `contains`) it refuses by itself.

import { compare, isInteger, isMultiple, isNumber, isObject, same, write } from "./exact.js";
import { resolve } from "./schema.js";

const DEEPEST = 100; // levels of `$ref` and `allOf`: a schema may refer to itself
const MOST = 50; // faults: more are not read

/**
 * @typedef {{path: (string | number)[], message: string}} Fault
 * @param {object | boolean} schema
 * @param {unknown} value undefined where there is none
 * @param {object} root what references in the schema start from
 * @returns {Fault[]} none where it fits
 */
export function faultsOf(schema, value, root = schema) {
  return examine(schema, value, { root, path: [], depth: 0 }).slice(0, MOST);
}

/** @returns {string} as the server writes a path: `tags[2].name` */
export function pathText(path) {
  const steps = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`));
  return steps.join("").replace(/^\./, "");
}

function examine(schema, value, at) {
  if (value === undefined) return [fault(at, "needs a value")];
  if (schema === false) return [fault(at, "is not expected")];
  if (at.depth > DEEPEST) return [];
  const { allOf = [], ...own } = isObject(schema) ? schema : {};
  const deeper = { ...at, depth: at.depth + 1 };
  const found = allOf.flatMap((part) => examine(part, value, deeper));
  return [...found, ...ofNode(resolve(own, at.root), value, at)];
}

function ofNode(node, value, at) {
  const wrong = ofType(node, value, at);
  if (wrong) return [wrong];
  const found = [...ofValues(node, value, at), ...ofBranches(node, value, at)];
  if (typeof value === "string") found.push(...ofText(node, value, at));
  else if (isNumber(value)) found.push(...ofNumber(node, value, at));
  else if (Array.isArray(value)) found.push(...ofArray(node, value, at));
  else if (isObject(value)) found.push(...ofObject(node, value, at));
  return found;
}

const TYPES = {
  string: ["a text", (value) => typeof value === "string"],
  number: ["a number", isNumber],
  integer: ["a whole number", (value) => isNumber(value) && isInteger(value)],
  boolean: ["yes or no", (value) => typeof value === "boolean"],
  null: ["null", (value) => value === null],
  array: ["a list", Array.isArray],
  object: ["an object", isObject],
};

function ofType({ type }, value, at) {
  const types = [type].flat().filter((name) => Object.hasOwn(TYPES, name ?? ""));
  if (!types.length || types.some((name) => TYPES[name][1](value))) return null;
  return fault(at, `must be ${types.map((name) => TYPES[name][0]).join(" or ")}`);
}

function ofValues(node, value, at) {
  const allowed = "const" in node ? [node.const] : node.enum;
  if (!Array.isArray(allowed) || allowed.some((one) => same(one, value))) return [];
  const named = allowed.slice(0, 8).map((one) => write(one));
  const more = allowed.length > named.length ? ", …" : "";
  return [fault(at, `must be ${allowed.length > 1 ? "one of " : ""}${named.join(", ")}${more}`)];
}

/** Of the branches that all fail, the one that is least wrong speaks. */
function ofBranches(node, value, at) {
  const branches = node.anyOf ?? node.oneOf;
  if (!Array.isArray(branches) || !branches.length) return [];
  const deeper = { ...at, depth: at.depth + 1 };
  const tried = branches.map((branch) => examine(branch, value, deeper));
  if (tried.some((faults) => !faults.length)) return [];
  const inside = tried.filter((faults) => faults.every(({ path }) => path.length > at.path.length));
  const [best] = (inside.length ? inside : tried).toSorted((a, b) => a.length - b.length);
  const tops = tried.flat().filter(({ path }) => path.length === at.path.length);
  if (inside.length || tops.length < tried.length) return best;
  const words = tops.map(({ message }) => message.replace(/^must be /, ""));
  const alike = tops.every(({ message }) => message.startsWith("must be "));
  return alike ? [fault(at, `must be ${[...new Set(words)].join(" or ")}`)] : best;
}

function ofText(node, value, at) {
  const length = [...value].length;
  const found = ofSize(length, node.minLength, node.maxLength, "character", at);
  if (node.pattern !== undefined && !matches(node.pattern, value)) {
    found.push(fault(at, `must match ${node.pattern}`));
  }
  const format = FORMATS[node.format];
  if (format && !format[1](value)) found.push(fault(at, `must be ${format[0]}`));
  return found;
}

const CLOCK = String.raw`([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?`;
const ZONE = String.raw`([zZ]|[-+]([01]\d|2[0-3]):[0-5]\d)`;
const DATE_TIME = new RegExp(String.raw`^(\d{4}-\d\d-\d\d)[tT ]${CLOCK}${ZONE}$`);
const FORMATS = {
  date: ["a date like 2026-11-22", isDate],
  "date-time": [
    "a time with its zone, like 2026-11-22T22:00:00Z",
    (text) => isDate(DATE_TIME.exec(text)?.[1] ?? ""),
  ],
  time: ["a time of day like 22:00:00", (text) => new RegExp(`^${CLOCK}${ZONE}?$`).test(text)],
  uuid: ["a UUID", (text) => /^[\da-f]{8}-?([\da-f]{4}-?){3}[\da-f]{12}$/i.test(text)],
};

function isDate(text) {
  const [, year, month, day] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // two digits would mean 19…
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

function matches(pattern, text) {
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    return true; // Python's, and not JavaScript's: the server knows
  }
}

function ofNumber(node, value, at) {
  const limits = [
    ["minimum", (order) => order >= 0, "at least"],
    ["exclusiveMinimum", (order) => order > 0, "more than"],
    ["maximum", (order) => order <= 0, "at most"],
    ["exclusiveMaximum", (order) => order < 0, "less than"],
  ];
  const found = limits
    .filter(([name, holds]) => isNumber(node[name]) && !holds(compare(value, node[name])))
    .map(([name, , words]) => fault(at, `must be ${words} ${node[name]}`));
  if (isNumber(node.multipleOf) && !isMultiple(value, node.multipleOf)) {
    found.push(fault(at, `must be a multiple of ${node.multipleOf}`));
  }
  return found;
}

function ofArray(node, value, at) {
  const found = ofSize(value.length, node.minItems, node.maxItems, "item", at);
  const prefix = node.prefixItems ?? [];
  for (const [index, item] of value.entries()) {
    const schema = index < prefix.length ? prefix[index] : (node.items ?? true);
    found.push(...examine(schema, item, below(at, index)));
  }
  if (node.uniqueItems === true) {
    const again = value.findIndex((item, index) =>
      value.slice(0, index).some((before) => same(before, item)),
    );
    if (again > 0) found.push(fault(below(at, again), "is in the list already"));
  }
  return found;
}

function ofObject(node, value, at) {
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  const found = ofSize(names.length, node.minProperties, node.maxProperties, "entry", at);
  for (const name of node.required ?? []) {
    if (!names.includes(name)) found.push(fault(below(at, name), "needs a value"));
  }
  for (const name of names) found.push(...ofProperty(node, name, value[name], at));
  return found;
}

function ofProperty(node, name, value, at) {
  const here = below(at, name);
  const known = Object.hasOwn(node.properties ?? {}, name) ? [node.properties[name]] : [];
  for (const [pattern, schema] of Object.entries(node.patternProperties ?? {})) {
    if (matches(pattern, name)) known.push(schema);
  }
  if (!known.length) known.push(node.additionalProperties ?? true);
  const found = known.flatMap((schema) => examine(schema, value, here));
  if (node.propertyNames === undefined) return found;
  const naming = examine(node.propertyNames, name, here);
  return [...found, ...naming.map(({ message }) => fault(here, `its name ${message}`))];
}

function ofSize(size, least, most, unit, at) {
  const counted = (count) => (count === 1 ? `1 ${unit}` : `${count} ${plural(unit)}`);
  const found = [];
  if (least !== undefined && size < least) {
    found.push(fault(at, `needs at least ${counted(least)}, not ${size}`));
  }
  if (most !== undefined && size > most) {
    found.push(fault(at, `takes at most ${counted(most)}, not ${size}`));
  }
  return found;
}

function plural(unit) {
  return unit === "entry" ? "entries" : `${unit}s`;
}

function below(at, step) {
  return { ...at, path: [...at.path, step], depth: 0 };
}

function fault({ path }, message) {
  return { path, message };
}

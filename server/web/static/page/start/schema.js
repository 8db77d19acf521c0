// What a JSON Schema (2020-12) asks for, as one of the few kinds that a form can draw: pure.

import { isNumber, isObject, same } from "./exact.js";

const HOPS = 16; // of `$ref` to `$ref`: a schema may refer to itself
const PREFILL_DEPTH = 6;
const LONGEST_LIST = 200; // a longer one is edited as JSON
const BLANKS = { string: "", boolean: false, array: [], object: {} };

/**
 * @typedef {object} Shape what a form needs to know of a schema
 * @property {"text"|"number"|"boolean"|"choice"|"constant"|"list"|"checks"|"tuple"|"object"
 *   |"union"|"json"} kind `json`: anything, or nothing that can be drawn
 * @property {object} schema resolved: without `$ref`, `allOf`, and null among its types
 * @property {boolean} nullable
 * @property {unknown[]} [options] of `choice` and `checks`; the one value of `constant`
 * @property {string[]} [labels] of `options`
 * @property {object[]} [choices] of `union`: schemas
 */

/**
 * @param {object | boolean} schema
 * @param {object} root what its references start from
 * @returns {Shape}
 */
export function shapeOf(schema, root, hops = 0) {
  const node = resolve(schema, root);
  const made = (kind, more = {}) => ({ kind, schema: node, nullable: false, ...more });
  if (hops > HOPS || node.$ref) return made("json");
  if ("const" in node) return made("constant", { options: [node.const] });
  if (Array.isArray(node.enum)) return choiceOf(node, node.enum);
  const branches = (node.anyOf ?? node.oneOf) && !node.properties && flatten(node, root);
  if (branches) return fromBranches(node, branches, root, hops);
  if (Array.isArray(node.type)) return fromTypes(node, root, hops);
  return made(...byType(node, root));
}

/** The schema without its `$ref` and `allOf`; one that leads nowhere keeps its `$ref`. */
export function resolve(schema, root, hops = 0) {
  if (schema === true || schema === undefined || schema === null) return {};
  if (schema === false) return { not: {} };
  let node = schema;
  for (; typeof node.$ref === "string" && hops < HOPS; hops += 1) {
    const { $ref, ...rest } = node;
    const target = lookUp($ref, root);
    if (!isObject(target)) return node;
    node = { ...target, ...rest };
  }
  if (!Array.isArray(node.allOf) || hops >= HOPS) return node;
  const { allOf, ...own } = node;
  return allOf.map((part) => resolve(part, root, hops + 1)).reduceRight(merge, own);
}

/**
 * An input to begin with: defaults where the schema has them; elsewhere the first example or
 * allowed value, or an empty value of the right type, so that a reader sees which fields there are.
 */
export function prefill(schema, root = schema ?? {}, depth = 0) {
  const node = resolve(schema, root);
  const fixed = suggested(node);
  if (fixed) return fixed[0];
  if (node.enum?.length) return node.enum[0];
  const choice = (node.anyOf ?? node.oneOf)?.[0];
  if (choice && depth < PREFILL_DEPTH) return prefill(choice, root, depth + 1);
  if (node.properties && depth < PREFILL_DEPTH) {
    const fields = Object.entries(node.properties);
    return Object.fromEntries(
      fields.map(([name, field]) => [name, prefill(field, root, depth + 1)]),
    );
  }
  const type = Array.isArray(node.type) ? node.type[0] : node.type;
  if (type === "integer" || type === "number") return node.minimum ?? 0;
  return structuredClone(BLANKS[type] ?? (node.properties ? {} : null));
}

/** @returns {unknown[]} of one value that the schema itself names for a beginning, or null */
export function suggested(node) {
  if ("default" in node) return [node.default];
  if ("const" in node) return [node.const];
  return node.examples?.length ? [node.examples[0]] : null;
}

/** Whether the form's own controls can show this value and give it back as it is. */
export function fits(shape, value, root) {
  if (value === null && shape.nullable) return true;
  const { kind, schema, options } = shape;
  if (kind === "text") return typeof value === "string" && !value.includes("\r");
  if (kind === "number") return isNumber(value);
  if (kind === "boolean") return typeof value === "boolean";
  if (kind === "choice" || kind === "constant") return options.some((one) => same(one, value));
  if (kind === "list") return Array.isArray(value) && value.length <= LONGEST_LIST;
  if (kind === "checks") return Array.isArray(value) && inOrder(options, value);
  if (kind === "tuple") return Array.isArray(value) && fillsTuple(schema, value.length);
  if (kind === "object") return isObject(value) && (takesMore(schema) || knowsAll(schema, value));
  return kind === "json" || shape.choices.some((one) => fits(shapeOf(one, root), value, root));
}

/** Whether it may have properties beside those that it names. */
export function takesMore(schema) {
  return schema.additionalProperties !== false || isObject(schema.patternProperties);
}

function byType(node, root) {
  if (node.type === "string") return ["text"];
  if (node.type === "integer" || node.type === "number") return ["number"];
  if (node.type === "boolean") return ["boolean"];
  if (node.type === "null") return ["constant", { options: [null] }];
  if (node.type === "array" || node.prefixItems) return ofArray(node, root);
  if (node.type === "object" || isObject(node.properties)) return ["object"];
  return ["json"];
}

function ofArray(node, root) {
  if (Array.isArray(node.prefixItems)) return ["tuple"];
  const item = shapeOf(node.items, root, HOPS); // one step: what the items are, not what is in them
  if (item.kind !== "choice" || item.nullable) return ["list"];
  return ["checks", { options: item.options, labels: item.labels }];
}

/** Null among the values is an option apart: none. */
function choiceOf(node, values, labels = values.map(labelOf)) {
  const kept = values.map((value, at) => [value, labels[at]]).filter(([value]) => value !== null);
  const [options, names] = [kept.map(([value]) => value), kept.map(([, label]) => label)];
  const nullable = kept.length < values.length;
  if (!options.length) return { kind: "constant", schema: node, nullable: false, options: [null] };
  const kind = options.length > 1 || nullable ? "choice" : "constant";
  return { kind, schema: node, nullable, options, labels: names };
}

function labelOf(value) {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function flatten(node, root, hops = 0) {
  const branches = (node.anyOf ?? node.oneOf).map((branch) => resolve(branch, root));
  return branches.flatMap((branch) =>
    (branch.anyOf ?? branch.oneOf) && !branch.properties && hops < HOPS
      ? flatten(branch, root, hops + 1)
      : [branch],
  );
}

function fromBranches(node, branches, root, hops) {
  const choices = branches.filter(({ type }) => type !== "null");
  const nullable = choices.length < branches.length;
  const { anyOf: _, oneOf: __, ...own } = node;
  if (choices.length === 1) {
    const shape = shapeOf({ ...choices[0], ...own }, root, hops + 1);
    return { ...shape, nullable: nullable || shape.nullable };
  }
  const values = choices.flatMap((one) => ("const" in one ? [one.const] : (one.enum ?? [])));
  if (choices.length && choices.every((one) => "const" in one || Array.isArray(one.enum))) {
    const labels = choices.flatMap((one) =>
      "const" in one ? [one.title ?? labelOf(one.const)] : one.enum.map(labelOf),
    );
    return choiceOf(
      own,
      nullable ? [...values, null] : values,
      nullable ? [...labels, ""] : labels,
    );
  }
  return { kind: choices.length ? "union" : "json", schema: own, nullable, choices };
}

function fromTypes(node, root, hops) {
  const types = node.type.filter((type) => type !== "null");
  const nullable = types.length < node.type.length;
  const { type: _, title: __, description: ___, default: ____, ...rest } = node;
  if (types.length === 1) {
    return { ...shapeOf({ ...node, type: types[0] }, root, hops + 1), nullable };
  }
  const choices = types.map((type) => ({ ...rest, type }));
  return {
    kind: choices.length ? "union" : "constant",
    schema: node,
    nullable,
    choices,
    options: [null],
  };
}

/** Two schemas that both hold, as far as one form can show them. */
function merge(own, part) {
  const both = Object.entries(own.properties ?? {}).map(([name, field]) => [
    name,
    part.properties && Object.hasOwn(part.properties, name)
      ? { allOf: [part.properties[name], field] }
      : field,
  ]);
  const made = { ...part, ...own };
  if (own.properties || part.properties) {
    made.properties = { ...part.properties, ...Object.fromEntries(both) };
  }
  if (own.required || part.required) {
    made.required = [...new Set([...(part.required ?? []), ...(own.required ?? [])])];
  }
  return made;
}

/** A JSON Pointer in the schema itself; nothing is ever fetched. */
function lookUp(reference, root) {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  const parts = reference.slice(2).split("/");
  return parts.reduce((at, part) => {
    const name = unescapePart(part);
    return (isObject(at) || Array.isArray(at)) && Object.hasOwn(at, name) ? at[name] : undefined;
  }, root);
}

/** JSON Pointer's two escapes (RFC 6901), in a URI's fragment. */
function unescapePart(part) {
  const plain = part.replaceAll("~1", "/").replaceAll("~0", "~");
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain; // a lone % is one
  }
}

function inOrder(options, value) {
  let at = -1;
  return value.every((item) => {
    const found = options.findIndex((option) => same(option, item));
    const next = found > at;
    at = found;
    return next;
  });
}

function fillsTuple({ prefixItems, items }, length) {
  return length === prefixItems.length || (length > prefixItems.length && items !== false);
}

function knowsAll(schema, value) {
  return Object.keys(value).every((name) => Object.hasOwn(schema.properties ?? {}, name));
}

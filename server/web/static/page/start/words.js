// A schema's wishes in words, beside the control: pure.

import { isObject } from "./exact.js";
import { shapeOf } from "./schema.js";

const MOST_NAMED = 3; // choices of a union

/** @returns {string} what is wanted, in a few words: `whole number, 1 to 9` */
export function describe(shape, root) {
  const { kind, schema } = shape;
  const range = between(...limits(schema, kind));
  const steps = schema.multipleOf !== undefined ? `in steps of ${schema.multipleOf}` : "";
  return [nameOf(shape, root), range, steps].filter(Boolean).join(", ");
}

/** @returns {string} the kind alone */
export function nameOf(shape, root) {
  const { kind, schema, options } = shape;
  if (kind === "text") return FORMATS[schema.format] ?? "text";
  if (kind === "number") return schema.type === "integer" ? "whole number" : "number";
  if (kind === "boolean") return "yes or no";
  if (kind === "choice") return "one of";
  if (kind === "checks") return "any of";
  if (kind === "constant") return String(options[0]);
  if (kind === "list") return `list of ${nameOf(shapeOf(schema.items, root), root)}`;
  if (kind === "tuple") return "list";
  if (kind === "object")
    return schema.title ?? (schema.properties ? "object" : entriesOf(schema, root));
  if (kind !== "union") return "any JSON";
  const names = shape.choices.map((choice) => choiceName(choice, root));
  return names.length > MOST_NAMED ? "a choice" : names.join(" or ");
}

function entriesOf({ additionalProperties: of }, root) {
  return `entries${isObject(of) ? ` of ${nameOf(shapeOf(of, root), root)}` : ""}`;
}

/** @returns {string} of one choice of a union: its tag, its title or its kind */
export function choiceName(schema, root) {
  const shape = shapeOf(schema, root);
  const fields = Object.values(shape.schema.properties ?? {}).map((field) => shapeOf(field, root));
  const tag = fields.find(({ kind }) => kind === "constant");
  if (tag) return String(tag.options[0]);
  return shape.schema.title ?? (shape.kind === "json" ? "JSON" : nameOf(shape, root));
}

const SIZES = {
  text: ["minLength", "maxLength", "character"],
  list: ["minItems", "maxItems", "item"],
  checks: ["minItems", "maxItems", "choice"],
};
const FORMATS = {
  date: "date",
  "date-time": "date and time",
  time: "time of day",
  uuid: "UUID",
  email: "email address",
  uri: "address",
  duration: "duration",
};

/** @returns {[string, string]} the least and the most, empty where there is no limit */
function limits(schema, kind) {
  if (kind === "number") {
    const { minimum, exclusiveMinimum: over, maximum, exclusiveMaximum: under } = schema;
    return [
      over === undefined ? (minimum ?? "") : `more than ${over}`,
      under === undefined ? (maximum ?? "") : `less than ${under}`,
    ].map(String);
  }
  const [low, high, unit] = SIZES[kind] ?? ["", "", ""];
  const [least, most] = [schema[low] || "", schema[high] ?? ""].map(String);
  if (least && most) return [least, `${most} ${unit}s`];
  return [least, most].map((size) => size && `${size} ${unit}${size === "1" ? "" : "s"}`);
}

function between(low, high) {
  const plain = (text) => /^[-\d]/.test(text);
  if (plain(low) && plain(high)) return `${low} to ${high}`;
  const words = [plain(low) ? `at least ${low}` : low, plain(high) ? `at most ${high}` : high];
  return words.filter(Boolean).join(", ");
}

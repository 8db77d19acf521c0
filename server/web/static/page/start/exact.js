// JSON without loss: numbers that a JavaScript number would change stay the text that they are.
// Pure.

/** What a JavaScript number would change: `9007199254740993`, `-0`, `1.0`, `1e400`. */
export class Exact {
  /** @param {string} text as it stands in JSON */
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }

  /** So that `JSON.stringify` keeps it too, where the browser can (2024 and later). */
  toJSON() {
    return JSON.rawJSON ? JSON.rawJSON(this.text) : Number(this.text);
  }
}

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const LONGEST_EXPONENT = 400; // beyond it a power of ten would take memory instead of an answer

/** @returns {number | Exact} the number that this JSON text is */
export function numberOf(text) {
  const plain = Number(text);
  return writeNumber(plain) === text ? plain : new Exact(text);
}

/**
 * @param {string} text as somebody types a number: `+5`, `.5` and `007` too
 * @returns {number | Exact | null} null for what is no number
 */
export function typedNumber(text) {
  if (JSON_NUMBER.test(text)) return numberOf(text);
  const parts = /^([-+]?)(\d*)(?:\.(\d*))?([eE][+-]?\d+)?$/.exec(text);
  if (!parts || !(parts[2] || parts[3])) return null;
  const [, sign, whole, fraction, exponent = ""] = parts;
  const digits = whole.replace(/^0+(?=\d)/, "") || "0";
  return numberOf(
    `${sign === "-" ? "-" : ""}${digits}${fraction ? `.${fraction}` : ""}${exponent}`,
  );
}

export function isNumber(value) {
  return typeof value === "number" || value instanceof Exact;
}

/** Whether it is an object in the sense of JSON. */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isNumber(value);
}

/** @returns {unknown} the value; throws SyntaxError as `JSON.parse` does */
export function parse(text) {
  const plain = JSON.parse(text);
  const mark = `exact-${Math.random()}`;
  let marked = false;
  const keep = (token) => {
    if (token[0] === '"' || !(numberOf(token) instanceof Exact)) return token;
    marked = true;
    return `{"${mark}":"${token}"}`;
  };
  const replaced = text.replace(TOKENS, keep);
  if (!marked) return plain;
  const revive = (_, value) =>
    isObject(value) && Object.hasOwn(value, mark) ? new Exact(value[mark]) : value;
  return JSON.parse(replaced, revive);
}

/** @returns {string} JSON, on one line or with two spaces for each level */
export function write(value, pretty = false, gap = "\n") {
  if (value instanceof Exact) return value.text;
  if (typeof value === "number") return writeNumber(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${gap}  `;
  const list = Array.isArray(value);
  const colon = pretty ? ": " : ":";
  const parts = list
    ? value.map((item) => write(item ?? null, pretty, inner))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([name, item]) => JSON.stringify(name) + colon + write(item, pretty, inner));
  const [open, close] = list ? "[]" : "{}";
  if (!parts.length || !pretty) return open + parts.join(",") + close;
  return open + inner + parts.join(`,${inner}`) + gap + close;
}

/** Equality as JSON Schema has it: 1 and 1.0 are one number, the order of names does not count. */
export function same(a, b) {
  if (isNumber(a) && isNumber(b)) return compare(a, b) === 0;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, at) => same(item, b[at]));
  }
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
  );
}

/** @returns {number} below, at or above 0, as `a` is to `b` */
export function compare(a, b) {
  const [left, right] = [decimal(a), decimal(b)];
  if (!left || !right) return Number(a) - Number(b);
  const difference = raise(left, right.places) - raise(right, left.places);
  return difference < 0n ? -1 : Number(difference > 0n);
}

export function isInteger(value) {
  const parts = decimal(value);
  return parts ? parts.units % 10n ** BigInt(parts.places) === 0n : Number.isInteger(Number(value));
}

/** In decimal digits: 0.3 is a multiple of 0.1. */
export function isMultiple(value, of) {
  const [left, right] = [decimal(value), decimal(of)];
  if (!left || !right || right.units === 0n) return true;
  return raise(left, right.places) % raise(right, left.places) === 0n;
}

/** @returns {number | Exact} */
export function add(value, step) {
  const [left, right] = [decimal(value), decimal(step)];
  if (!left || !right) return Number(value) + Number(step);
  const places = Math.max(left.places, right.places);
  const sum = raise(left, places - left.places) + raise(right, places - right.places);
  const digits = String(sum < 0n ? -sum : sum).padStart(places + 1, "0");
  const fraction = places ? `.${digits.slice(-places)}`.replace(/\.?0+$/, "") : "";
  const whole = places ? digits.slice(0, -places) : digits;
  return numberOf((sum < 0n ? "-" : "") + whole + fraction);
}

function writeNumber(value) {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The number as `units / 10 ** places`; null where that would be too long. */
function decimal(value) {
  const parts = /^(-?\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(String(value));
  const exponent = Number(parts?.[3] ?? 0);
  if (!parts || Math.abs(exponent) > LONGEST_EXPONENT) return null;
  const [, whole, fraction = ""] = parts;
  const places = fraction.length - exponent;
  const units = BigInt(whole + fraction);
  return places < 0 ? { units: units * 10n ** BigInt(-places), places: 0 } : { units, places };
}

function raise({ units }, places) {
  return units * 10n ** BigInt(places);
}

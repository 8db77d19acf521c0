// Reading what a workflow wrote, where any field may hold anything: short texts, numbers, times.

/** @returns {string} at most `limit` characters of a text; of other JSON its beginning */
export function text(given, limit = 2000) {
  if (typeof given === "string") return given.length > limit ? `${given.slice(0, limit)}…` : given;
  return given === undefined || given === null ? "" : brief(given, limit);
}

/** @returns {string | null} a name or an id: a text that is not empty */
export function name(given) {
  return typeof given === "string" && given !== "" ? text(given, 256) : null;
}

/** @returns {number} 0 for all that is no number from 0 on */
export function amount(given) {
  return Number.isFinite(given) && given > 0 ? given : 0;
}

/** @returns {object} the fields of an object; none for what is none */
export function fields(given) {
  return typeof given === "object" && given !== null && !Array.isArray(given) ? given : {};
}

/**
 * A time of the log, which has microseconds; `Date.parse` drops all below a millisecond.
 *
 * @returns {number | null} milliseconds since 1970
 */
export function moment(time) {
  if (typeof time !== "string") return null;
  const milliseconds = Date.parse(time);
  if (Number.isNaN(milliseconds)) return null;
  const below = /\.\d{3}(\d{1,3})/.exec(time);
  return below ? milliseconds + Number(below[1].padEnd(3, "0")) / 1000 : milliseconds;
}

/**
 * The beginning of any JSON on one line. It reads no more than it writes: the value may be a
 * megabyte, and this is done for each event.
 */
export function brief(value, limit) {
  let written = "";
  const write = (part) => {
    written += part;
    return written.length <= limit;
  };
  walk(value, write, limit, 0);
  return written.length <= limit ? written : `${written.slice(0, limit)}…`;
}

function walk(value, write, limit, depth) {
  if (typeof value === "string") return write(JSON.stringify(value.slice(0, limit)));
  if (typeof value !== "object" || value === null) return write(String(value));
  if (depth > 8) return write("…");
  const listed = Array.isArray(value);
  if (!write(listed ? "[" : "{")) return false;
  let separator = "";
  for (const key in value) {
    if (!write(listed ? separator : `${separator}${key.slice(0, limit)}: `)) return false;
    if (!walk(value[key], write, limit, depth + 1)) return false;
    separator = ", ";
  }
  return write(listed ? "]" : "}");
}

/** @returns {number} about how many characters a value has as JSON; stops counting over `limit` */
export function weight(value, limit, depth = 0) {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 8;
  if (depth > 500) return limit + 1;
  let sum = 2;
  for (const key in value) {
    sum += key.length + 4 + weight(value[key], limit - sum, depth + 1);
    if (sum > limit) break;
  }
  return sum;
}

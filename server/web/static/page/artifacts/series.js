// What of a table can be drawn as lines: pure.

const DATE =
  /^(\d{4})[-/](\d\d)(?:[-/](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?$/;
const MOST_SERIES = 16;
const MOST_GROUPS = 12;
const SPAN = 1e200; // beyond it, differences are no numbers any more

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {[number, number | null][]} points by growing x; null is a hole in the line
 *
 * @typedef {object} Group
 * @property {string} name
 * @property {number} from its first x
 * @property {number} to its last x
 *
 * @typedef {object} Lines
 * @property {Series[]} series
 * @property {string} xLabel
 * @property {boolean} time the x are milliseconds since 1970
 * @property {string[]} names of the x, where they are places in a list
 * @property {Group[]} groups stretches that the lines do not join
 * @property {boolean} ordered the x have an order of their own, so that a line means something
 * @property {string} leftOut what is not drawn, in words
 */

/**
 * The x are the first column of dates, else a first column of growing numbers, else the rows.
 *
 * @param {import("./table.js").Table} table
 * @returns {Lines | null} where no column has numbers to draw, or there is one row only
 */
export function linesOf(table) {
  if (table.rows.length < 2) return null;
  const axis = axisOf(table);
  const all = table.columns.flatMap(({ numeric }, i) => (numeric && i !== axis.column ? [i] : []));
  const drawn = all.slice(0, MOST_SERIES);
  if (drawn.length === 0) return null;
  const parts = partsOf(table, axis, drawn);
  const some = `the first ${MOST_SERIES} of ${all.length} columns`;
  const leftOut = all.length > drawn.length ? some : "";
  return { ...parts, ...axis.told, leftOut };
}

/** @returns {number | null} milliseconds since 1970 of an ISO 8601 date; UTC without a zone */
export function timeIn(cell) {
  const found = DATE.exec(cell.trim());
  if (!found) return null;
  const [, year, month, day = "01", hour = "00", minute = "00", second = "00", part = "", zone] =
    found;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}${part.slice(0, 4)}`;
  const time = Date.parse(iso + (zone ?? "Z").replace(/^([+-]\d\d)(\d\d)$/, "$1:$2"));
  return Number.isNaN(time) ? null : time;
}

/** @returns {number | null} the number where it can be drawn; what is next to nothing is nothing */
export function drawable(number) {
  if (number === null) return null;
  if (typeof number !== "number" || !(Math.abs(number) < SPAN)) return null;
  return Math.abs(number) < 1 / SPAN ? 0 : number;
}

function axisOf({ columns, rows }) {
  const dates = columns.findIndex(
    ({ numeric }, column) => !numeric && rows.every((row) => timeIn(row[column]) !== null),
  );
  if (dates >= 0) {
    const xs = rows.map((row) => timeIn(row[dates]));
    return { column: dates, xs, told: told(columns[dates].name, { time: true, ordered: true }) };
  }
  const kinds = columns.findIndex((_, column) => isKind(columns, rows, column));
  const column = kinds === 0 && columns.length > 2 ? 1 : 0;
  if (columns[column].numeric) return numbersOf({ columns, rows }, column, kinds);
  const xs = rows.map((_, index) => index);
  return { column: 0, xs, told: told(columns[0].name, { names: rows.map((row) => row[0]) }) };
}

/** Numbers that grow with the rows, or with the rows of each kind, are the x of the others. */
function numbersOf({ columns, rows }, column, kinds) {
  const xs = columns[column].numbers.map(drawable);
  const last = new Map();
  const grow = xs.every((x, i) => {
    const kind = kinds < 0 ? "" : rows[i][kinds];
    const before = last.get(kind) ?? -Infinity;
    last.set(kind, x);
    return x !== null && x > before;
  });
  if (grow) return { column, xs, told: told(columns[column].name, { ordered: true }) };
  return { column: -1, xs: rows.map((_, index) => index), told: told("row", { ordered: true }) };
}

function told(xLabel, { time = false, names = [], ordered = false }) {
  return { xLabel, time, names, ordered };
}

/** Rows of a kind, as a column of words says, are stretches of a line, or lines of their own. */
function partsOf(table, axis, drawn) {
  const whole = () => ({ series: drawn.map((i) => oneSeries(table, axis, i)), groups: [] });
  const column = groupColumn(table, axis);
  if (column < 0) return whole();
  const groups = stretches(table, axis, column);
  if (groups) return { ...whole(), groups };
  const kinds = [...new Set(table.rows.map((row) => row[column]))];
  const series = drawn.flatMap((i) => kinds.map((kind) => oneSeries(table, axis, i, column, kind)));
  return { series: series.slice(0, MOST_SERIES), groups: [] };
}

function groupColumn({ columns, rows }, axis) {
  if (axis.told.names.length) return -1;
  return columns.findIndex((_, column) => column !== axis.column && isKind(columns, rows, column));
}

/** A few words that many rows share. */
function isKind(columns, rows, column) {
  if (columns[column].numeric) return false;
  const kinds = new Set();
  for (const row of rows) if (kinds.add(row[column]).size > MOST_GROUPS) return false;
  return kinds.size > 1 && kinds.size * 2 <= rows.length;
}

/** @returns {Group[] | null} where the groups do not lie one after the other */
function stretches({ rows }, { xs }, column) {
  const groups = new Map();
  for (const [index, row] of rows.entries()) {
    const [name, x] = [row[column], xs[index]];
    const group = groups.get(name) ?? { name, from: x, to: x };
    groups.set(name, { name, from: Math.min(group.from, x), to: Math.max(group.to, x) });
  }
  const found = [...groups.values()].sort((a, b) => a.from - b.from);
  return found.every(({ from }, i) => i === 0 || from > found[i - 1].to) ? found : null;
}

function oneSeries({ columns, rows }, { xs }, index, groupedBy = -1, kind = "") {
  const points = [];
  for (const [place, row] of rows.entries()) {
    if (groupedBy >= 0 && row[groupedBy] !== kind) continue;
    points.push([xs[place], drawable(columns[index].numbers[place])]);
  }
  points.sort((a, b) => a[0] - b[0]);
  const name = columns[index].name;
  return { name: groupedBy < 0 ? name : `${name} · ${kind}`, points };
}

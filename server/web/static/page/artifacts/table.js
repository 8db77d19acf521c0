// Rows and columns from CSV and from JSON, and their order: pure.

import { delimiterOf, parseCsv } from "./csv.js";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?$/;
const MEASURED_ROWS = 5000; // enough to know a column's width by
const NARROWEST = 4;
const WIDEST = 40;

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {boolean} numeric every cell that is not empty is a number
 * @property {(number | null)[]} numbers of each row; none where the column is not numeric
 * @property {number} width in characters
 *
 * @typedef {object} Table
 * @property {Column[]} columns
 * @property {string[][]} rows each as long as there are columns
 * @property {number} ragged rows that had more or fewer cells than the header
 */

/**
 * @param {string} text
 * @param {string} [delimiter] found out where it is not given
 * @returns {Table} with the first record as its header
 * @throws {Error} in words, where the text is no table
 */
export function tableOfCsv(text, delimiter = delimiterOf(text)) {
  const { rows, unclosed } = parseCsv(text, delimiter);
  if (unclosed) throw new Error(`the quotes that open on line ${unclosed} are never closed`);
  if (rows.length < 2) throw new Error("it has no rows under its header");
  const header = rows.shift();
  // A hostile file can have one row with all its cells: the others are not made as wide as that.
  const ragged = rows.filter((row) => row.length !== header.length).length;
  const width = rows.reduce((most, row) => Math.max(most, row.length), header.length);
  if (width * rows.length > 5_000_000) throw new Error("its rows have very different lengths");
  const names = Array.from({ length: width }, (_, index) => header[index] || `column ${index + 1}`);
  for (const row of rows) while (row.length < width) row.push("");
  return { ...tableOf(names, rows), ragged };
}

/**
 * @param {unknown} value
 * @returns {Table | null} where it is an array of objects that hold no more than single values
 */
export function tableOfJson(value) {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isFlat)) return null;
  const names = new Set();
  for (const each of value) for (const name of Object.keys(each)) names.add(name);
  if (names.size === 0 || names.size * value.length > 2_000_000) return null;
  const rows = value.map((each) => {
    const cells = new Map(Object.entries(each)); // a lookup by name would find `__proto__`'s own
    return [...names].map((name) => String(cells.get(name) ?? ""));
  });
  return { ...tableOf([...names], rows), ragged: 0 };
}

/**
 * @param {Table} table
 * @param {number} column
 * @param {"ascending" | "descending"} direction
 * @returns {number[]} the rows' places in that order; empty cells come last in both
 */
export function sorted({ columns, rows }, column, direction) {
  const { numeric, numbers } = columns[column];
  const keys = numeric ? numbers : rows.map((row) => (row[column].trim() ? row[column] : null));
  const { compare } = new Intl.Collator("en", { numeric: true });
  const order = numeric ? (a, b) => a - b : compare;
  const sign = direction === "descending" ? -1 : 1;
  return rows
    .map((_, index) => index)
    .sort((a, b) => {
      if (keys[a] === null || keys[b] === null) return (keys[a] === null) - (keys[b] === null);
      return sign * order(keys[a], keys[b]);
    });
}

/** @returns {number | null} of a cell; a percentage is its share of a hundred as it is written */
export function numberIn(cell) {
  const text = cell.trim();
  return NUMBER.test(text) ? Number.parseFloat(text) : null;
}

function tableOf(names, rows) {
  const columns = names.map((name, index) => {
    const numbers = numbersOf(rows, index);
    const width = widthOf(name, rows, index);
    return { name, numeric: numbers.length > 0, numbers, width };
  });
  return { columns, rows };
}

function numbersOf(rows, index) {
  const numbers = [];
  let found = false;
  for (const row of rows) {
    const number = numberIn(row[index]);
    if (number === null && row[index].trim() !== "") return [];
    found ||= number !== null;
    numbers.push(number);
  }
  return found ? numbers : [];
}

function widthOf(name, rows, index) {
  let most = Math.ceil(name.length * 1.1) + 2; // bold, and with the mark of the order beside it
  const count = Math.min(rows.length, MEASURED_ROWS);
  for (let row = 0; row < count; row += 1) most = Math.max(most, rows[row][index].length);
  return Math.min(WIDEST, Math.max(NARROWEST, most));
}

function isFlat(each) {
  if (typeof each !== "object" || each === null || Array.isArray(each)) return false;
  return Object.values(each).every((cell) => typeof cell !== "object" || cell === null);
}

// Comma-separated values as RFC 4180 has them, and what is found in the wild: pure.

/**
 * @typedef {object} Records
 * @property {string[][]} rows every record, the header's included; empty lines are left out
 * @property {number} unclosed the line where a quoted field begins that never ends; 0 if none does
 */

/**
 * A quote that does not begin its field stands for itself. After a closing quote what follows up to
 * the delimiter is kept as it is.
 *
 * @param {string} text
 * @param {string} delimiter one character
 * @returns {Records}
 */
export function parseCsv(text, delimiter = ",") {
  const rows = [];
  let [at, unclosed] = [text.startsWith("\ufeff") ? 1 : 0, 0];
  let row = [];
  while (at < text.length) {
    const [field, end] = text[at] === '"' ? quoted(text, at, delimiter) : bare(text, at, delimiter);
    row.push(field);
    if (end > text.length) unclosed = unclosed || lineOf(text, at);
    at = end;
    if (text[at] === delimiter) {
      at += 1;
      if (at < text.length) continue;
      row.push(""); // a delimiter at the very end has an empty field after it
    }
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  return { rows, unclosed };
}

/** @returns {string} of comma, semicolon and tab the one that the first line has most of */
export function delimiterOf(text) {
  const end = text.search(/[\r\n]/);
  const line = text.slice(0, end < 0 ? 65_536 : end).replace(/"[^"]*"/g, "");
  const counts = [",", ";", "\t"].map((each) => line.split(each).length);
  return [",", ";", "\t"][counts.indexOf(Math.max(...counts))];
}

function bare(text, start, delimiter) {
  let end = start;
  while (end < text.length && !ends(text[end], delimiter)) end += 1;
  return [text.slice(start, end), end];
}

/** An end beyond the text says that the closing quote is missing. */
function quoted(text, start, delimiter) {
  let [at, field] = [start + 1, ""];
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return [field + text.slice(at), text.length + 1];
    field += text.slice(at, quote);
    if (text[quote + 1] !== '"') {
      const [rest, end] = bare(text, quote + 1, delimiter);
      return [field + rest, end];
    }
    field += '"';
    at = quote + 2;
  }
}

function ends(letter, delimiter) {
  return letter === delimiter || letter === "\n" || letter === "\r";
}

function lineOf(text, at) {
  return text.slice(0, at).split(/\r\n|\r|\n/).length;
}

// Which views an artifact has: pure.

import { count } from "../format.js";
import { contentOf } from "./content.js";
import { imageType, kindOf } from "./kinds.js";
import { linesOf } from "./series.js";
import { tableOfCsv, tableOfJson } from "./table.js";
import { turns } from "./visible.js";

/**
 * @typedef {object} View
 * @property {string} label
 * @property {"chart"|"table"|"tree"|"code"|"diff"|"prose"|"image"|"bytes"} shape
 * @property {unknown} given what its viewer draws
 *
 * @typedef {object} Reading
 * @property {import("./content.js").Content} content
 * @property {View[]} views the best one first; at least one
 * @property {string} problem one line about what is wrong or remarkable; "" where nothing is
 */

const READERS = {
  csv: (content) => ofTable(content, () => tableOfCsv(content.text)),
  tsv: (content) => ofTable(content, () => tableOfCsv(content.text, "\t")),
  json: (content) => ofJson(content, JSON.parse(content.text)),
  jsonl: (content) => ofJson(content, lines(content.text)),
  diff: ({ text }) => ({ views: [view("Diff", "diff", text)] }),
  prose: ({ text }) => ({ views: [view("Text", "prose", text), view("Lines", "code", text)] }),
  code: ({ text }) => ({ views: [view("Code", "code", text)] }),
};
const NAMES = { csv: "CSV", tsv: "tab-separated", json: "JSON", jsonl: "JSON Lines" };

/** @returns {Reading} of an artifact event's data */
export function read(data) {
  const content = contentOf(data);
  const kind = kindOf(content.name, content.mediaType);
  if (content.problem) return { content, views: [asText(content)], problem: content.problem };
  return { content, problem: "", ...readerOf(content, kind)(content, kind) };
}

function readerOf({ text }, kind) {
  if (kind === "image" || kind === "svg") return ofImage;
  return text === null ? ofBytes : ofText;
}

function ofText(content, kind) {
  if (content.text === "") return { views: [asText(content)], problem: "It is empty." };
  if (kind === "bytes") return { views: [asText(content)] };
  try {
    const told = READERS[kind](content);
    const problem = told.problem || turning(content.text);
    return { ...told, problem };
  } catch (error) {
    return { views: [asText(content)], problem: `Not ${NAMES[kind]}: ${error.message}` };
  }
}

function ofBytes({ bytes }, kind) {
  const problem = kind === "bytes" ? "" : "It should be text, but its bytes are no UTF-8.";
  return { views: [view("Bytes", "bytes", bytes)], problem };
}

function ofImage({ name, mediaType, text, bytes }, kind) {
  const type = imageType(name, mediaType);
  if (kind === "svg" && text !== null) {
    const given = { bytes: bytes ?? new TextEncoder().encode(text), type, name };
    return { views: [view("Image", "image", given), view("Code", "code", text)] };
  }
  if (bytes === null) {
    return { views: [view("Text", "code", text)], problem: "It should be an image, but is text." };
  }
  const views = [view("Image", "image", { bytes, type, name }), view("Bytes", "bytes", bytes)];
  return { views };
}

/** A line over things without an order would mean nothing: there the table comes first. */
function ofTable(content, find) {
  const table = find();
  const lines_ = linesOf(table);
  const chart = lines_ ? [view("Chart", "chart", lines_)] : [];
  const tables = [view("Table", "table", table)];
  const first = lines_?.ordered ? [...chart, ...tables] : [...tables, ...chart];
  return { views: [...first, asText(content)], problem: raggedness(table) };
}

function ofJson(content, value) {
  const tree = view("Tree", "tree", value);
  const table = tableOfJson(value);
  if (!table) return { views: [tree, asText(content)] };
  const { views } = ofTable(content, () => table);
  return { views: [...views.slice(0, -1), tree, asText(content)] };
}

function raggedness({ ragged }) {
  if (ragged === 0) return "";
  const rows = ragged === 1 ? "1 row has" : `${count(ragged)} rows have`;
  return `${rows} more or fewer cells than the header.`;
}

function lines(text) {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      return [JSON.parse(line)];
    } catch (error) {
      throw new Error(`line ${index + 1}: ${error.message}`, { cause: error });
    }
  });
}

function turning(text) {
  if (!turns(text)) return "";
  return "Characters in this text turn its direction: what is shown may not be the order it has.";
}

function asText({ text }) {
  return view("Text", "code", text);
}

function view(label, shape, given) {
  return { label, shape, given };
}

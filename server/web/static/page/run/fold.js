// A value behind its beginning: drawn when it is opened, it may be a megabyte.

import { element } from "../dom.js";
import { plain } from "../format.js";

/**
 * @param {string} label
 * @param {unknown} value any JSON
 * @param {string} [short] of it, on the line
 * @returns {HTMLDetailsElement}
 */
export function fold(label, value, short = "") {
  const line = element("summary", "", element("strong", "", label), element("code", "", short));
  const details = element("details", "fold", line);
  const open = async () => details.append(await nodeOf(value));
  details.addEventListener("toggle", open, { once: true });
  return details;
}

async function nodeOf(value) {
  if (typeof value === "string") return element("pre", "", value);
  if (isRecordOfTexts(value)) return record(value);
  try {
    const { jsonTree } = await import("../artifacts/artifact.js");
    return jsonTree(value);
  } catch {
    return element("pre", "", plain(value)); // without that part of the page it is still readable
  }
}

/** What the server knows of a crash: its signal, and what was written last. */
function isRecordOfTexts(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const values = Object.values(value);
  const texts = values.every((each) => typeof each === "string" || typeof each === "number");
  return texts && values.some((each) => String(each).includes("\n"));
}

function record(value) {
  const list = element("dl");
  for (const [name, text] of Object.entries(value)) {
    list.append(element("dt", "", name), element("dd", "", element("pre", "", String(text))));
  }
  return list;
}

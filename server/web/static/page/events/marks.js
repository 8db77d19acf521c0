// Marks what was searched for, in text nodes that are in a row already.

import { element } from "../dom.js";
import { snippet } from "./match.js";

const MOST = 200; // marks in one row

/** @param {Element} root @param {RegExp} find global @returns {number} how many there are */
export function mark(root, find) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  let marks = 0;
  for (const text of texts) {
    if (marks < MOST) marks += markText(text, find, MOST - marks);
  }
  return marks;
}

/** Where the match is in what is folded or cut: a line with what stands around it. */
export function foundLine(find, haystack) {
  const line = element("div", "found", snippet(find, haystack));
  return mark(line, find) > 0 ? line : null;
}

function markText(node, find, most) {
  const text = node.data;
  const pieces = [];
  let end = 0;
  for (const found of text.matchAll(find)) {
    if (pieces.length >= 2 * most) break;
    pieces.push(text.slice(end, found.index), element("mark", "", found[0]));
    end = found.index + found[0].length;
  }
  if (pieces.length > 0) node.replaceWith(...pieces, text.slice(end));
  return pieces.length / 2;
}

// Images, and bytes that nothing else can show.

import { element } from "../dom.js";
import { count, size } from "../format.js";
import { hexOf, toBase64 } from "./content.js";
import { pictureSize } from "./picture.js";

/**
 * SVG too is drawn by <img> alone: there a browser runs no script of it and loads nothing for it.
 *
 * @returns {HTMLElement}
 */
export function imageView({ bytes, type, name }) {
  const view = element("div", "image");
  const image = element("img");
  image.alt = name;
  image.decoding = "async";
  const known = pictureSize(bytes, type);
  if (known) [image.width, image.height] = [known.width, known.height];
  else view.classList.add("unknown");
  const words = element("span", "soft", known ? inWords(known) : "");
  image.addEventListener("load", () => {
    if (type === "image/svg+xml") return; // it has no pixels
    words.textContent = inWords({ width: image.naturalWidth, height: image.naturalHeight });
  });
  image.addEventListener("error", () => {
    image.hidden = true;
    view.classList.add("broken");
    words.className = "problem";
    words.textContent = `These ${size(bytes.length)} are no image that this browser can read.`;
  });
  image.src = `data:${type};base64,${toBase64(bytes)}`;
  view.append(image, words);
  return view;
}

/** @returns {HTMLElement} */
export function bytesView(bytes) {
  const first = Math.min(256, bytes.length);
  const some = `The first ${first} of ${count(bytes.length)} bytes`;
  const told = bytes.length > first ? some : "All bytes";
  const dump = element("pre", "", hexOf(bytes));
  dump.tabIndex = 0;
  dump.setAttribute("role", "group");
  dump.setAttribute("aria-label", told);
  return element("div", "bytes", element("p", "soft", told), dump);
}

function inWords({ width, height }) {
  return `${count(width)} × ${count(height)} pixels`;
}

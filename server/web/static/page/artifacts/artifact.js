// What an artifact's event brought, as something to look at.

import { element, svg } from "../dom.js";
import { plain } from "../format.js";

/** @returns {HTMLElement} for the data of an `artifact` event */
export function artifact({ name, media_type: mediaType, text, base64 }) {
  const content = element("pre", "", plain(text ?? base64));
  const card = element("details", "artifact", element("summary", "", `${plain(name)} `));
  card.firstChild.append(element("span", "soft", plain(mediaType)));
  card.append(content);
  return card;
}

/** @returns {HTMLElement} for any JSON */
export function jsonTree(value) {
  return element("pre", "tree", plain(value));
}

/** @returns {Element} for `{series: [{name, points: [[x, y]…]}], xLabel}` */
export function lineChart({ series }) {
  const names = series.map(({ name }) => name).join(", ");
  return svg("svg", { role: "img", "aria-label": `Lines: ${names}` });
}

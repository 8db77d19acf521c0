// What stands around the lines of a chart: grid, ticks, and the names of its stretches.

import { svg } from "../dom.js";
import { visible } from "./visible.js";

/**
 * @param {import("./plot.js").Plot} plot
 * @returns {SVGElement[]}
 */
export function axes({ area, xTicks, yTicks, groups }) {
  const { left, right, top, bottom } = area;
  const grid = yTicks.flatMap(({ at, label }) => [
    svg("path", { class: "grid", d: `M${left} ${at.toFixed(1)}H${right}` }),
    words(left - 8, at + 4, "end", label),
  ]);
  const along = xTicks.flatMap(({ at, label }) => [
    svg("path", { class: "tick", d: `M${at.toFixed(1)} ${bottom}v4` }),
    words(within(at, label, area), bottom + 17, "middle", label),
  ]);
  const base = svg("path", { class: "base", d: `M${left} ${bottom}H${right}` });
  const stretches = groups.flatMap((group, index) => {
    const next = groups[index + 1];
    const middle = (group.left + group.right) / 2;
    const named = fitting(group.name, (group.right - group.left) / 7.3);
    const name = words(middle, top - 10, "middle", named);
    name.classList.add("group");
    if (!next) return [name];
    const border = ((group.right + next.left) / 2).toFixed(1);
    return [name, svg("path", { class: "border", d: `M${border} ${top - 22}V${bottom}` })];
  });
  return [...grid, base, ...along, ...stretches];
}

function words(x, y, anchor, text) {
  return svg("text", { x, y, "text-anchor": anchor }, visible(text));
}

/** A label at the edge moves inside rather than being cut. */
function within(at, label, { right }) {
  return Math.min(at, right + 12 - (label.length * 6.7) / 2);
}

/** The whole name, else its first word, else what of it there is room for. */
function fitting(name, letters) {
  const found = [name, name.split(" ")[0]].find(({ length }) => length <= letters);
  return found ?? `${name.slice(0, Math.max(1, Math.floor(letters) - 1))}…`;
}

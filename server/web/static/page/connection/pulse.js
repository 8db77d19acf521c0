// The ring beside the age of the last sign of life: full, the connection is taken for dead.

import { svg } from "../dom.js";

const ALL = 100; // the ring's length, by `pathLength`

/** @returns {{node: SVGElement, show: (pulse: {share: number, level: string}) => void}} */
export function ring() {
  const circle = { cx: 8, cy: 8, r: 6, fill: "none", "stroke-width": 2.5, pathLength: ALL };
  const arc = svg("circle", {
    ...circle,
    class: "arc",
    transform: "rotate(-90 8 8)",
    "stroke-dasharray": ALL,
    "stroke-dashoffset": ALL,
  });
  const box = { class: "ring", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" };
  const node = svg("svg", box, svg("circle", { ...circle, class: "track" }), arc);
  return {
    node,
    show({ share, level }) {
      const offset = String(Math.round(ALL * (1 - share) * 10) / 10);
      if (arc.getAttribute("stroke-dashoffset") !== offset) {
        arc.setAttribute("stroke-dashoffset", offset);
      }
      if (node.dataset.level !== level) node.dataset.level = level;
    },
  };
}

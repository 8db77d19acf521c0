// Words to read, as they are: no markup is read out of them.

import { button, element } from "../dom.js";
import { count } from "../format.js";
import { blocks } from "./visible.js";

const AT_ONCE = 16; // blocks; the others come when they are asked for

/** @returns {HTMLElement} */
export function proseView(text, name) {
  const view = element("div", "prose");
  view.tabIndex = 0;
  view.setAttribute("role", "group");
  view.setAttribute("aria-label", name);
  grow(view, blocks(text));
  return view;
}

function grow(view, left) {
  view.append(...left.splice(0, AT_ONCE).map((block) => element("p", "", block)));
  if (left.length === 0) return;
  const letters = left.reduce((sum, block) => sum + block.length, 0);
  const more = button(`Show more: ${count(letters)} characters are left`, "more", () => {
    more.remove();
    grow(view, left);
  });
  view.append(more);
}

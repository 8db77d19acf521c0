// What keys, the wheel and clicks do in the list.

const KEYS = {
  j: (pane) => pane.move(1),
  n: (pane) => pane.move(1),
  ArrowDown: (pane) => pane.move(1),
  k: (pane) => pane.move(-1),
  N: (pane) => pane.move(-1),
  ArrowUp: (pane) => pane.move(-1),
  Enter: (pane) => pane.toggle(pane.current, "open"),
  r: (pane) => pane.toggle(pane.current, "raw"),
  "/": (pane) => pane.search(),
  End: (pane) => pane.toEnd(),
};
const WITHIN = "artifact-card, .opened, .raw"; // what a row holds that is used by itself

/** @param {import("./pane.js").Pane} pane */
export function listen(pane) {
  const { scroller, feed } = pane;
  scroller.addEventListener("keydown", (key) => press(pane, key));
  scroller.addEventListener("wheel", ({ deltaY }) => deltaY < 0 && pane.leave(), { passive: true });
  feed.addEventListener("click", (click) => clicked(pane, click));
  for (const name of ["pointerdown", "keydown"]) {
    feed.addEventListener(name, ({ target }) => target.closest(WITHIN) && pane.leave());
  }
}

/** Where the focus is on the list or a row; a key in what a row holds is for that. */
function press(pane, key) {
  if (key.target !== pane.scroller && !key.target.matches(".feed > article")) return;
  if (key.ctrlKey || key.metaKey || key.altKey || !Object.hasOwn(KEYS, key.key)) return;
  key.preventDefault();
  key.stopPropagation();
  KEYS[key.key](pane);
}

function clicked(pane, { target }) {
  const node = target.closest(".feed > article[data-offset]");
  const row = node && pane.source.rows.at(Number(node.dataset.last));
  if (!row) return;
  pane.select(row.key);
  if (target.closest(".raw-button")) pane.toggle(row, "raw");
  else if (target.closest(".rest")) pane.toggle(row, "all");
  else if (target.closest(".fold") || unfolds(target)) pane.toggle(row, "open");
}

/** A click on the line unfolds it too, unless it ends the selection of a text. */
function unfolds(target) {
  if (target.closest(`button, ${WITHIN}`) || !getSelection().isCollapsed) return false;
  return target.closest(".line.folds") !== null;
}

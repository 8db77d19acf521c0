// What a reader does with pointer, wheel and keys, as changes of what is seen.

const SLOP = 4; // pixels that a click may move
const STEP = 0.15; // of what is seen, for an arrow key
const FACTOR = 1.5;
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * Dragging the plot pans it, two fingers or ctrl and the wheel zoom it.
 *
 * @param {HTMLElement} plot
 * @param {{pan(pixels: number): void, zoom(factor: number, x: number): void,
 *   fit(node: Element | null): void, scroll(pixels: number): void,
 *   hover(x: number | null): void}} act `x` in pixels from the left
 */
export function listenToPlot(plot, act) {
  const fingers = new Map(); // pointer → its last place
  let moved = 0;
  const place = ({ clientX, clientY }) => {
    const { left } = plot.getBoundingClientRect();
    return { x: clientX - left, y: clientY };
  };
  plot.addEventListener("pointerdown", (press) => {
    if (press.button !== 0) return;
    if (fingers.size === 0) moved = 0;
    fingers.set(press.pointerId, place(press));
  });
  plot.addEventListener("pointermove", (move) => {
    act.hover(place(move).x);
    const before = fingers.get(move.pointerId);
    if (!before) return;
    const now = place(move);
    moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (moved < SLOP) return;
    if (!plot.hasPointerCapture(move.pointerId)) plot.setPointerCapture(move.pointerId);
    if (fingers.size === 2) pinch(fingers, move.pointerId, now, act);
    else drag(before, now, move, act);
    fingers.set(move.pointerId, now);
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    plot.addEventListener(name, ({ pointerId }) => fingers.delete(pointerId));
  }
  plot.addEventListener("pointerleave", () => act.hover(null));
  // A drag ends in a click on what is under it, which nobody meant.
  plot.addEventListener("click", (click) => moved >= SLOP && swallow(click), { capture: true });
  plot.addEventListener("dblclick", ({ target }) => act.fit(target.closest("button")));
  plot.addEventListener("wheel", (turn) => wheel(turn, place(turn).x, act), { passive: false });
}

function drag(before, now, { pointerType }, act) {
  act.pan(before.x - now.x);
  if (pointerType === "mouse") act.scroll(before.y - now.y); // a finger scrolls by itself
}

function pinch(fingers, moving, now, act) {
  const [, other] = [...fingers].find(([id]) => id !== moving);
  const before = fingers.get(moving);
  const [was, is] = [Math.abs(before.x - other.x), Math.abs(now.x - other.x)];
  act.zoom(Math.max(is, 10) / Math.max(was, 10), (now.x + other.x) / 2);
}

function wheel(turn, x, act) {
  if (turn.ctrlKey || turn.metaKey) act.zoom(Math.exp(-turn.deltaY * unit(turn) * 0.01), x);
  else if (turn.shiftKey || Math.abs(turn.deltaX) > Math.abs(turn.deltaY)) {
    act.pan((turn.deltaX || turn.deltaY) * unit(turn));
  } else return; // the lanes or the page scroll
  turn.preventDefault();
}

function unit({ deltaMode }) {
  return deltaMode === 1 ? 16 : 1;
}

function swallow(click) {
  if (click.detail === 0) return; // by the keyboard
  click.stopPropagation();
  click.preventDefault();
}

/**
 * Dragging along the axis chooses a part of it.
 *
 * @param {HTMLElement} axis
 * @param {(from: number, to: number, done: boolean) => void} choose in pixels; null, null: given up
 */
export function listenToAxis(axis, choose) {
  let from = null;
  const x = ({ clientX }) => clientX - axis.getBoundingClientRect().left;
  axis.addEventListener("pointerdown", (press) => {
    if (press.button !== 0) return;
    from = x(press);
    axis.setPointerCapture(press.pointerId);
  });
  axis.addEventListener("pointermove", (move) => from !== null && choose(from, x(move), false));
  axis.addEventListener("pointerup", (release) => {
    if (from === null) return;
    const to = x(release);
    if (Math.abs(to - from) >= SLOP) choose(from, to, true);
    else choose(null, null, true);
    from = null;
  });
  axis.addEventListener("pointercancel", () => {
    from = null;
    choose(null, null, true);
  });
}

/**
 * @param {KeyboardEvent} press
 * @param {boolean} inside whether a bar has the focus: then arrows go from one to the next
 * @param {{pan(share: number): void, zoom(factor: number): void, fit(): void,
 *   scroll(rows: number): void, go(by: number, rows: number): void, end(last: boolean): void,
 *   leave(): void}} act
 * @returns {boolean} whether it meant something
 */
export function obey({ key, shiftKey, ctrlKey, metaKey, altKey }, inside, act) {
  if (ctrlKey || metaKey || altKey) return false;
  const arrow = ARROWS[key];
  if (arrow && inside && !shiftKey) act.go(...arrow);
  else if (arrow?.[0]) act.pan(arrow[0] * STEP);
  else if (arrow) act.scroll(arrow[1]);
  else if (key === "+" || key === "=") act.zoom(FACTOR);
  else if (key === "-" || key === "_") act.zoom(1 / FACTOR);
  else if (key === "0") act.fit();
  else if (inside && (key === "Home" || key === "End")) act.end(key === "End");
  else if (inside && key === "Escape") act.leave();
  else return false;
  return true;
}

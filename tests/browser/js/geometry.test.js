import { heightOf, Room, slice, sliceBefore, total } from "/static/page/events/geometry.js";
import { equal, rule } from "./harness.js";

const row = (height) => ({ text: "", view: { height } });
const rows = [10, 20, 30, 40, 50].map(row);

rule("the rows that a stretch covers are drawn, and the others are room above and below", () => {
  equal(slice(rows, 15, 55), { start: 1, end: 3, above: 10, below: 90 });
  equal(slice(rows, 0, 1000), { start: 0, end: 5, above: 0, below: 0 });
  equal(slice([], 0, 100), { start: 0, end: 0, above: 0, below: 0 });
});

rule("a stretch beside all rows still draws the nearest one", () => {
  equal(slice(rows, -100, -50), { start: 0, end: 1, above: 0, below: 140 });
  equal(slice(rows, 900, 1000), { start: 4, end: 5, above: 100, below: 0 });
});

rule("drawn rows and room together are always the whole", () => {
  for (let top = -20; top < 200; top += 7) {
    const { start, end, above, below } = slice(rows, top, top + 33);
    equal(above + total(rows, 100, start, end) + below, 150);
  }
});

rule("a reader at the end gets the last rows", () => {
  equal([sliceBefore(rows, 5, 60), sliceBefore(rows, 5, 1000)], [3, 0]);
});

rule("a row that was never drawn has a guess, a long text a higher one", () => {
  const long = { text: "x".repeat(1000), view: {} };
  equal(heightOf(long) > 2 * heightOf({ text: "", view: {} }), true);
});

rule("the room of what is not loaded tells where in the log one is", () => {
  const room = new Room();
  room.learn(3000, 100);
  const history = { first: 1, last: 1000, lo: 401, hi: 500 };
  equal(room.around(history), { before: 12_000, after: 15_000 });
  equal([room.offsetBefore(0, history), room.offsetBefore(6000, history)], [1, 201]);
  equal([room.offsetBefore(99_999, history), room.offsetAfter(0, history)], [400, 501]);
  equal(room.offsetAfter(99_999, history), 1000);
});

rule("ten million events have a height that browsers can draw", () => {
  const room = new Room();
  room.learn(30_000, 1000);
  const history = { first: 1, last: 10_000_000, lo: 9_999_001, hi: 10_000_000 };
  const { before, after } = room.around(history);
  equal([before < 6_000_001, after], [true, 0]);
  equal(Math.abs(room.offsetBefore(before / 2, history) - 5_000_000) < 1000, true);
});

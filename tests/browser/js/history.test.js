import { History } from "/static/page/events/history.js";
import { cost, HEAVY, slim } from "/static/page/events/weight.js";
import { equal, rule } from "./harness.js";

const event = (offset, type = "tick", data = { i: offset }) => ({ offset, type, data });

function range(from, to) {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => event(from + at));
}

const page = (from, to) => ({ from, to, events: range(from, to) });
const offsets = ({ events }) => events.map(({ offset }) => offset);
const ends = ({ lo, hi, last }) => [lo, hi, last];
const COST = cost(event(1)); // of each of these events
const LIMITS = { cost: 50 * COST, tail: 20 };

function opened(last, from, to = last, accepts) {
  const made = new History({ first: 1, last }, accepts, LIMITS);
  made.replace(page(from, to));
  return made;
}

function shown({ lo, hi, events }) {
  equal(offsets({ events }), offsets({ events: range(lo, hi) }));
}

rule("live events continue a window at the end", () => {
  const made = opened(10, 6);
  equal(made.receive(range(11, 12), true).length, 2);
  equal([ends(made), offsets(made)], [[6, 12, 12], [6, 7, 8, 9, 10, 11, 12]]);
});

rule("an event that comes twice is there once, from a page or live", () => {
  const made = opened(10, 6);
  made.receive(range(9, 11), true);
  made.receive(range(11, 11), true);
  equal(made.forward(page(8, 13)), true);
  equal(made.receive(range(12, 14), true).length, 1);
  shown(made);
  equal(ends(made), [6, 14, 14]);
});

rule("events that came live while the first page was on its way follow it without a fetch", () => {
  const made = new History({ first: 1, last: 10 }, () => true, LIMITS);
  made.receive(range(11, 15), true);
  made.replace(page(4, 12));
  equal(ends(made), [4, 15, 15]);
  shown(made);
});

rule("a live event beyond a gap does not come into the window before the gap is filled", () => {
  const made = opened(10, 6);
  made.receive(range(14, 15), true);
  equal([ends(made), made.atEnd], [[6, 10, 15], false]);
  made.forward(page(11, 13));
  equal([ends(made), made.atEnd], [[6, 15, 15], true]);
  shown(made);
});

rule("for a reader who is elsewhere, live events move the end of the log and cost nothing", () => {
  const made = opened(100, 1, 45);
  equal(made.receive(range(101, 103), false).length, 3);
  equal(ends(made), [1, 45, 103]);
});

rule("a reader just above the end gets live events while there is room, then none", () => {
  const made = opened(10, 6);
  for (let at = 11; at < 200; at += 1) made.receive(range(at, at), false);
  equal([made.lo, made.hi <= 56, made.last], [6, true, 199]);
  shown(made);
});

rule("the window is bounded: what is farthest from the reader goes", () => {
  const made = opened(40, 1);
  for (let at = 41; at < 400; at += 1) made.receive(range(at, at), true);
  equal([made.hi, made.events.length <= 50], [399, true]);
  shown(made);
  while (made.lo > 300) made.back(page(made.lo - 10, made.lo - 1));
  equal(made.hi < 399, true);
  shown(made);
});

rule("a page that does not touch the window is refused", () => {
  const made = opened(100, 50, 60);
  equal([made.back(page(30, 48)), made.forward(page(62, 70))], [false, false]);
  equal(ends(made), [50, 60, 100]);
  equal([made.back(page(30, 49)), made.forward(page(61, 70))], [true, true]);
  equal(ends(made), [30, 70, 100]);
});

rule("a page backwards that reaches into the window doubles nothing", () => {
  const made = opened(100, 50, 60);
  made.back(page(40, 55));
  shown(made);
});

rule("what a filter leaves out is looked through all the same", () => {
  const even = ({ offset }) => offset % 2 === 0;
  const made = opened(10, 11, 10, even);
  made.back({ from: 5, to: 10, events: range(5, 10).filter(even) });
  made.receive(range(11, 13), true);
  equal([ends(made), offsets(made)], [[5, 13, 13], [6, 8, 10, 12]]);
});

rule("what no row shows may go, and comes back with no page", () => {
  const made = opened(10, 1);
  made.retain(({ offset }) => offset > 8);
  equal([ends(made), offsets(made)], [[1, 10, 10], [9, 10]]);
});

rule("an empty log takes its first event live", () => {
  const made = new History({ first: 1, last: 0 }, () => true, LIMITS);
  made.replace(page(1, 0));
  made.receive(range(1, 3), true);
  equal([ends(made), made.atEnd, made.atStart], [[1, 3, 3], true, true]);
});

rule("a burst larger than the window leaves its end", () => {
  const made = opened(10, 1);
  made.receive(range(11, 500), true);
  equal([made.hi, made.events.length <= 50], [500, true]);
  shown(made);
});

rule("heavy events are held clipped, so that the window is never shorter than a screen", () => {
  const text = "x".repeat(1_000_000);
  const heavy = event(1, "artifact", { text, name: "a.txt", media_type: "text/plain" });
  const light = slim(heavy);
  equal([light.data.name, light.data.media_type], ["a.txt", "text/plain"]);
  equal([light.trimmed > 1_000_000, cost(light) < HEAVY, slim(light) === light], [true, true, true]);
  equal(heavy.data.text.length, 1_000_000);
  const made = new History({ first: 1, last: 0 });
  made.replace(page(1, 0));
  for (let at = 1; at < 3000; at += 1) made.receive([event(at, "artifact", heavy.data)], true);
  equal(made.events.length > 400, true);
});

rule("a message of thousands of pieces fits in: it is one row", () => {
  const made = new History({ first: 1, last: 0 });
  made.replace(page(1, 0));
  const delta = ({ offset }) => event(offset, "agent_delta", { text: "word " });
  made.receive(range(1, 20_000).map(delta), true);
  equal([made.lo, made.hi], [1, 20_000]);
});

rule("whatever comes in whatever order: each offset once, in order, all bounds kept", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = randomOf(seed);
    const log = { last: random(120) };
    let heard = random(log.last + 1); // the live stream lags behind the log
    const made = new History({ first: 1, last: heard }, () => true, LIMITS);
    let newest = heard;
    for (let step = 0; step < 120; step += 1) {
      act(made, log, random, () => {
        const to = Math.min(log.last, heard + random(8));
        const from = Math.max(1, heard + 1 - random(4)); // a reconnect repeats some
        heard = to;
        return range(from, to);
      });
      newest = Math.max(newest, made.hi);
      shown(made);
      if (made.events.length > 50) throw new Error(`${made.events.length} events`);
      if (made.last > log.last) throw new Error("the log's end is invented");
      if (made.last < newest) throw new Error("the log's end moved back");
    }
    for (let tries = 0; made.loaded && made.hi < log.last; tries += 1) {
      if (tries > 500) throw new Error("the end is never reached");
      made.forward(page(made.hi + 1, Math.min(log.last, made.hi + 7)));
      shown(made);
    }
  }
});

function act(made, log, random, hear) {
  const from = 1 + random(log.last + 1);
  const to = Math.min(log.last, from + random(30) - 1);
  const choices = [
    () => (log.last += random(10)),
    () => made.receive(hear(), random(2) === 0),
    () => made.receive(hear(), true),
    () => made.replace(page(from, Math.max(from - 1, to))),
    () => made.back(page(Math.max(1, made.lo - random(30)), made.lo - 1 + random(5))),
    () => made.forward(page(made.hi + 1 - random(5), Math.min(log.last, made.hi + random(30)))),
    () => made.back(page(from, Math.max(from - 1, to))),
    () => made.forward(page(from, Math.max(from - 1, to))),
  ];
  choices[random(choices.length)]();
}

function randomOf(seed) {
  let state = seed * 2654435761;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * Math.max(1, below));
  };
}

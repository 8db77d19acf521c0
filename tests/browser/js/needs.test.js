import { need, within } from "/static/page/events/needs.js";
import { equal, rule } from "./harness.js";

const log = { first: 1, last: 10_000 };
const window_ = (lo, hi, roomy = false) => ({
  ...log,
  roomy,
  loaded: true,
  lo,
  hi,
  atStart: lo <= log.first,
  atEnd: hi >= log.last,
});
const amid = { above: 5000, below: 5000, height: 800 };
const reader = (more) => ({ following: false, place: null, steady: true, edges: amid, ...more });
const kind = (history, more) => need(history, reader(more))?.kind ?? null;

rule("what is not loaded begins at the end, or where the reader wants to go", () => {
  equal(kind({ ...log, loaded: false }), "end");
  equal(need({ ...log, loaded: false }, reader({ place: 70 })), { kind: "around", offset: 70 });
  equal(need(window_(1, 900), reader({ place: 99_999 })), { kind: "around", offset: 10_000 });
  equal(within(0, log), 1);
});

rule("a reader amid what is loaded needs nothing; one near its edge needs what follows", () => {
  equal(kind(window_(4000, 6000)), null);
  equal(kind(window_(4000, 6000), { edges: { ...amid, above: 300 } }), "back");
  equal(kind(window_(4000, 6000), { edges: { ...amid, below: 300 } }), "forward");
  equal(kind(window_(4000, 6000), { edges: { ...amid, below: -300 } }), "forward");
});

rule("at the log's ends there is nothing to fetch", () => {
  equal(kind(window_(1, 6000), { edges: { ...amid, above: 0 } }), null);
  equal(kind(window_(4000, 10_000), { edges: { ...amid, below: 0 } }), null);
});

rule("a place where nothing is loaded is fetched when the reader stays there", () => {
  const edges = { above: -5000, below: 9000, height: 800 };
  equal(kind(window_(4000, 6000), { edges }), "far");
  equal(kind(window_(4000, 6000), { edges, steady: false }), null);
  equal(kind(window_(4000, 6000), { edges: { ...edges, above: 9000, below: -5000 } }), "far");
});

rule("a full window of few rows stays: to load at an end would evict what is seen at the other", () => {
  const edges = { above: 100, below: 100, height: 800 };
  equal(kind(window_(4000, 6000), { edges }), null);
  equal(kind(window_(4000, 6000, true), { edges }), "forward");
  const following = true;
  equal(kind(window_(4000, 10_000), { edges, following }), null);
  equal(kind(window_(4000, 10_000, true), { edges, following }), "back");
  equal(kind(window_(4000, 9999), { edges, following }), "forward");
});

rule("who follows comes to the end: event by event, or with a jump", () => {
  equal(kind(window_(4000, 9900), { following: true }), "forward");
  equal(kind(window_(4000, 6000), { following: true }), "end");
  equal(kind(window_(9000, 10_000), { following: true }), null);
});

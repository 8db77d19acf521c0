import { Outline } from "/static/page/run/outline.js";
import { Lanes, Rows } from "/static/page/timeline/lanes.js";
import { activity, connectors, merged, plan } from "/static/page/timeline/plan.js";
import { View, tickLabel, tickStep, ticks } from "/static/page/timeline/scale.js";
import { lasting, leftOut, spoken, story, summary } from "/static/page/timeline/words.js";
import { equal, rule } from "./harness.js";

const DAY = Date.parse("2026-11-22T22:00:00.000Z");

/** A run of [seconds, type, agent, span, data]. */
function runOf(...lines) {
  const outline = new Outline();
  const add = (seconds, type, agent, span, data = {}) => {
    const time = new Date(DAY + seconds * 1000).toISOString();
    outline.add({ offset: outline.last + 1, time, type, run: "r1", agent, span, data });
  };
  add(0, "run_start", undefined, undefined, { workflow: "w" });
  for (const line of lines) add(...line);
  const run = outline.run("r1");
  run.more = (...more) => more.forEach((line) => add(...line));
  return run;
}

const begin = (seconds, agent, span, parent) => [
  seconds, "agent_start", agent, span, parent ? { parent, task: `task of ${span}` } : {},
];
const end = (seconds, span) => [seconds, "agent_complete", "", span];
const SIGHT = { from: 0, to: 10_000, width: 1000, first: 0, last: 99, now: 10_000 };
const planned = (run, sight = {}) => plan(new Rows(run), run, { ...SIGHT, ...sight });
const shapes = (items) => items.map(({ key, row, x, width }) => [key, row, x, Math.round(width)]);
const names = (rows) => rows.order.map((_, index) => rows.lane(index + 1).agent);

rule("an agent's blocks one after another stand in one lane, those at one time in several", () => {
  const lanes = new Lanes();
  const [a, b] = [lanes.take("A", null), lanes.take("A", null)];
  lanes.release(a);
  equal([a, b, lanes.take("A", null), lanes.take("B", null)], [0, 1, 0, 2]);
});

rule("of several free lanes the first is taken", () => {
  const lanes = new Lanes();
  const taken = [0, 0, 0].map(() => lanes.take("A", null));
  for (const lane of taken.reverse()) lanes.release(lane);
  equal([lanes.take("A", null), lanes.take("A", null)], [0, 1]);
});

rule("an agent inside another has a lane of its own there", () => {
  const lanes = new Lanes();
  const outer = lanes.take("A", null);
  equal([lanes.take("A", outer), lanes.all[1].depth, lanes.all[1].parent], [1, 1, 0]);
});

rule("while a run is watched no lane moves; tidied, each stands under its parent", () => {
  const run = runOf(begin(1, "A", "a"), begin(1, "B", "b"));
  const rows = new Rows(run);
  run.more(begin(2, "A1", "a1", "a"), begin(2, "B1", "b1", "b"));
  equal([rows.update(), names(rows)], [true, ["A", "B", "A1", "B1"]]);
  rows.tidy();
  equal(names(rows), ["A", "A1", "B", "B1"]);
  equal([0, 1, 2, 3].map((lane) => rows.rowOf(lane)), [1, 3, 2, 4]);
  equal([rows.update(), names(new Rows(run))], [false, ["A", "A1", "B", "B1"]]);
});

rule("the first row is the run's; a lane's row has its spans and what is in them, by time", () => {
  const call = [2, "tool_call", "A", "a", {}];
  const run = runOf(begin(1, "A", "a"), call, end(3, "a"), begin(4, "A", "b"));
  const rows = new Rows(run);
  equal([rows.count, rows.lane(0), rows.spans(1).map(({ id }) => id)], [2, null, ["a", "b"]]);
  equal([0, 1].map((row) => rows.entries(row).map(({ offset }) => offset)), [[1], [2, 3, 5]]);
});

rule("a very deep nest is tidied as any other", () => {
  const lines = Array.from({ length: 3000 }, (_, i) => begin(1, `A${i}`, `s${i}`, `s${i - 1}`));
  equal(new Rows(runOf(...lines)).count, 3001);
});

rule("ticks are round in their unit, and no closer than they may be", () => {
  const least = [0.003, 0.7, 3, 450, 800, 4000, 40_000, 500_000, 5e6, 3e7, 5e7, 3e8];
  equal(least.map(tickStep), [
    0.005, 1, 5, 500, 1000, 5000, 60_000, 600_000, 7_200_000, 43_200_000, 86_400_000, 432_000_000,
  ]);
  equal(ticks(1500, 4100, 1000).map(({ at, label }) => [at, label]), [
    [2000, "2 s"], [3000, "3 s"], [4000, "4 s"],
  ]);
});

rule("a tick says its time as exactly as the step is", () => {
  equal(
    [[0, 1000], [250, 50], [0.25, 0.05], [1500, 500], [12_000.05, 0.01], [90_000, 30_000]].map(
      ([time, step]) => tickLabel(time, step),
    ),
    ["0 s", "250 ms", "0.25 ms", "1.5 s", "12.00005 s", "1:30"],
  );
  equal([tickLabel(3_900_000, 3e5), tickLabel(1.9e8, 2e7)], ["1:05:00", "2 d 04:46"]);
  equal(tickLabel(60_000 - 1e-7, 100), "1:00.0");
});

rule("a view begins with some seconds, grows by steps, and ends with the run", () => {
  const view = new View();
  equal([view.reach(10, true), view.to], [false, 5000]);
  equal([view.reach(4950, true), view.to > 6000], [true, true]);
  equal([view.reach(5000, true), view.reach(2000, false)], [false, true]);
  equal(Math.round(view.to), 2040);
});

rule("zooming keeps the time under the pointer where it is", () => {
  const view = new View();
  view.reach(10_000, false);
  view.zoom(4, 2550);
  equal([view.zoomed, view.length, view.from], [true, 2550, 1912.5]);
  equal((2550 - view.from) / view.length, 0.25);
  view.zoom(1 / 100, 2550);
  equal([view.zoomed, view.from, view.to], [false, 0, 10_200]);
});

rule("what is seen stays within the run, and never is nothing", () => {
  const view = new View();
  view.reach(10_000, false);
  view.select(2000, 1000);
  equal([view.from, view.to], [1000, 2000]);
  view.pan(-5000);
  equal([view.from, view.to], [0, 1000]);
  view.pan(1e9);
  equal(view.to, 10_200);
  view.select(500, 500);
  equal([view.length > 0, view.from < 500, view.to > 500], [true, true, true]);
  view.include(9000);
  equal([view.from < 9000, view.to > 9000], [true, true]);
  equal([view.fit(), view.fit(), view.zoomed], [true, false, false]);
});

rule("who sees the present goes along with it, who reads the past stays there", () => {
  const view = new View();
  view.reach(100_000, true);
  view.select(90_000, 100_000);
  equal([view.reach(100_500, true), view.from < 100_500, view.to > 100_500], [true, true, true]);
  view.select(1000, 2000);
  equal([view.reach(101_000, true), view.from], [false, 1000]);
});

rule("a bar reaches from its start to its end, an open one until now", () => {
  const run = runOf(begin(1, "A", "a"), begin(2, "B", "b"), end(3, "a"));
  const items = planned(run, { now: 5000 });
  equal(shapes(items), [["run 1", 0, 0, 500], ["span 2", 1, 100, 200], ["span 3", 2, 200, 300]]);
  equal(items.map(({ open }) => open), [true, false, true]);
});

rule("only what is in sight is planned, and bars end just beyond it", () => {
  const run = runOf(begin(1, "A", "a"), end(2, "a"), begin(3, "A", "b"), end(9, "b"));
  run.more(begin(9, "B", "c"));
  const [bar] = planned(run, { from: 5000, to: 6000, first: 1, last: 1 });
  equal([bar.key, bar.x < 0, bar.x + bar.width > 1000], ["span 4", true, true]);
  equal(bar.width < 1100, true);
  equal(planned(run, { from: 5000, to: 6000, first: 1, last: 1 }).length, 1);
});

rule("a block that took no time can be seen", () => {
  const bar = planned(runOf(begin(1, "A", "a"), end(1, "a"))).at(-1);
  equal([bar.x, bar.width >= 3], [100, true]);
});

rule("a tool's bar lies from call to result; without one until its block's end, or now", () => {
  const run = runOf(
    begin(1, "A", "a"),
    [2, "tool_call", "A", "a", { tool: "t", call: "c1" }],
    [3, "tool_result", "A", "a", { call: "c1" }],
    [4, "tool_call", "A", "a", { tool: "t", call: "c2" }],
  );
  const tools = () => planned(run, { now: 6000 }).filter(({ kind }) => kind === "tool");
  equal(shapes(tools()), [["tool 3", 1, 200, 100], ["tool 5", 1, 400, 200]]);
  equal(tools().map(({ open }) => open), [false, true]);
  run.more(end(5, "a"));
  equal([tools()[1].width, tools()[1].open], [100, false]);
});

rule("tools side by side get tracks of their own", () => {
  const call = (at, id) => [at, "tool_call", "A", "a", { tool: "t", call: id }];
  const result = (at, id) => [at, "tool_result", "A", "a", { call: id }];
  const run = runOf(
    begin(1, "A", "a"),
    ...[call(2, "c1"), call(3, "c2"), result(4, "c1"), call(5, "c3"), result(6, "c2")],
  );
  const tools = planned(run).filter(({ kind }) => kind === "tool");
  equal(tools.map(({ track, tracks }) => [track, tracks]), [[0, 2], [1, 2], [0, 2]]);
});

rule("what falls on the same pixels is one, with all that it stands for", () => {
  const lines = [];
  for (let i = 0; i < 100; i += 1) {
    lines.push(begin(1 + i / 1000, "A", `s${i}`), end(1.0005 + i / 1000, `s${i}`));
  }
  const bars = planned(runOf(...lines, begin(8, "A", "x"))).filter(({ kind }) => kind === "span");
  equal(bars.map(({ of }) => of.length), [100, 1]);
  const near = planned(runOf(...lines), { from: 1000, to: 1010 });
  equal(near.every(({ of }) => of.length === 1), true);
});

rule("wide bars are never joined, nor is an open one", () => {
  const bar = (x, width, open = false) => ({ x, width, open, of: [x] });
  const joined = (...bars) => merged(bars, 3, 2).map(({ of }) => of.length);
  equal(joined(bar(0, 10), bar(10, 10)), [1, 1]);
  equal(joined(bar(0, 1), bar(4, 1), bar(12, 1)), [2, 1]);
  equal(joined(bar(0, 1), bar(2, 1, true)), [1, 1]);
});

rule("hand-offs are joined to the blocks that they led to", () => {
  const run = runOf(begin(1, "A", "a"), [2, "handoff", "A", "a", { to: "B" }], begin(4, "B", "b"));
  const rows = new Rows(run);
  const [line] = connectors(planned(run), rows, (time) => (time - run.started) / 10);
  equal([line.x, line.row, line.toX, line.toRow], [200, 1, 400, 2]);
});

rule("the overview says how many blocks were open at once", () => {
  const run = runOf(begin(1, "A", "a"), begin(2, "B", "b"), end(3, "b"));
  equal(activity(run, 5000, 5, 5000), [0, 1, 2, 2, 1]);
});

rule("each thing can be told in a line", () => {
  const run = runOf(
    begin(1, "A", "a"),
    begin(1.5, "B", "b", "a"),
    [2, "tool_call", "B", "b", { tool: "search", call: "c", arguments: { q: 1 } }],
    [2.25, "tool_result", "B", "b", { call: "c", error: "no net" }],
    [3, "handoff", "B", "b", { to: "C", task: "go on" }],
    [3, "artifact", "B", "b", { name: "a.py", media_type: "text/plain" }],
    [4, "input_request", undefined, undefined, { request: "q", prompt: "Sure?" }],
    end(4, "b"),
  );
  const told = planned(run).map((item) => spoken(story(item, run, 10_000)));
  equal(told, [
    "w, for 10 s, running, 2 agents, 2 blocks (1 open), 1 tool call (1 failed), 1 hand-off, " +
      "1 artifact, 1 question",
    "Sure?, 6.0 s, from 4.0 s, waits for an answer",
    "A, 9.0 s, from 1.0 s, running",
    "B, task of b, 2.5 s, from 1.5 s, complete, inside A, 1 tool call",
    "B, search, 250 ms, from 2.0 s, failed, {q: 1}, → no net",
    "B, artifact a.py, from 3.0 s, text/plain",
    "B, hands off to C, from 3.0 s, go on",
  ]);
});

rule("a cluster says how many it is, their names and which failed", () => {
  const call = (at, tool, id) => [at, "tool_call", "A", "a", { tool, call: id }];
  const run = runOf(begin(1, "A", "a"), call(2, "x", "1"), call(2, "x", "2"), call(2, "y", "3"));
  run.more([2, "tool_result", "A", "a", { call: "1", error: "no" }]);
  run.more(...["2", "3"].map((id) => [2, "tool_result", "A", "a", { call: id }]));
  const item = planned(run).find(({ kind }) => kind === "tool");
  equal(
    spoken(story(item, run, 1)),
    "A, 3 tool calls, from 2.0 s to 2.0 s, 1 failed, x × 2, y",
  );
});

rule("short times are told exactly, and what is left out is said", () => {
  const times = [0.02, 3.21, 190.4, 1320, NaN].map(lasting);
  equal(times, ["20 µs", "3.2 ms", "190 ms", "1.3 s", "–"]);
  const run = runOf(begin(1, "A", "a"));
  equal([leftOut(run), summary(run)], ["", "1 agent, 1 block (1 open)"]);
  const call = (_, i) => [2, "tool_call", "A", "a", { tool: "t", call: i }];
  run.more(...Array.from({ length: 500 }, call));
  equal(leftOut(run), "Not shown here: 100 marks in blocks. The events have all.");
});

import { OUTLINE_TYPES, Outline } from "/static/page/run/outline.js";
import { brief, moment, text } from "/static/page/run/reading.js";
import { equal, rule } from "./harness.js";

const DAY = Date.parse("2026-11-22T22:00:00.000Z");

/** Events from [type, fields of the event, data], one a second, in the run `r1`. */
function told(...lines) {
  return lines.map(([type, { data = {}, ...fields } = {}], index) => ({
    offset: index + 1,
    time: at(index),
    type,
    run: "r1",
    data,
    ...fields,
  }));
}

function at(seconds) {
  return new Date(DAY + seconds * 1000).toISOString();
}

function outline(events) {
  const made = new Outline();
  for (const event of events) made.add(event);
  return made;
}

const runOf = (...lines) => outline(told(...lines)).run("r1");
const start = (agent, span, data = {}) => ["agent_start", { agent, span, data }];
const done = (agent, span, data = {}) => ["agent_complete", { agent, span, data }];
const begin = ["run_start", { data: { workflow: "w", input: { n: 1 } } }];
const seconds = (time) => (time === null ? null : (time - DAY) / 1000);
const shown = ({ spans }) =>
  spans.map(({ id, state, start: from, end }) => [id, state, seconds(from), seconds(end)]);

rule("a run has its workflow, input, times, result and the offsets of its ends", () => {
  const run = runOf(begin, ["complete", { data: { result: { a: 1 } } }]);
  equal([run.workflow, run.input, run.state, run.result], ["w", { n: 1 }, "complete", { a: 1 }]);
  equal([seconds(run.started), seconds(run.ended), seconds(run.updated)], [0, 1, 1]);
  equal([run.offset, run.endOffset], [1, 2]);
});

rule("an error and a cancellation say why", () => {
  const error = { code: "workflow_error", message: "no", detail: "Traceback" };
  equal(runOf(begin, ["error", { data: error }]).error, error);
  const run = runOf(begin, ["cancelled", { data: { reason: "asked" } }]);
  equal([run.state, run.reason, run.error], ["cancelled", "asked", null]);
});

rule("a span goes from its start to its end, and keeps task and output", () => {
  const run = runOf(
    begin,
    start("A", "s1", { task: "think" }),
    done("A", "s1", { output: [1] }),
  );
  equal(shown(run), [["s1", "complete", 1, 2]]);
  const [span] = run.spans;
  equal([span.task, span.output, span.offset, span.endOffset], ["think", [1], 2, 3]);
});

rule("an agent inside another stands one deeper, under its parent", () => {
  const run = runOf(
    begin,
    start("A", "s1"),
    start("B", "s2", { parent: "s1" }),
    start("C", "s3", { parent: "s2" }),
  );
  equal(
    run.spans.map(({ agent, parent, depth }) => [agent, parent, depth]),
    [["A", null, 0], ["B", "s1", 1], ["C", "s2", 2]],
  );
  equal(run.lanes.map(({ agent, parent }) => [agent, parent]), [["A", null], ["B", 0], ["C", 1]]);
});

rule("a parent that nobody knows, or the span itself, is none", () => {
  const run = runOf(begin, start("A", "s1", { parent: "s1" }), start("B", "s2", { parent: "x" }));
  equal(run.spans.map(({ parent, depth }) => [parent, depth]), [[null, 0], [null, 0]]);
});

rule("agents of one name at the same time are told apart by their spans", () => {
  const run = runOf(
    begin,
    start("A", "s1"),
    start("A", "s2"),
    done("A", "s1"),
    start("A", "s3"),
    ["agent_error", { agent: "A", span: "s2", data: { message: "broke" } }],
  );
  equal(shown(run), [["s1", "complete", 1, 3], ["s2", "error", 2, 5], ["s3", "running", 4, null]]);
  equal(run.spans[1].message, "broke");
  equal(run.spans.map(({ lane }) => lane), [0, 1, 0]);
});

rule("the open spans are the current ones, the innermost last", () => {
  const run = runOf(begin, start("A", "s1"), start("B", "s2"), start("C", "s3"), done("B", "s2"));
  equal(run.current.map(({ id }) => id), ["s1", "s3"]);
});

rule("what was open when the run ended was cut, with the run's end", () => {
  const run = runOf(begin, start("A", "s1"), ["cancelled"]);
  equal([shown(run), run.current], [[["s1", "cut", 1, 2]], []]);
  equal(run.spans[0].endOffset, null);
});

rule("a second end of a span, and what comes after the run's end, change nothing", () => {
  const events = told(begin, start("A", "s1"), done("A", "s1"), done("A", "s1"), ["complete"]);
  const made = outline(events);
  equal(made.add({ ...events[1], offset: 9 }), false);
  equal(shown(made.run("r1")), [["s1", "complete", 1, 2]]);
});

const call = (id, span = "s1", more = {}) => [
  "tool_call",
  { agent: "A", span, data: { tool: "search", call: id, arguments: { q: "x" }, ...more } },
];
const result = (id, data = {}, span = "s1") => [
  "tool_result",
  { agent: "A", span, data: { tool: "search", call: id, ...data } },
];

rule("a tool's call and its result are one mark, found by the call's id", () => {
  const run = runOf(
    begin,
    start("A", "s1"),
    call("c1"),
    call("c2"),
    result("c2", { error: "no net" }),
    result("c1", { output: ["found"] }),
  );
  equal(
    run.spans[0].marks.map((mark) => [mark.label, seconds(mark.start), seconds(mark.end)]),
    [["search", 2, 5], ["search", 3, 4]],
  );
  const [one, two] = run.spans[0].marks;
  equal([one.failed, one.detail, one.outcome], [false, '{q: "x"}', '["found"]']);
  equal([two.failed, two.outcome, two.offset, two.endOffset], [true, "no net", 4, 5]);
});

rule("a result that comes in another span belongs to its call", () => {
  const run = runOf(begin, start("A", "s1"), start("B", "s2"), call("c1"), result("c1", {}, "s2"));
  equal(run.spans.map(({ marks }) => marks.length), [1, 0]);
  equal(seconds(run.spans[0].marks[0].end), 4);
});

rule("a call without a result has no end; a result without a call is nothing", () => {
  const run = runOf(begin, start("A", "s1"), call("c1"), result("c9"), ["complete"]);
  equal(run.spans[0].marks.map(({ end, failed }) => [end, failed]), [[null, false]]);
});

rule("a result without a call's id belongs to the call of that tool in that span", () => {
  const run = runOf(begin, start("A", "s1"), call(null), result(undefined));
  equal(seconds(run.spans[0].marks[0].end), 3);
});

rule("a hand-off leads to the next span of the agent that it names", () => {
  const run = runOf(
    begin,
    start("B", "s0"),
    done("B", "s0"),
    start("A", "s1"),
    ["handoff", { agent: "A", span: "s1", data: { to: "B", task: "go on" } }],
    start("B", "s2"),
    start("B", "s3"),
  );
  const [mark] = run.spans[1].marks;
  equal([mark.kind, mark.to, mark.detail, mark.next.id], ["handoff", "B", "go on", "s2"]);
});

rule("two hand-offs to one agent lead to two spans of it", () => {
  const handoff = ["handoff", { agent: "A", span: "s1", data: { to: "B" } }];
  const run = runOf(begin, start("A", "s1"), handoff, handoff, start("B", "s2"), start("B", "s3"));
  equal(run.spans[0].marks.map(({ next }) => next.id), ["s2", "s3"]);
});

rule("an artifact is a mark, and one of the run's artifacts", () => {
  const data = { name: "a.py", media_type: "text/x-python", text: "x" };
  const run = runOf(begin, start("A", "s1"), ["artifact", { agent: "A", span: "s1", data }]);
  equal(run.spans[0].marks.map(({ kind, label }) => [kind, label]), [["artifact", "a.py"]]);
  equal(run.artifacts, [{ offset: 3, name: "a.py", media_type: "text/x-python", agent: "A" }]);
});

const ask = ["input_request", { data: { request: "q1", prompt: "How many?", schema: {} } }];
const answer = ["input_received", { data: { request: "q1", value: 7 } }];

rule("a question is pending until its answer, and void when its run ends first", () => {
  const states = (run) => run.questions.map(({ state, value }) => [state, value]);
  equal(states(runOf(begin, ask)), [["pending", undefined]]);
  equal(states(runOf(begin, ask, answer)), [["answered", 7]]);
  equal(states(runOf(begin, ask, answer, ["complete"])), [["answered", 7]]);
  equal(states(runOf(begin, ask, ["cancelled"])), [["void", undefined]]);
  equal(runOf(begin, ask).questions[0].prompt, "How many?");
});

rule("a question without a span is a mark of the run, as long as it waited", () => {
  const [mark] = runOf(begin, ask, ["progress"], answer).marks;
  equal([mark.kind, seconds(mark.start), seconds(mark.end), mark.outcome], ["question", 1, 3, "7"]);
});

rule("progress is the newest one, with numbers whatever came", () => {
  const progress = (data) => runOf(begin, ["progress", { data }]).progress;
  equal(runOf(begin).progress, null);
  equal(progress({ done: 1, total: 3, label: "x" }), { done: 1, total: 3, label: "x" });
  equal(progress({ done: "1", total: null, label: 5 }), { done: 0, total: 0, label: "5" });
});

rule("an event without a span belongs to the newest open block of its agent", () => {
  const bare = ["tool_call", { agent: "A", data: { tool: "t", call: "c" } }];
  const run = runOf(begin, start("A", "s1"), start("A", "s2"), done("A", "s2"), bare);
  equal(run.spans.map(({ marks }) => marks.length), [1, 0]);
  equal(runOf(begin, bare).marks.length, 1);
});

rule("blocks without a span begin and end by their agent's name", () => {
  const bare = (type) => [type, { agent: "A" }];
  const run = runOf(begin, bare("agent_start"), bare("agent_start"), bare("agent_complete"));
  equal(shown(run), [["@2", "running", 1, null], ["@3", "complete", 2, 3]]);
});

rule("an end without a span does not end a block that has one", () => {
  const run = runOf(begin, start("A", "s1"), ["agent_complete", { agent: "A" }]);
  equal(shown(run), [["s1", "running", 1, null]]);
});

rule("a span whose start the log has lost begins with what is left of it", () => {
  const run = runOf(call("c1"), done("A", "s1"));
  equal([run.workflow, seconds(run.started), shown(run)], ["", 0, [["s1", "complete", 0, 1]]]);
  equal(run.spans[0].marks.length, 1);
});

rule("a span's id that comes again is another block; the one before was cut", () => {
  const run = runOf(begin, start("A", "s1"), start("A", "s1"), done("A", "s1"));
  equal(shown(run), [["s1", "cut", 1, 2], ["s1", "complete", 2, 3]]);
});

rule("an end before its start, by a clock that was set back, is no length", () => {
  const events = told(begin, start("A", "s1"), call("c1"), result("c1"), done("A", "s1"));
  events[3].time = events[4].time = at(-60);
  const run = outline(events).run("r1");
  equal(shown(run), [["s1", "complete", 1, 1]]);
  equal([seconds(run.spans[0].marks[0].end), seconds(run.updated)], [2, 2]);
});

rule("a time is read to the microsecond", () => {
  equal(moment("2026-11-22T22:00:00.123456Z") - DAY, 123.4560546875); // as a double has it
  equal([moment("never"), moment(7), moment(undefined)], [null, null, null]);
  const events = told(begin, start("A", "s1"));
  events[1].time = "never";
  equal(shown(outline(events).run("r1")), [["s1", "running", 0, null]]);
});

rule("a session's runs stand side by side, with spans of the same ids", () => {
  const first = told(begin, start("A", "s1"), done("A", "s1"), ["complete"]);
  const second = told(begin, start("B", "s1")).map((event) => ({
    ...event,
    offset: event.offset + 4,
    run: "r2",
  }));
  const made = outline([...first, ...second]);
  equal(made.runs.map(({ id, state }) => [id, state]), [["r1", "complete"], ["r2", "running"]]);
  equal(made.runs.map(shown), [[["s1", "complete", 1, 2]], [["s1", "running", 1, null]]]);
  equal([made.agents, made.run("r2").spans[0].agent, made.run("r3")], [["A", "B"], "B", undefined]);
});

rule("an offset that was given is passed over, and so is a type that an outline needs not", () => {
  const made = new Outline();
  const events = told(begin, start("A", "s1"), ["agent_delta", { agent: "A", span: "s1" }]);
  equal([...events, ...events].map((event) => made.add(event)), [
    true, true, false, false, false, false,
  ]);
  equal([made.last, made.version, made.run("r1").spans.length], [3, 2, 1]);
  equal(OUTLINE_TYPES.includes("agent_delta"), false);
});

const ODD = [
  undefined, null, 0, -1, 1e300, true, "", "s1", "A", "constructor", "__proto__", [], {}, [[null]],
  { toString: null }, "x".repeat(1e5), JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`),
];
const FIELDS = [
  "task", "parent", "output", "message", "tool", "call", "arguments", "error", "to", "done",
  "total", "label", "name", "media_type", "request", "prompt", "schema", "value", "workflow",
  "input", "result", "code", "detail", "reason", "seconds",
];

rule("wrong types anywhere never throw", () => {
  const made = new Outline();
  for (const odd of ODD) equal(made.add(odd), false);
  let offset = 0;
  const add = (type, fields) => {
    offset += 1;
    made.add({ offset, time: at(offset), type, run: `r${offset >> 5}`, data: {}, ...fields });
  };
  for (const type of [...OUTLINE_TYPES, ...ODD]) {
    for (const odd of ODD) {
      for (const field of ["offset", "time", "run", "agent", "span", "data"]) {
        add(type, { agent: "A", span: "s1", [field]: odd });
      }
      const data = Object.fromEntries(FIELDS.map((field) => [field, odd]));
      add(type, { agent: "A", span: "s1", data });
      add("agent_start", { agent: "A", span: "s1" });
      add("agent_complete", { agent: "A", data });
    }
  }
  equal(made.runs.length > 1, true);
});

rule("a hundred thousand events keep a bounded outline, and what is too much is counted", () => {
  const made = new Outline();
  made.add({ offset: 1, time: at(0), type: "run_start", run: "r1", data: { workflow: "w" } });
  for (let offset = 2; offset <= 100_001; offset += 1) {
    const type = offset % 2 ? "tool_call" : "agent_start";
    const span = `s${offset - (offset % 2)}`;
    const data = { tool: "t", call: `c${offset}`, task: "x" };
    made.add({ offset, time: at(offset), type, run: "r1", agent: `A${offset % 5000}`, span, data });
  }
  const run = made.run("r1");
  const kept = run.spans.length;
  equal([kept <= 5000, kept + run.spansLeftOut], [true, 50_000]);
  const marks = run.spans.reduce((sum, span) => sum + span.marks.length + span.leftOut, 0);
  equal([marks + run.leftOut, made.agents.length <= 1000], [50_000, true]);
});

rule("a span keeps some hundreds of marks and counts the rest", () => {
  const calls = Array.from({ length: 2000 }, (_, index) => call(`c${index}`));
  const [span] = runOf(begin, start("A", "s1"), ...calls).spans;
  equal([span.marks.length <= 500, span.marks.length + span.leftOut], [true, 2000]);
});

rule("of very many runs the oldest are forgotten and counted", () => {
  const made = new Outline();
  for (let offset = 1; offset <= 1000; offset += 1) {
    made.add({ offset, time: at(offset), type: "run_start", run: `r${offset}`, data: {} });
  }
  equal([made.runs.length <= 500, made.runs.length + made.runsLeftOut], [true, 1000]);
  equal([made.runs.at(-1).id, made.run("r1")], ["r1000", undefined]);
});

rule("an output that is too long to keep is left in the log", () => {
  const output = "x".repeat(900_000);
  const [span] = runOf(begin, start("A", "s1"), done("A", "s1", { output })).spans;
  equal([span.output, span.endOffset], [undefined, 3]);
});

rule("any value in short reads no further than it writes", () => {
  equal(brief({ a: [1, "two", null], b: {} }, 100), '{a: [1, "two", null], b: {}}');
  equal(brief({ a: "x".repeat(1e6) }, 10), '{a: "xxxxx…');
  equal(brief(Array.from({ length: 1e6 }, () => 1), 5), "[1, 1…");
  equal([text("abc", 2), text(undefined), text(5), text({ a: 1 })], ["ab…", "", "5", "{a: 1}"]);
});

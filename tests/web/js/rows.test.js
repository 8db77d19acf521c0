import { prefill } from "/static/prefill.js";
import { Rows } from "/static/rows.js";
import { equal, rule } from "./harness.js";

let offset = 0;
function event(type, data = {}, more = {}) {
  offset += 1;
  return { offset, time: "", type, run: "r1", agent: "A", span: "s1", data, ...more };
}

function rows(...events) {
  const made = new Rows();
  for (const each of events) made.add(each);
  return made.kept;
}

const delta = (text, message, more) => event("agent_delta", { text, message }, more);

rule("the deltas of one message are one line, also when two messages come interleaved", () => {
  const kept = rows(delta("a", "m1"), delta("x", "m2"), delta("b", "m1"), delta("y", "m2"));
  equal(kept.map(({ text, count }) => [text, count]), [["ab", 2], ["xy", 2]]);
});

rule("a message with the id of deltas is their whole text", () => {
  const kept = rows(delta("a", "m1"), event("agent_message", { text: "abc", message: "m1" }));
  equal(kept.map(({ text, count, growing }) => [text, count, growing]), [["abc", 2, false]]);
});

rule("a message without an id is a line of its own", () => {
  const kept = rows(delta("a"), event("agent_message", { text: "b" }));
  equal(kept.map(({ text }) => text), ["a", "b"]);
});

rule("deltas without an id are one line until their agent does something else", () => {
  const kept = rows(delta("a"), delta("b"), event("tool_call"), delta("c"));
  equal(kept.map(({ text }) => text), ["ab", "", "c"]);
});

rule("messages of two runs with the same id are two", () => {
  equal(rows(delta("a", "m1"), delta("b", "m1", { run: "r2" })).length, 2);
});

rule("nothing grows after the end of its agent or its run", () => {
  for (const end of ["agent_complete", "agent_error", "complete", "error", "cancelled"]) {
    const made = new Rows();
    const [line] = made.add(delta("a", "m1"));
    const changed = made.add(event(end));
    equal([line.growing, changed.includes(line)], [false, true]);
  }
});

rule("only the newest lines are kept, and the others are counted", () => {
  const made = new Rows(3);
  for (let i = 0; i < 5; i += 1) made.add(event("log", { text: String(i) }));
  equal([made.kept.length, made.dropped, made.kept[0].event.data.text], [3, 2, "2"]);
});

rule("a line keeps no more than 65,536 characters and says so", () => {
  const [line] = rows(delta("x".repeat(65_000), "m1"), delta("y".repeat(65_000), "m1"));
  equal([line.text.length, line.cut], [65_536, true]);
});

rule("an input begins with the schema's defaults, or blanks of the right type", () => {
  const properties = {
    topic: { type: "string" },
    rounds: { type: "integer", default: 2 },
    least: { type: "integer", minimum: 1 },
    kind: { enum: ["a", "b"] },
    note: { anyOf: [{ type: "null" }, { type: "string" }] },
  };
  const wanted = { topic: "", rounds: 2, least: 1, kind: "a", note: null };
  equal(prefill({ type: "object", properties }), wanted);
  equal(prefill({ $ref: "#/$defs/In", $defs: { In: { type: "object", properties } } }), wanted);
});

rule("a schema that contains itself has an end", () => {
  const schema = { type: "object", properties: { child: { $ref: "#" } } };
  equal(typeof prefill(schema), "object");
});

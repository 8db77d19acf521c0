import { Rows } from "/static/page/events/rows.js";
import { equal, rule } from "./harness.js";

let offset = 0;
function event(type, data = {}, more = {}) {
  offset += 1;
  return { offset, time: "", type, run: "r1", agent: "A", span: "s1", data, ...more };
}

const rows = (...events) => new Rows(events).kept;
const delta = (text, message, more) => event("agent_delta", { text, message }, more);
const call = (id, more) => event("tool_call", { tool: "t", call: id, arguments: {} }, more);
const result = (id, more) => event("tool_result", { tool: "t", call: id, output: 1 }, more);
const counted = ({ text, offsets }) => [text, offsets.length];

rule("the deltas of one message are one row, also when two messages come interleaved", () => {
  const kept = rows(delta("a", "m1"), delta("x", "m2"), delta("b", "m1"), delta("y", "m2"));
  equal(kept.map(counted), [["ab", 2], ["xy", 2]]);
});

rule("a message with the id of deltas is their whole text", () => {
  const [row] = rows(delta("a", "m1"), event("agent_message", { text: "abc", message: "m1" }));
  equal([row.text, row.offsets.length, row.growing, row.type], ["abc", 2, false, "agent_message"]);
});

rule("a message without an id is a row of its own", () => {
  const kept = rows(delta("a"), event("agent_message", { text: "b" }));
  equal(kept.map(({ text }) => text), ["a", "b"]);
});

rule("deltas without an id are one row until their agent does something else", () => {
  const kept = rows(delta("a"), delta("b"), event("tool_call"), delta("c"));
  equal(kept.map(({ text }) => text), ["ab", "", "c"]);
});

rule("messages of two runs with the same id are two", () => {
  equal(rows(delta("a", "m1"), delta("b", "m1", { run: "r2" })).length, 2);
});

rule("nothing grows after the end of its agent or its run", () => {
  for (const end of ["agent_complete", "agent_error", "complete", "error", "cancelled"]) {
    const made = new Rows();
    const [row] = made.add(delta("a", "m1"));
    const changed = made.add(event(end));
    equal([row.growing, changed.includes(row)], [false, true]);
  }
});

rule("an agent of another run with the same span ends nothing", () => {
  const made = new Rows();
  const [row] = made.add(delta("a", "m1"));
  made.add(event("agent_complete", {}, { run: "r2" }));
  equal(row.growing, true);
});

rule("a row keeps no more than 65,536 characters and says so", () => {
  const [row] = rows(delta("x".repeat(65_000), "m1"), delta("y".repeat(65_000), "m1"));
  equal([row.text.length, row.cut], [65_536, true]);
});

rule("a call and its result are one row, where the call stands, whatever comes between", () => {
  const kept = rows(call("c1"), call("c2"), event("log"), result("c2"), result("c1"));
  equal(kept.map(({ type }) => type), ["tool_call", "tool_call", "log"]);
  equal(kept.map(({ offsets }) => offsets.length), [2, 2, 1]);
  equal(kept.slice(0, 2).map((row) => row.result.data.call), ["c1", "c2"]);
});

rule("a result without its call, a second one, or one of another run is a row of its own", () => {
  equal(rows(result("c1")).map(({ type }) => type), ["tool_result"]);
  equal(rows(call("c1"), result("c1"), result("c1")).length, 2);
  equal(rows(call("c1"), result("c1", { run: "r2" })).length, 2);
});

rule("a row is found by the offset of any of its events", () => {
  const events = [call("c1"), event("log"), result("c1")];
  const made = new Rows(events);
  equal(made.at(events[2].offset) === made.at(events[0].offset), true);
  equal(made.at(events[1].offset).type, "log");
});

rule("rows of which all events went are forgotten; a message that goes on keeps its text", () => {
  const events = [event("log"), delta("a", "m1"), event("log"), delta("b", "m1")];
  const made = new Rows(events);
  made.forget(events[3].offset);
  equal(made.kept.map(counted), [["ab", 1]]);
  equal([made.at(events[1].offset), made.at(events[3].offset) === made.kept[0]], [undefined, true]);
  made.add(delta("c", "m1"));
  equal(made.kept.map(counted), [["abc", 2]]);
});

rule("a call that was forgotten leaves its result alone", () => {
  const events = [call("c1"), event("log")];
  const made = new Rows(events);
  made.forget(events[1].offset);
  made.add(result("c1"));
  equal(made.kept.map(({ type }) => type), ["log", "tool_result"]);
});

rule("what is known of a row survives that older events come before it", () => {
  const events = [delta("a", "m1"), event("log"), delta("b", "m1"), event("log")];
  const later = new Rows(events.slice(2));
  later.kept[0].view.open = true;
  later.kept[1].view.height = 40;
  const whole = new Rows(events);
  whole.adopt(later);
  equal(whole.kept.map(({ view }) => view), [{ open: true, height: 0 }, {}, { height: 40 }]);
});

import { pretty, textOf } from "/static/page/events/exact.js";
import { accepts, filterOf, finder, matcher, search, snippet } from "/static/page/events/match.js";
import { Rows } from "/static/page/events/rows.js";
import { equal, rule } from "./harness.js";

let offset = 0;
function event(type, data = {}, more = {}) {
  offset += 1;
  return { offset, time: "", type, run: "r1", agent: "A", span: "s1", data, ...more };
}

const found = (text, ...events) =>
  new Rows(events).kept.filter(matcher(filterOf({ text }))).map(({ type }) => type);

rule("a text is found in any case, in any letters, and no sign of it is a pattern", () => {
  equal(found("HELLO", event("agent_message", { text: "say hello" })), ["agent_message"]);
  equal(found("ärger", event("agent_message", { text: "ÄRGER" })), ["agent_message"]);
  for (const text of ["a.b", "(", "[x]", "\\", "$1", "a|b", "*", "-", "/", "😀"]) {
    equal(found(text, event("log", { text: `…${text}…` }), event("log", { text: "aXb" })), ["log"]);
  }
});

rule("a text is found across a message's deltas, in a call's result, and in quoted text", () => {
  const delta = (text) => event("agent_delta", { text, message: "m1" });
  const deltas = [delta("str"), delta("ing")];
  equal(found("string", ...deltas), ["agent_delta"]);
  const call = event("tool_call", { tool: "t", call: "c" });
  const result = event("tool_result", { call: "c", output: "a needle" });
  equal(found("needle", call, result), ["tool_call"]);
  equal(found('say "a"', event("own", { deep: [{ text: 'say "a"' }] })), ["own"]);
});

rule("what is shown of own data is found as it is shown", () => {
  equal(found('"i":5', event("tick", { i: 5 }), event("tick", { i: 6 })), ["tick"]);
});

rule("agents, types and a run have to fit all at once; none of a kind means any", () => {
  const one = event("log", {}, { agent: "B" });
  equal(accepts(filterOf())(one), true);
  equal(accepts(filterOf({ agents: ["A", "B"], types: ["log"], run: "r1" }))(one), true);
  for (const other of [{ agents: ["A"] }, { types: ["tick"] }, { run: "r2" }]) {
    equal(accepts(filterOf(other))(one), false);
  }
});

rule("a snippet is what stands around the first place", () => {
  equal(snippet(finder("b"), "aaaa b cccc", 2), "…a b c…");
  equal(snippet(finder("z"), "aaaa b cccc", 2), "");
  equal(search(finder("B"), "a b"), { at: 2, length: 1 });
});

rule("an event's text is cut out of the answer as it came", () => {
  const line = '{"offset":7,"data":{"text":"],\\"next\\":\\"x","n":12345678901234567890}}';
  const head = '{"epoch":"aaaa","first":1,"last":9,"state":"closed"';
  equal(textOf(`${head},"events":[${line}],"next":"aaaa-7"}`), line);
  equal(textOf(`${head},"events":[],"next":"aaaa-9"}`), null);
});

rule("pretty JSON keeps every number and text as it was written", () => {
  const json = '{"a":[1.50,12345678901234567890,{}],"b":"{\\"x\\": [1,2]}","c":[],"d":{"e":null}}';
  equal(pretty(json), [
    "{", '  "a": [', "    1.50,", "    12345678901234567890,", "    {}", "  ],",
    '  "b": "{\\"x\\": [1,2]}",', '  "c": [],', '  "d": {', '    "e": null', "  }", "}",
  ].join("\n"));
  const long = JSON.stringify({ text: '"\\\n'.repeat(100_000), list: Array(50_000).fill(1) });
  equal(JSON.stringify(JSON.parse(pretty(long))) === long, true);
});

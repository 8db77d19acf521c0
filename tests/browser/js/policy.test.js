import { backoff, choose, verdict } from "/static/client/policy.js";
import { STATES, sessionAfter, stateOf } from "/static/client/state.js";
import { equal, rule } from "./harness.js";

const BOTH = ["websocket", "sse"];
const turns = (worked) => [0, 1, 2, 3, 4].map((failures) => choose(BOTH, worked, failures)[0]);

rule("with no experience the transports take turns, in the order of preference", () => {
  equal(turns(null), ["w", "s", "w", "s", "w"]);
});

rule("a transport that worked is tried three times before another gets its turn", () => {
  equal(turns("websocket"), ["w", "w", "w", "s", "w"]);
  equal(turns("sse"), ["s", "s", "s", "w", "s"]);
});

rule("each of three gets its turn, and who worked gets three before the others", () => {
  const three = (worked) =>
    [0, 1, 2, 3, 4, 5].map((failures) => choose([...BOTH, "poll"], worked, failures)[0]).join("");
  equal([three(null), three("sse"), three("poll")], ["wspwsp", "ssswps", "pppwsp"]);
});

rule("a remembered transport that is not wanted is not used", () => {
  equal(choose(["sse"], "websocket", 0), "sse");
});

rule("waits double up to ten seconds, and chance takes at most half of one", () => {
  const longest = [1, 2, 3, 4, 5, 6, 60].map((attempt) => backoff(attempt, 1));
  equal(longest, [500, 1000, 2000, 4000, 8000, 10000, 10000]);
  equal([backoff(1, 0), backoff(60, 0)], [250, 5000]);
});

rule("a bye decides by itself, whatever its reason", () => {
  const bye = { reason: "restart", reconnect: true, after_ms: 700 };
  equal([verdict({ bye, code: 1000 }).again, verdict({ bye }).waitMs], [true, 700]);
  equal(verdict({ bye: { reason: "tired", reconnect: false } }).again, false);
});

rule("the close codes and statuses that are final stop; all others are tried again", () => {
  const stops = (ending) => !verdict(ending).again;
  equal([4400, 4401, 4403, 4410].map((code) => stops({ code })), [true, true, true, true]);
  equal([1000, 1001, 1006, 1011, 1012, 1013, 4408].filter((code) => stops({ code })), []);
  equal([204, 400, 401, 403, 410].filter((status) => !stops({ status })), []);
  equal([200, 404, 429, 500, 502, 503].filter((status) => stops({ status })), []);
  equal(stops({}), false);
});

rule("the server's words go before the own ones", () => {
  equal(verdict({ status: 400, words: "'x' is no cursor" }).words, "'x' is no cursor");
  equal(verdict({ code: 4410, words: "" }).words, "the session was deleted");
});

rule("204 is the end, and nothing is wrong with it", () => {
  equal(verdict({ status: 204 }).reason, "closed");
});

rule("the server's wish for the wait is kept", () => {
  equal(verdict({ status: 503, afterMs: 2000 }).waitMs, 2000);
});

rule("a state in words counts attempts from 1", () => {
  const words = (name, facts) => stateOf(name, facts).text;
  equal(words("reconnecting", { attempt: 0 }), "Reconnecting (attempt 1)…");
  equal(words("reconnecting", { attempt: 3 }), "Reconnecting (attempt 3)…");
  equal(words("live", { behind: 12 }), "Catching up, 12 behind…");
  equal(words("live", { session: "waiting" }), "Connected, waiting for a run");
  equal(words("live", { session: "running" }), "Live");
});

rule("every state has all facts, words, and cannot be changed", () => {
  for (const name of STATES) {
    const state = stateOf(name, { words: "because" });
    equal(Object.keys(state).length, 11);
    equal([state.name, state.text !== "", Object.isFrozen(state)], [name, true, true]);
  }
});

rule("a run's start and end change the session's state, nothing else does", () => {
  const types = ["run_start", "tick", "complete", "error", "cancelled"];
  const after = types.map((type) => sessionAfter({ type }, "waiting"));
  equal(after, ["running", "waiting", "closed", "closed", "closed"]);
});

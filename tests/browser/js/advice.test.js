import { adviceFor } from "/static/page/connection/advice.js";
import { ago, factsOf, readable } from "/static/page/connection/evidence.js";
import {
  connectedCheck,
  filterCheck,
  placeCheck,
  reachCheck,
} from "/static/page/connection/own.js";
import { serverChecks, verdictOf } from "/static/page/connection/verdict.js";
import { stateOf } from "/static/client/state.js";
import { equal, rule } from "./harness.js";

const NOW = Date.parse("2026-11-22T22:01:00Z");
const AT = { now: NOW, connected: true, own: null, run: null };
const time = (seconds) => new Date(NOW - 1000 * seconds).toISOString();
const words = (text) => text.toLowerCase().split(/\W+/);
const says = (text, word) => equal(words(text).includes(word.toLowerCase()), true);

/** The server's six answers for a session with a run that does well; `change` them by name. */
function answers(change = {}) {
  const run = {
    run: "r_1",
    workflow: "count",
    state: "running",
    pid: 7,
    created: time(9),
    started: time(8),
  };
  const newest = { offset: 41, time: time(3), type: "progress", agent: "Coder" };
  const reader = {
    transport: "ws",
    phase: "live",
    cursor: "x7k2-41",
    lag: 0,
    seconds_since_send: 3,
    sent: 9,
  };
  const all = {
    starting: ["Is the workflow starting?", run],
    exists: [
      "Does the session exist?",
      { session: "s", epoch: "x7k2", state: "running", created: time(9) },
    ],
    emitted: ["Are events emitted?", { newest }],
    logged: ["Are they in the log?", { first: 1, last: 41 }],
    consuming: ["Are subscribers consuming?", { subscribers: [reader] }],
    hindered: ["Is anything in the way?", { found: [] }],
  };
  return Object.entries(all).map(([name, [question, evidence]]) => {
    const { ok = true, ...changed } = change[name] ?? {};
    return { question, ok, evidence: { ...evidence, ...changed } };
  });
}

const NO_RUN = {
  starting: { ok: false, run: null },
  exists: { state: "waiting" },
  emitted: { ok: false, newest: null },
  logged: { ok: false, last: 0 },
};
const GOOD = [
  reachCheck({ kind: "answered", host: "h:1", ms: 3 }),
  connectedCheck(stateOf("live", { transport: "websocket" }), { cursor: "x7k2-41", last: 41 }),
  filterCheck(null),
  placeCheck(null),
];

function verdict(questions, { own = GOOD, at = AT, told = "the server's words" } = {}) {
  return verdictOf([...own, ...serverChecks(questions, at)], { questions, verdict: told }, at);
}

function advised(name, change) {
  const questions = answers({ [name]: { ok: false, ...change } });
  const index = ["starting", "exists", "emitted", "logged", "consuming", "hindered"].indexOf(name);
  return adviceFor(questions[index].question, factsOf(questions), AT);
}

const ended = (code) => advised("hindered", { found: [`run r_1 ended with ${code}: it\nbroke`] });

rule("evidence reads like a sentence, with ages by the server's clock", () => {
  equal(
    serverChecks(answers(), AT).map(({ evidence }) => evidence.text),
    [
      "count (r_1): running, started 8 s ago, process 7",
      "s: running, made 9 s ago, epoch x7k2",
      "newest: offset 41, progress of Coder, 3 s ago",
      "offsets 1 to 41",
      "",
      "nothing that the server knows of",
    ],
  );
});

rule("ages: a clock that is behind makes nothing happen in the future", () => {
  equal(
    [ago(time(0.4), NOW), ago(time(-5), NOW), ago(time(59), NOW)],
    ["just now", "just now", "59 s ago"],
  );
  equal(
    [ago(time(185), NOW), ago("?", NOW), ago(undefined, NOW)],
    ["3 min 05 s ago", "at an unknown time", "at an unknown time"],
  );
});

rule("of the subscribers this page comes first, then those that are far behind", () => {
  const reader = (transport, offset, lag) => {
    return { transport, phase: "live", cursor: `x7k2-${offset}`, lag, seconds_since_send: 1 };
  };
  const subscribers = [reader("sse", 41, 0), reader("ws", 2, 39), reader("ws", 41, 0)];
  const context = { ...AT, own: { transport: "websocket", cursor: "x7k2-41" } };
  const asked = { question: "Are subscribers consuming?", evidence: { subscribers } };
  const { rows, more } = readable(asked, context).table;
  equal(
    rows.map(({ cells: [transport, cursor, lag], own }) => [transport, cursor, lag, own]),
    [
      ["WebSocket", "x7k2-41", "0", true],
      ["WebSocket", "x7k2-2", "39", false],
      ["SSE", "x7k2-41", "0", false],
    ],
  );
  equal(more, 0);
});

rule("of subscribers that are alike none is called this page; eight of thousands are shown", () => {
  const reader = {
    transport: "sse",
    phase: "live",
    cursor: "x7k2-1",
    lag: 0,
    seconds_since_send: 1,
  };
  const subscribers = Array.from({ length: 1000 }, () => ({ ...reader }));
  const context = { ...AT, own: { transport: "sse", cursor: "x7k2-1" } };
  const asked = { question: "Are subscribers consuming?", evidence: { subscribers } };
  const { rows, more } = readable(asked, context).table;
  equal([rows.length, more, rows.some(({ own }) => own)], [8, 992, false]);
});

rule("a question or evidence that is not known here is shown as it is", () => {
  const [check] = serverChecks(
    [{ question: "Is it warm?", ok: false, evidence: { degrees: 4 } }],
    AT,
  );
  equal([check.question, check.evidence.text, check.advice], ["Is it warm?", "degrees: 4", null]);
  const odd = { question: "Are subscribers consuming?", evidence: { a: "b", c: [1] } };
  equal(readable(odd, AT), { text: "", items: ["a: b", "c: [1]"] });
  equal(readable({ question: "?", evidence: null }, AT).text, "");
});

rule("each no of the server has advice, and what can be done at once has a button", () => {
  equal(advised("starting", { run: null }).action.name, "new");
  says(advised("starting", { state: "queued" }).advice, "MAX_RUNS");
  equal(advised("starting", { state: "starting" }).tone, "wait");
  equal(advised("exists", {}).action.name, "new");
  says(advised("emitted", {}).advice, "progress");
  says(advised("logged", { last: 0 }).advice, "disk");
  equal(advised("consuming", { subscribers: [] }).action.name, "cut");
});

rule("a start that takes long is another matter than a start", () => {
  const advice = advised("starting", { state: "starting", created: time(30) });
  equal([advice.tone, advice.short], ["bad", "The run's process does not get started."]);
});

rule("nobody connected: a page that is not connected itself is sent to its own answers", () => {
  const facts = factsOf(answers({ consuming: { subscribers: [] } }));
  const advice = adviceFor("Are subscribers consuming?", facts, { now: NOW, connected: false });
  equal([advice.action, words(advice.advice).includes("above")], [undefined, true]);
});

rule("a subscriber that takes nothing slows nobody, and says so", () => {
  const stuck = { transport: "ws", cursor: "x7k2-2", lag: 39, seconds_since_send: 20 };
  const advice = advised("consuming", { subscribers: [stuck, { ...stuck, lag: 0 }] });
  equal(advice.short, "A subscriber takes nothing.");
});

rule("each code that a run can end with has advice of its own", () => {
  const codes = [
    "workflow_error",
    "workflow_crashed",
    "workflow_timeout",
    "workflow_unresponsive",
    "protocol_error",
    "limit_exceeded",
    "run_lost",
  ];
  const other = ended("some_new_code").advice;
  equal(new Set([other, ...codes.map((code) => ended(code).advice)]).size, codes.length + 1);
  equal(ended("workflow_error").short, "The run ended with workflow_error: it\nbroke");
  says(ended("workflow_timeout").advice, "RUN_TIMEOUT_SECONDS");
  says(ended("workflow_unresponsive").advice, "CancelledError");
});

rule("what befell readers is told as past, each with its own advice", () => {
  const found = (words) => advised("hindered", { found: [words] });
  says(found("a reader was reset: ahead, at x7k2-99").advice, "NEW_EPOCH");
  says(found("a reader was reset: epoch, at zzzz-9").advice, "life");
  says(found("a reader took nothing and was cut at 7").advice, "cursor");
  equal(found("a reader was reset: epoch, at zzzz-9").tone, "wait");
  equal(found("something new").short, "Lately something new.");
});

rule("whose fault it likely is that the server cannot be reached", () => {
  const short = (reach) => reachCheck({ host: "h:1", ...reach }).advice.short;
  const refused = (status, message) => short({ kind: "status", status, message });
  equal(short({ kind: "offline" }), "This browser is offline.");
  equal(short({ kind: "silent" }), "The server does not answer.");
  equal(short({ kind: "slow" }), "The server takes too long to answer.");
  equal(short({ kind: "strange", status: 200 }), "Something else answers in the server's place.");
  equal(
    refused(403, "the origin 'x' is not served here"),
    "The server refuses this page because of its origin.",
  );
  equal(
    refused(403, "the host 'x' is not served here"),
    "The server refuses the name that it is called by.",
  );
  equal(refused(403), "Something refuses this page.");
  equal(refused(502), "A proxy answers, the server behind it does not.");
  equal(refused(503, "the store is not available"), "The server cannot take calls just now.");
  equal(refused(500, "oops"), "The server answered 500.");
});

rule("only where the origins differ may the origin be the fault of silence", () => {
  const advice = (foreign) => reachCheck({ kind: "silent", host: "h", foreign }).advice.advice;
  equal(
    [advice(true), advice(false)].map((text) => text.includes("ALLOWED_ORIGINS")),
    [true, false],
  );
});

rule("the page's own connection: live and ended are a yes, all else says why", () => {
  const check = (name, facts) =>
    connectedCheck(stateOf(name, { transport: "sse", ...facts }), { cursor: "x7k2-2", last: 9 });
  equal(
    [check("live").ok, check("ended", { words: "x" }).ok, check("reconnecting").ok],
    [true, true, false],
  );
  equal(check("live").evidence.text, "over SSE, at x7k2-2, 7 behind");
  equal(check("reconnecting", { reason: "silent" }).evidence.text.includes("heartbeats"), true);
  equal(check("connecting").advice.tone, "wait");
  equal(connectedCheck(null).advice.action.name, "new");
});

rule("the verdict: what cannot work comes before what merely hides", () => {
  const own = [...GOOD.slice(0, 2), filterCheck("agents Coder"), placeCheck("41 newer are below")];
  equal(verdict(answers(NO_RUN), { own }).words, "No run was started in this session.");
  equal(verdict(answers(), { own }).words, "A filter hides events.");
  const crashed = { hindered: { ok: false, found: ["run r_1 ended with run_lost: gone"] } };
  equal(verdict(answers(crashed), { own }).words, "A filter hides events.");
  equal(verdict(answers(crashed)).words, "The run ended with run_lost: gone.");
  const offline = [reachCheck({ kind: "offline", host: "h" }), ...GOOD.slice(1)];
  equal(verdict(answers(NO_RUN), { own: offline }).words, "This browser is offline.");
});

rule("a session that does not exist comes before the run that it does not have", () => {
  const nobody = { ...NO_RUN, exists: { ok: false, epoch: undefined, state: undefined } };
  equal(verdict(answers(nobody)).words, "The server knows of no session s.");
});

rule("a no without advice is told in the server's words", () => {
  const unknown = { question: "Is it warm?", ok: false, evidence: {} };
  equal(verdict([...answers(), unknown]).words, "The server's words.");
});

rule("all is well, and what there is to wait for is named", () => {
  equal(
    verdict(answers()).words,
    "All is well: this page is connected, and 41 events are in the log.",
  );
  const quiet = { emitted: { newest: { offset: 41, time: time(125), type: "x" } } };
  equal(verdict(answers(quiet)).words.includes("2 min 05 s ago"), true);
  equal(verdict(answers(quiet)).tone, "wait");
  const over = { starting: { state: "complete" }, exists: { state: "closed" } };
  equal(
    verdict(answers(over)).words,
    "All is well: the run is complete, and its log of 41 events is here.",
  );
});

rule("a run that asks is not called quiet", () => {
  const questions = [
    { state: "answered", prompt: "Who?" },
    { state: "pending", prompt: "Go on?" },
  ];
  const at = { ...AT, run: { state: "running", questions } };
  equal(verdict(answers(), { at }).words, "The run waits for an answer: Go on?");
});

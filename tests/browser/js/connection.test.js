import { stateOf } from "/static/client/state.js";
import { History } from "/static/page/connection/history.js";
import { barWords, offsetOf, pulseOf, seconds } from "/static/page/connection/words.js";
import { equal, rule } from "./harness.js";

const WS = { transport: "websocket" };
const SSE = { transport: "sse" };

/** A history that was given these states, a second apart. */
function past(...states) {
  const history = new History();
  states.forEach(([name, facts, cursor = "x7k2-41"], second) => {
    history.note(stateOf(name, { ...WS, ...facts }), { at: 1000 * second, cursor });
  });
  return history;
}

const texts = (history) => history.lines.map(({ text }) => text);
const said = (name, facts, at) => {
  const { words, detail } = barWords(stateOf(name, facts), at);
  return words + detail;
};

rule("the bar's words say what the connection does", () => {
  equal(said("connecting", {}), "Connecting…");
  equal(said("live", { session: "running" }), "Live");
  equal(said("live", { session: "waiting" }), "Connected, waiting for a run");
  equal(said("live", { session: "closed" }), "Connected, the run has ended");
  equal(
    said("ended", { words: "complete, nothing is missing" }),
    "Ended: complete, nothing is missing",
  );
  equal(said("stopped", { words: "not allowed" }), "Stopped: not allowed");
  equal(said("closed", {}), "Closed");
  equal(barWords(null).words, "Not connected");
});

rule("catching up counts down with the figures, and not in the words that are read aloud", () => {
  equal(said("live", { behind: 1500 }, { behind: 1204 }), "Catching up, 1,204 behind");
  equal(barWords(stateOf("live", { behind: 1500 })).words, "Catching up");
});

rule("a wait is counted down in whole seconds, outside of the words that are read aloud", () => {
  const at = (leftMs) => said("reconnecting", { attempt: 2 }, { leftMs });
  equal(at(2400), "Reconnecting (attempt 2), next try in 3 s");
  equal(at(3), "Reconnecting (attempt 2), next try in 1 s");
  equal(at(0), "Reconnecting (attempt 2)…");
  equal(barWords(stateOf("reconnecting", { attempt: 2 }), { leftMs: 9 }).words, "Reconnecting");
});

rule("the first reconnect is attempt 1; a browser without network is called offline", () => {
  equal(said("reconnecting", { attempt: 0 }), "Reconnecting (attempt 1)…");
  equal(said("reconnecting", {}, { offline: true }), "Offline, reconnecting (attempt 1)…");
  equal(said("live", {}, { offline: true }), "Live");
});

rule("a state that is not known here is told in its own words", () => {
  equal(barWords({ name: "dreaming", text: "Dreaming" }).words, "Dreaming");
  equal(barWords({ name: "dreaming" }).words, "dreaming");
});

rule("the pulse is full when the connection counts as dead: after 2.5 heartbeats", () => {
  const at = (ageMs) => pulseOf(ageMs, { heartbeatMs: 2000 });
  equal(
    [at(0), at(2500), at(5000), at(9000)].map(({ share }) => share),
    [0, 0.5, 1, 1],
  );
  equal(
    [at(2500), at(3900), at(4100)].map(({ level }) => level),
    ["fresh", "late", "dying"],
  );
});

rule("a transport that has a rule of its own for silence is measured by it", () => {
  equal(pulseOf(15_000, { heartbeatMs: 1000, deadAfterMs: 30_000 }).share, 0.5);
});

rule("where nothing is known of the rhythm the server's default is assumed", () => {
  equal(pulseOf(12_500).share, 0.5);
  equal(pulseOf(null), { share: 0, level: "none", text: "–" });
  equal(pulseOf(undefined, { heartbeatMs: null }).level, "none");
});

rule("seconds and cursors", () => {
  equal([seconds(0), seconds(2140), seconds(99_960)], ["0.0 s", "2.1 s", "100 s"]);
  equal(
    [offsetOf("x7k2-41"), offsetOf("now"), offsetOf(""), offsetOf(null)],
    [41, null, null, null],
  );
});

rule("a loss and what was made up for are both there afterwards, the newest first", () => {
  const history = past(
    ["connecting"],
    ["live", { session: "running" }],
    ["reconnecting", { reason: "silent", attempt: 1, retryInMs: 500 }],
    ["reconnecting", { attempt: 1 }],
    ["live", { ...SSE, behind: 37 }],
    ["live", SSE],
  );
  equal(texts(history), [
    "back over SSE after 2.0 s: 37 events were missed and have been made up for",
    "lost (silent) at x7k2-41",
    "connected over WebSocket",
  ]);
  equal(history.recovered, { missed: 37, at: 5000 });
});

rule("while the missed events come it is not said that they are there", () => {
  const loss = ["reconnecting", { reason: "cut", retryInMs: 500 }];
  const history = past(["live"], loss, ["live", { behind: 37 }]);
  equal(texts(history)[0], "back over WebSocket after 1.0 s: catching up on 37 missed events");
  equal(history.recovered, null);
  equal(history.lines[0].kind, "busy");
});

rule("the client's own count of what was missed counts, where it has one", () => {
  const loss = ["reconnecting", { reason: "cut", retryInMs: 500 }];
  equal(past(["live"], loss, ["live", { missed: 3 }]).recovered.missed, 3);
});

rule("a return that missed nothing says so; one event is one event", () => {
  const loss = ["reconnecting", { reason: "cut", retryInMs: 500 }];
  const after = (behind) => texts(past(["live"], loss, ["live", { behind }], ["live"]))[0];
  equal(after(0), "back over WebSocket after 1.0 s: nothing was missed");
  equal(after(1), "back over WebSocket after 1.0 s: 1 event was missed and has been made up for");
});

rule("lost while catching up: the line does not promise what did not come", () => {
  const loss = ["reconnecting", { reason: "broken", retryInMs: 500 }];
  const history = past(["live"], loss, ["live", { behind: 9 }], loss);
  equal(texts(history).slice(0, 2), [
    "lost (broken) at x7k2-41",
    "back over WebSocket after 1.0 s, lost again while catching up",
  ]);
  equal(history.recovered, null);
});

rule("a log that began again made up for nothing", () => {
  const loss = ["reconnecting", { reason: "broken", retryInMs: 500 }];
  const history = past(["live"], loss, ["live"]);
  history.count({ gaps: 0, doubles: 0, resets: 1 }, { at: 9000, cursor: "other-0" });
  equal(texts(history).slice(0, 2), [
    "the log began again",
    "back over WebSocket after 1.0 s, into another log",
  ]);
  equal(history.recovered, null);
});

rule("tries that fail one after another share a line", () => {
  const failed = (attempt) => ["reconnecting", { reason: "broken", attempt, retryInMs: 500 }];
  const trying = ["reconnecting", { attempt: 1 }];
  const history = past(["live"], failed(1), trying, failed(2), trying, failed(3));
  equal(texts(history), [
    "2 tries failed (broken)",
    "lost (broken) at x7k2-41",
    "connected over WebSocket",
  ]);
  equal(history.lines[0].hint, "the next one over WebSocket");
});

rule("a transport that does not get through is named, with the one that has its turn", () => {
  const history = past(["connecting"], ["connecting", SSE], ["live", SSE]);
  equal(texts(history), ["connected over SSE", "WebSocket did not get through, trying SSE"]);
});

rule("a change of transport that was asked for is no loss", () => {
  const history = past(["live"], ["reconnecting", { ...SSE, reason: "preferred" }], ["live", SSE]);
  equal(texts(history)[1], "left at x7k2-41 for another transport");
  equal(history.lines[1].kind, "plain");
});

rule("what was there before the first connect is history, and was not missed", () => {
  const history = past(["connecting"], ["live", { behind: 1204 }], ["live"]);
  equal(texts(history), ["connected over WebSocket"]);
  equal(history.lines[0].hint, "1,204 events were there before");
  equal(history.recovered, null);
});

rule("gaps and doubles are alarms; the same counts again are no news", () => {
  const history = past(["live"]);
  const counts = { gaps: 1, doubles: 2, resets: 0 };
  history.count(counts, { at: 1, cursor: "x7k2-7" });
  history.count(counts, { at: 2, cursor: "x7k2-8" });
  equal(texts(history).slice(0, 2), ["2 events came twice at x7k2-7", "a gap at x7k2-7"]);
  equal(history.lines.filter(({ kind }) => kind === "alarm").length, 2);
  equal(history.lines.length, 3);
});

rule("the end is told once, and counts that a client does not keep are none", () => {
  const history = past(["live"], ["ended", { words: "complete, nothing is missing" }]);
  history.note(stateOf("ended", { words: "complete, nothing is missing" }), { at: 1, cursor: "" });
  history.count({}, { at: 1, cursor: "" });
  equal(texts(history), ["Ended: complete, nothing is missing", "connected over WebSocket"]);
});

rule("twenty lines are kept, and each change moves the version on", () => {
  const history = past(["live"]);
  const versions = new Set();
  for (let at = 0; at < 50; at += 1) {
    history.network(at % 2 === 1, { at });
    versions.add(history.version);
  }
  equal([history.lines.length, versions.size], [20, 50]);
  equal(history.lines[0].text, "the browser is online again");
});

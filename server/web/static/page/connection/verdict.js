// From single answers to the list that is shown and the one reason on top of it: pure.

import { adviceFor } from "./advice.js";
import { ago, factsOf, readable } from "./evidence.js";

const QUIET_MS = 30_000; // without an event, after which a run is called quiet
// What explains best that nothing is to be seen; what is not named here stands between the two.
const FIRST = ["reach", "connected", "Does the session exist?"];
const LAST = ["filter", "place", "Is anything in the way?"];

/**
 * @param {{question: string, ok: boolean, evidence: object}[]} questions the server's
 * @param {object} at
 * @param {number} at.now ms, by the server's clock
 * @param {boolean} at.connected whether this page believes that it is
 * @param {{transport: string, cursor: string} | null} at.own
 * @returns {import("./own.js").Check[]}
 */
export function serverChecks(questions, at) {
  const facts = factsOf(questions);
  return questions.map((asked) => ({
    id: asked.question,
    question: asked.question,
    ok: asked.ok === true,
    evidence: readable(asked, at),
    advice: asked.ok === true ? null : adviceFor(asked.question, facts, at),
  }));
}

/**
 * @param {import("./own.js").Check[]} checks all of them
 * @param {object} server
 * @param {object[]} server.questions
 * @param {string} server.verdict the server's own words
 * @param {object} at
 * @param {number} at.now
 * @param {object | null} at.run what this page knows of the run: `{ state, questions }`
 * @returns {{tone: "good" | "wait" | "bad", words: string, advice: string}}
 */
export function verdictOf(checks, server, at) {
  const [worst] = checks.filter(({ ok }) => !ok).sort((a, b) => rank(a) - rank(b));
  if (!worst) return allIsWell(factsOf(server.questions), at);
  const { advice } = worst;
  const told = sentence(server.verdict || worst.question);
  if (!advice) return { tone: "bad", words: told, advice: "" };
  return { tone: advice.tone, words: sentence(advice.short), advice: advice.advice };
}

function rank({ id }) {
  const [first, last] = [FIRST.indexOf(id), LAST.indexOf(id)];
  if (first >= 0) return first;
  return last >= 0 ? 100 + last : 50;
}

function allIsWell({ newest, last = 0, runState, sessionState }, { now, run }) {
  const open = (run?.questions ?? []).find(({ state }) => state === "pending");
  if (open && run.state === "running") {
    const advice = "It goes on when somebody answers.";
    return { tone: "wait", words: `The run waits for an answer: ${open.prompt}`, advice };
  }
  if (sessionState === "closed") {
    const end = { complete: "is complete", cancelled: "was cancelled" }[runState] ?? "has ended";
    const words = `All is well: the run ${end}, and its log of ${events(last)} is here.`;
    return { tone: "good", words, advice: "Nothing more comes unless another run is started." };
  }
  if (newest && now - Date.parse(newest.time) > QUIET_MS) {
    const since = ago(newest.time, now);
    const words = `All is well, but the run is quiet: its newest event came ${since}.`;
    const advice = "It may compute, or wait for a model. What it says next shows up here.";
    return { tone: "wait", words, advice };
  }
  const words = `All is well: this page is connected, and ${events(last)} are in the log.`;
  return { tone: "good", words, advice: "" };
}

function events(number) {
  return `${number.toLocaleString("en")} ${number === 1 ? "event" : "events"}`;
}

function sentence(words) {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

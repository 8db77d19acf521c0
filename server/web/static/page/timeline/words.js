// What stands in the timeline, in words: for labels, tooltips and the summary. Pure.

import { count, duration } from "../format.js";

const NAMED = 3; // of a cluster, by name
const STATES = {
  running: "running",
  complete: "complete",
  error: "failed",
  cancelled: "cancelled",
  cut: "cut off by the end of the run",
};
const NO_ANSWER = ["not answered", "waits for an answer"];
const NO_RESULT = ["no result", "running"];
const KINDS = {
  span: ["block", "blocks"],
  tool: ["tool call", "tool calls"],
  artifact: ["artifact", "artifacts"],
  handoff: ["hand-off", "hand-offs"],
  question: ["question", "questions"],
};

/** @returns {string} like `duration`, but exact below a second: `20 µs`, `3.2 ms`, `190 ms` */
export function lasting(ms) {
  if (!(ms >= 0)) return "–";
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : duration(ms / 1000);
}

/** @returns {string} `4 tool calls` */
export function many(number, kind) {
  return `${count(number)} ${KINDS[kind][number === 1 ? 0 : 1]}`;
}

/** @returns {string} a sentence about all of a run, for the eye and for the ear */
export function summary(run) {
  const spans = run.spans.length + run.spansLeftOut;
  const agents = new Set(run.spans.map(({ agent }) => agent)).size;
  const open = run.current.length;
  const { tools, failed, handoffs } = tally(run);
  const parts = [`${count(agents)} ${agents === 1 ? "agent" : "agents"}`];
  parts.push(many(spans, "span") + (open > 0 ? ` (${count(open)} open)` : ""));
  if (tools > 0) parts.push(many(tools, "tool") + (failed > 0 ? ` (${count(failed)} failed)` : ""));
  if (handoffs > 0) parts.push(many(handoffs, "handoff"));
  const artifacts = run.artifacts.length + run.artifactsLeftOut;
  if (artifacts > 0) parts.push(many(artifacts, "artifact"));
  const questions = run.questions.length + run.questionsLeftOut;
  if (questions > 0) parts.push(many(questions, "question"));
  return parts.join(", ");
}

/** @returns {string} what is not drawn because there was too much of it; empty for nothing */
export function leftOut(run) {
  const marks = run.spans.reduce((sum, span) => sum + span.leftOut, run.leftOut);
  const parts = [];
  if (run.spansLeftOut > 0) parts.push(`${many(run.spansLeftOut, "span")}`);
  if (marks > 0) parts.push(`${count(marks)} ${marks === 1 ? "mark" : "marks"} in blocks`);
  return parts.length > 0 ? `Not shown here: ${parts.join(" and ")}. The events have all.` : "";
}

function tally(run) {
  const found = { tools: 0, failed: 0, handoffs: 0 };
  for (const { marks } of [run, ...run.spans]) {
    for (const mark of marks) {
      if (mark.kind === "tool") found.tools += 1;
      if (mark.kind === "handoff") found.handoffs += 1;
      if (mark.kind === "tool" && mark.failed) found.failed += 1;
    }
  }
  return found;
}

/**
 * @typedef {object} Story what a tooltip says
 * @property {string} agent empty where nobody in particular did it
 * @property {string} title
 * @property {string} state empty where there is none
 * @property {string} flavour `running`, `complete`, `error`, `cut`, `cancelled`, or empty
 * @property {string} when
 * @property {string[]} lines more, each short
 */

/**
 * @param {import("./plan.js").Item} item
 * @param {object} run
 * @param {number} now ms since the run's start
 * @returns {Story}
 */
export function story(item, run, now) {
  if (item.of.length > 1) return clusterStory(item, run);
  const [it] = item.of;
  if (item.kind === "run") return runStory(run, now);
  if (item.kind === "span") return spanStory(it, run, now);
  return markStory(item, it, run, now);
}

/** @returns {string} the same for who hears it: one line, begun by what is written on the bar */
export function spoken({ agent, title, state, when, lines }) {
  return [agent, title, when, state, ...lines].filter(Boolean).join(", ");
}

function runStory(run, now) {
  const state = STATES[run.state];
  const took = lasting(run.ended === null ? now : run.ended - run.started);
  const when = run.ended === null ? `for ${took}` : `took ${took}`;
  const title = run.workflow || "run";
  return { agent: "", title, state, flavour: run.state, when, lines: [summary(run)] };
}

function spanStory(span, run, now) {
  const lines = [];
  const around = span.parent === null ? null : run.span(span.parent);
  if (around) lines.push(`inside ${around.agent}`);
  const tools = span.marks.filter(({ kind }) => kind === "tool");
  if (tools.length > 0) lines.push(many(tools.length, "tool"));
  if (span.message) lines.push(span.message);
  const { agent, task: title, state } = span;
  return { agent, title, state: STATES[state], flavour: state, when: since(span, run, now), lines };
}

function markStory({ kind, span }, mark, run, now) {
  const agent = span?.agent ?? "";
  const when = mark.end === mark.start ? at(mark, run) : since(mark, run, now, span);
  const told = { agent, title: mark.label, state: "", flavour: "", when };
  if (kind === "handoff") {
    return { ...told, title: `hands off to ${mark.label}`, lines: [mark.detail].filter(Boolean) };
  }
  if (kind === "artifact") {
    return { ...told, title: `artifact ${mark.label}`, lines: [mark.detail].filter(Boolean) };
  }
  const lines = [mark.detail, mark.outcome && `→ ${mark.outcome}`].filter(Boolean);
  const [state, flavour] = waiting(kind, mark, run, span);
  return { ...told, state, flavour, lines };
}

function waiting(kind, mark, run, span) {
  if (mark.failed) return ["failed", "error"];
  if (mark.end !== null) return kind === "question" ? ["answered", "complete"] : ["", ""];
  const over = run.ended !== null || (span !== null && span.end !== null);
  const [none, open] = kind === "question" ? NO_ANSWER : NO_RESULT;
  return over ? [none, "cut"] : [open, "running"];
}

function clusterStory({ kind, of, span }, run) {
  const [first, last] = [of[0], of.at(-1)];
  const failed = of.filter((it) => it.failed || it.state === "error").length;
  const names = new Map();
  for (const { label, agent, task } of of) {
    const name = label ?? (task || agent);
    names.set(name, (names.get(name) ?? 0) + 1);
  }
  const listed = [...names].slice(0, NAMED).map(([name, n]) => (n > 1 ? `${name} × ${n}` : name));
  if (names.size > NAMED) listed.push(`${count(names.size - NAMED)} more`);
  const when = `${at(first, run)} to ${time((last.end ?? last.start) - run.started)}`;
  const agent = span?.agent ?? first.agent ?? "";
  const state = failed > 0 ? `${count(failed)} failed` : "";
  const flavour = failed > 0 ? "error" : "";
  const lines = [listed.join(", ")];
  return { agent, title: many(of.length, kind), state, flavour, when, lines };
}

function since({ start, end }, run, now, around = null) {
  const until = end ?? around?.end ?? run.ended ?? run.started + now;
  return `${lasting(Math.max(0, until - start))}, ${at({ start }, run)}`;
}

function at({ start }, run) {
  return `from ${time(start - run.started)}`;
}

function time(ms) {
  return ms < 0 ? `−${lasting(-ms)}` : lasting(ms);
}

// What a run is made of: blocks of agents, what they did within them, and what they asked.

import { text } from "./reading.js";

/**
 * @typedef {object} Mark what an agent did within its block
 * @property {"tool" | "handoff" | "artifact" | "question"} kind
 * @property {string} label the tool, the agent that goes on, the artifact's name, the prompt
 * @property {string} detail a tool's arguments, a hand-off's task, a media type: in short
 * @property {string} outcome a tool's output or error, an answer: in short
 * @property {number} start ms
 * @property {number | null} end ms; null while a result or an answer has not come
 * @property {boolean} failed
 * @property {number} offset
 * @property {number | null} endOffset of the result or the answer
 * @property {string} [to] the agent that a hand-off names
 * @property {Span | null} [next] that agent's next span, once it began
 */

/**
 * @typedef {object} Span one block of an agent
 * @property {string} id unique in its run; `@<offset>` where the event had none
 * @property {string} agent
 * @property {string} task
 * @property {string | null} parent the id of the span around it
 * @property {number} depth
 * @property {number} lane an index into the run's `lanes`; never changes
 * @property {number} start ms
 * @property {number | null} end ms, never before `start`
 * @property {"running" | "complete" | "error" | "cut"} state `cut`: open when its run ended
 * @property {number} offset
 * @property {number | null} endOffset null for a span that is open, or was cut
 * @property {unknown} output undefined where there was none, or too much to keep: see `endOffset`
 * @property {string} message of an error
 * @property {Mark[]} marks
 * @property {number} leftOut how many more marks there were
 */

/**
 * @typedef {object} Question
 * @property {string} request
 * @property {string} prompt
 * @property {unknown} schema
 * @property {string | null} agent
 * @property {number} offset
 * @property {number} start ms
 * @property {"pending" | "answered" | "void"} state `void`: its run has ended without an answer
 * @property {unknown} value
 * @property {number | null} endOffset of the answer
 */

/** @returns {Span} one that begins */
export function newSpan({ at, offset, agent, id, data }, around, lane) {
  return {
    id: id ?? `@${offset}`,
    agent,
    task: text(data.task),
    parent: around?.id ?? null,
    depth: around ? around.depth + 1 : 0,
    lane,
    start: at,
    end: null,
    state: "running",
    offset,
    endOffset: null,
    output: undefined,
    message: "",
    marks: [],
    leftOut: 0,
  };
}

/** @returns {Mark} */
export function newMark({ at, offset }, kind, label, detail, end = at) {
  const times = { start: at, end };
  return { kind, label, detail, outcome: "", ...times, failed: false, offset, endOffset: null };
}

/** @returns {Question} */
export function newQuestion({ at, offset, agent, data }, request) {
  const { schema } = data;
  const prompt = text(data.prompt, 20_000);
  const open = { state: "pending", value: undefined, endOffset: null };
  return { request, prompt, schema, agent, offset, start: at, ...open };
}

/** What ends at a time; by a clock that was set back that may be before the start: no length. */
export function endAt({ start }, at) {
  return { end: Math.max(start, at) };
}

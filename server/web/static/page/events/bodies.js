// What a row says: a line that is always there, and what unfolds below it. Everything that came
// from outside becomes text, never markup.

import { element } from "../dom.js";
import { colourOf, count, duration, plain, size } from "../format.js";
import { isFailure } from "./kinds.js";
import { saying } from "./saying.js";

const PREVIEW = 400; // characters of a value on a line; the style cuts them to its width
const SHORT = 80; // a value that needs no unfolding

/**
 * @typedef {object} Body
 * @property {Node[]} line
 * @property {[string, (event: object, result: object | null) => unknown][]} parts what unfolds
 * @property {boolean} [wraps] the line may take several
 */

const BODIES = {
  run_start: ({ workflow, input }) =>
    value(input, "input", ({ data }) => data.input, [strong(workflow)]),
  complete: ({ result }) =>
    value(result, "result", ({ data }) => data.result, [strong("Run complete")]),
  cancelled: ({ reason }) => words([strong("Run cancelled"), text(reason)]),
  error: ({ code, message, detail }) => ({
    line: [strong("Run failed"), element("code", "code", plain(code)), text(message)],
    parts: detail === undefined ? [] : [["detail", ({ data }) => data.detail]],
    wraps: true,
  }),
  agent_start: ({ task }) => words([text(task, "task")]),
  agent_complete: ({ output, seconds }) =>
    value(output, "output", ({ data }) => data.output, [], [faint(lasted(seconds))]),
  agent_error: ({ message }) => words([text(message, "wrong")]),
  tool_call: tool,
  tool_result: tool,
  handoff: ({ to, task }) => words([arrow(), agent(to), text(task)]),
  progress: ({ done, total, label }) => words([...bar(done, total), text(label)]),
  artifact: (data) => ({
    line: [element("strong", "name", plain(data.name)), faint(facts(data))],
    parts: [],
  }),
  input_request: ({ prompt, schema }) =>
    value(schema, "schema", ({ data }) => data.schema, [text(prompt, "prompt")], [], true),
  input_received: ({ value: given }) => value(given, "value", ({ data }) => data.value),
  log: ({ text: line }) => words([text(line, "line")]),
};

/**
 * @param {import("./rows.js").Row} row
 * @returns {Body}
 */
export function body(row) {
  const { event, result } = row;
  if (event.type === "agent_delta" || event.type === "agent_message") return saying(row);
  const made = BODIES[event.type]?.(event.data, event, result);
  return made ?? value(event.data, "data", ({ data }) => data);
}

/** The parts of a body that are there to unfold, with the full events where they are heavy. */
export function unfold(parts, event, result) {
  return parts
    .map(([name, read]) => [name, read(event, result)])
    .filter(([, found]) => found !== undefined);
}

function tool(data, event, result) {
  const answer = event.type === "tool_result" ? event : result;
  const call = event.type === "tool_call" ? event : null;
  const line = [strong(data.tool)];
  if (call !== null) line.push(preview(data.arguments));
  line.push(...outcome(answer, call));
  return { line, parts: toolParts(call !== null), wraps: false };
}

function toolParts(called) {
  const answer = called ? (_, result) => result?.data : ({ data }) => data;
  const after = [
    ["output", (event, result) => answer(event, result)?.output],
    ["error", (event, result) => answer(event, result)?.error],
  ];
  return called ? [["arguments", ({ data }) => data.arguments ?? {}], ...after] : after;
}

function outcome(answer, call) {
  if (answer === null) return [element("span", "faint", "…")];
  const { output, error } = answer.data;
  const failed = isFailure(answer);
  const shown = failed ? text(inline(error), "wrong answer") : preview(output);
  shown.classList.add("answer");
  if (call === null) return [shown];
  const took = lasted((Date.parse(answer.time) - Date.parse(call.time)) / 1000);
  return [element("span", "outcome", arrow(), shown, faint(took))];
}

/** Any JSON: all of it on the line where it is short, else its beginning, to unfold. */
function value(json, name, read, before = [], after = [], wraps = false) {
  if (isNothing(json)) return words([...before, ...after]);
  const short = inline(json).length <= SHORT;
  const shown = preview(json);
  shown.classList.toggle("short", short);
  const parts = short ? [] : [[name, read]];
  return { line: [...before, shown, ...after], parts, wraps: wraps || short };
}

function isNothing(json) {
  if (json === undefined || json === null || json === "") return true;
  return typeof json === "object" && Object.keys(json).length === 0;
}

function inline(json) {
  return typeof json === "string" ? json : (JSON.stringify(json) ?? "");
}

function preview(json) {
  const line = isNothing(json) ? "" : inline(json);
  return element("code", "preview", line.length > PREVIEW ? `${line.slice(0, PREVIEW)}…` : line);
}

function facts({ media_type: type, text: content, base64 }) {
  const bytes = typeof content === "string" ? content.length : (plain(base64).length * 3) / 4;
  return [plain(type), bytes > 0 ? size(Math.floor(bytes)) : ""].filter(Boolean).join(" · ");
}

function bar(done, of) {
  const progress = element("progress");
  progress.max = of > 0 ? of : 1;
  progress.value = done > 0 ? done : 0;
  progress.setAttribute("aria-label", "Progress");
  return [progress, element("span", "figures", `${figure(done)} / ${figure(of)}`)];
}

function figure(number) {
  return typeof number === "number" ? count(number) : plain(number);
}

function agent(name) {
  return element("span", `agent ${colourOf(plain(name))}`, plain(name));
}

function lasted(seconds) {
  return typeof seconds === "number" && seconds >= 0 ? duration(seconds) : "";
}

function words(line) {
  return { line, parts: [], wraps: true };
}

function arrow() {
  return element("span", "arrow", "→");
}

function text(given, className = "") {
  return element("span", className, plain(given));
}

function strong(given) {
  return element("strong", "", plain(given));
}

function faint(given) {
  return element("span", "faint", given);
}

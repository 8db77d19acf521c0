// One run as its events tell it. Ids, names and texts are the workflow's: any of them may be wrong.

import { Lanes } from "../timeline/lanes.js";
import { amount, fields, moment, name, text, weight } from "./reading.js";
import { endAt, newMark, newQuestion, newSpan } from "./shapes.js";

const SPANS = 4000;
const MARKS = 20_000; // of one run
const MARKS_OF_SPAN = 400;
const BRIEF = 300; // characters
const LISTED = 1000; // artifacts, questions
const LONG = 250_000; // characters of an output
const CHARACTERS = 4_000_000; // of all outputs of a run

export class RunOutline {
  static #steps = {
    run_start: (run, told) => run.#begin(told),
    complete: (run, told) => run.#end(told),
    error: (run, told) => run.#end(told),
    cancelled: (run, told) => run.#end(told),
    agent_start: (run, told) => run.#startSpan(told),
    agent_complete: (run, told) => run.#endSpan(told, "complete"),
    agent_error: (run, told) => run.#endSpan(told, "error"),
    tool_call: (run, told) => run.#call(told),
    tool_result: (run, told) => run.#result(told),
    handoff: (run, told) => run.#handoff(told),
    progress: (run, told) => run.#progress(told),
    artifact: (run, told) => run.#artifact(told),
    input_request: (run, told) => run.#ask(told),
    input_received: (run, told) => run.#answer(told),
  };

  /** The types of the events that `add` takes. */
  static types = Object.keys(RunOutline.#steps);

  #spans = new Map(); // id → the newest span of that id
  #open = new Set(); // in the order in which they began
  #speaking = new Map(); // agent → its open spans
  #calls = new Map(); // call → its mark, until the result
  #asked = new Map(); // request → its question and mark
  #handed = new Map(); // agent → marks of hand-offs that wait for its next span
  #lanes = new Lanes();
  #marks = 0;
  #characters = 0;

  workflow = "";
  input = undefined;
  /** @type {"running" | "complete" | "error" | "cancelled"} */
  state = "running";
  /** ms; of `run_start`, or of the first event that is left of the run */
  started = 0;
  /** @type {number | null} ms, never before `started` */
  ended = null;
  /** ms of the newest event */
  updated = 0;
  offset = 0;
  /** @type {number | null} */
  endOffset = null;
  result = undefined;
  /** @type {{code: string, message: string, detail: unknown} | null} */
  error = null;
  reason = "";
  /** @type {{done: number, total: number, label: string} | null} `total` 0 where it is not known */
  progress = null;
  /** @type {import("./shapes.js").Span[]} in the order in which they began */
  spans = [];
  spansLeftOut = 0;
  /** @type {import("./shapes.js").Mark[]} of events without a span */
  marks = [];
  leftOut = 0;
  /** @type {import("./shapes.js").Question[]} */
  questions = [];
  questionsLeftOut = 0;
  /** @type {{offset: number, name: string, media_type: string, agent: string | null}[]} */
  artifacts = [];
  artifactsLeftOut = 0;

  /** @param {string} id */
  constructor(id) {
    this.id = id;
  }

  /** @returns {import("./shapes.js").Span[]} the open ones, innermost last */
  get current() {
    return [...this.#open];
  }

  /** @returns {import("../timeline/lanes.js").Lane[]} */
  get lanes() {
    return this.#lanes.all;
  }

  /** How much is kept, in spans and marks and what weighs as much. */
  get kept() {
    return this.spans.length + this.#marks + this.#characters / 500;
  }

  /** @returns {import("./shapes.js").Span | undefined} */
  span(id) {
    return this.#spans.get(id);
  }

  /** @returns {boolean} whether something changed: nothing does after the end */
  add(event) {
    if (this.state !== "running") return false;
    const at = moment(event.time) ?? this.updated;
    if (this.offset === 0) {
      this.offset = event.offset;
      this.started = at;
    }
    this.updated = Math.max(this.updated, at);
    RunOutline.#steps[event.type](this, {
      at,
      type: event.type,
      offset: event.offset,
      agent: name(event.agent),
      id: name(event.span),
      data: fields(event.data),
    });
    return true;
  }

  /** What the run object says of a run whose beginning was not read. */
  describe({ workflow, started }) {
    this.workflow ||= text(workflow, 256);
    this.started = Math.min(this.started, moment(started) ?? this.started);
  }

  #begin({ data }) {
    this.workflow ||= text(data.workflow, 256);
    this.input ??= this.#keep(data.input);
  }

  #end({ at, type, offset, data }) {
    this.state = type;
    this.ended = Math.max(at, this.started);
    this.endOffset = offset;
    if (type === "complete") this.result = this.#keep(data.result);
    if (type === "cancelled") this.reason = text(data.reason);
    if (type === "error") {
      const [code, message] = [text(data.code, 256), text(data.message)];
      this.error = { code, message, detail: this.#keep(data.detail) };
    }
    for (const span of this.#open) Object.assign(span, endAt(span, this.ended), { state: "cut" });
    for (const question of this.questions) {
      if (question.state === "pending") question.state = "void";
    }
    const waiting = [this.#open, this.#speaking, this.#calls, this.#asked, this.#handed];
    for (const each of waiting) each.clear();
  }

  #startSpan(told) {
    if (this.spans.length >= SPANS) {
      this.spansLeftOut += 1;
      return undefined;
    }
    const before = this.#spans.get(told.id);
    if (before?.state === "running") this.#close(before, { at: told.at, state: "cut" });
    const around = this.#spans.get(name(told.data.parent));
    const speaker = told.agent ?? "?";
    const lane = this.#lanes.take(speaker, around?.lane ?? null);
    const span = newSpan({ ...told, agent: speaker }, around, lane);
    this.#spans.set(span.id, span);
    this.spans.push(span);
    this.#open.add(span);
    pushTo(this.#speaking, speaker, span);
    const handed = this.#handed.get(speaker)?.shift();
    if (handed) handed.next = span;
    return span;
  }

  #endSpan(told, state) {
    const { at, offset, id, agent, data } = told;
    const named = id !== null;
    const nameless = (span) => span.id.startsWith("@");
    const span = named ? this.#spanOf(told) : this.#speaking.get(agent)?.findLast(nameless);
    if (span?.state !== "running") return;
    span.output = this.#keep(data.output);
    span.message = text(data.message);
    this.#close(span, { at, state, endOffset: offset });
  }

  #close(span, { at, state, endOffset = null }) {
    Object.assign(span, endAt(span, at), { state, endOffset });
    this.#open.delete(span);
    const speaking = this.#speaking.get(span.agent);
    speaking.splice(speaking.lastIndexOf(span), 1);
    this.#lanes.release(span.lane);
  }

  /** The span that an event belongs to. One whose start the log has lost begins with it. */
  #spanOf(told) {
    const { id, agent } = told;
    if (id === null) return this.#speaking.get(agent)?.at(-1);
    const known = this.#spans.get(id);
    if (known || agent === null || this.spans.length >= SPANS) return known;
    return this.#startSpan({ ...told, data: {} });
  }

  #call(told) {
    const { tool, arguments: given } = told.data;
    const mark = this.#mark(told, "tool", text(tool, 256) || "tool", text(given, BRIEF), null);
    if (mark) this.#calls.set(callOf(told), mark);
  }

  #result(told) {
    const { output, error } = told.data;
    const key = callOf(told);
    const mark = this.#calls.get(key);
    if (!mark) return;
    this.#calls.delete(key);
    mark.failed = error !== undefined && error !== null;
    mark.outcome = text(mark.failed ? error : output, BRIEF);
    Object.assign(mark, endAt(mark, told.at), { endOffset: told.offset });
  }

  #handoff(told) {
    const to = name(told.data.to);
    const mark = this.#mark(told, "handoff", to ?? "?", text(told.data.task, BRIEF));
    if (!mark) return;
    Object.assign(mark, { to: to ?? "", next: null });
    if (to !== null) pushTo(this.#handed, to, mark);
  }

  #progress({ data }) {
    const { done, total, label } = data;
    this.progress = { done: amount(done), total: amount(total), label: text(label, 300) };
  }

  #artifact(told) {
    const { offset, agent, data } = told;
    const [title, mediaType] = [text(data.name, 256), text(data.media_type, 256)];
    this.#mark(told, "artifact", title, mediaType);
    const room = this.artifacts.length < LISTED;
    if (room) this.artifacts.push({ offset, name: title, media_type: mediaType, agent });
    else this.artifactsLeftOut += 1;
  }

  #ask(told) {
    const { data } = told;
    const request = name(data.request);
    if (request === null || this.#asked.has(request)) return;
    if (this.questions.length >= LISTED) {
      this.questionsLeftOut += 1;
      return;
    }
    const question = newQuestion(told, request);
    this.questions.push(question);
    const mark = this.#mark(told, "question", text(data.prompt, BRIEF), "", null);
    this.#asked.set(request, { question, mark });
  }

  #answer({ at, offset, data }) {
    const { question, mark } = this.#asked.get(name(data.request)) ?? {};
    if (question?.state !== "pending") return;
    Object.assign(question, { state: "answered", value: data.value, endOffset: offset });
    const outcome = text(data.value, BRIEF);
    if (mark) Object.assign(mark, endAt(mark, at), { endOffset: offset, outcome });
  }

  /** @returns {import("./shapes.js").Mark | null} null where there is no room for it */
  #mark(told, kind, ...what) {
    const span = this.#spanOf(told);
    const owner = span ?? this;
    const lost = told.id !== null && !span; // its span is one of those that are left out
    if (lost || owner.marks.length >= MARKS_OF_SPAN || this.#marks >= MARKS) {
      owner.leftOut += 1;
      return null;
    }
    this.#marks += 1;
    owner.marks.push(newMark(told, kind, ...what));
    return owner.marks.at(-1);
  }

  /** @returns {unknown} the value, or undefined where there is no room for it */
  #keep(value) {
    const characters = weight(value, LONG);
    if (characters > LONG || this.#characters + characters > CHARACTERS) return undefined;
    this.#characters += characters;
    return value;
  }
}

/** Calls without an id are matched by their tool, within their span. */
function callOf({ agent, id, data }) {
  const { call, tool } = data;
  if (typeof call === "string" || typeof call === "number") return `id ${text(call, 256)}`;
  return `tool ${id ?? agent} ${text(tool, 256)}`;
}

function pushTo(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

// The contract's event types, in the groups that a reader thinks in. Pure.

/** @type {[string, string[]][]} */
export const GROUPS = [
  ["Runs", ["run_start", "complete", "error", "cancelled"]],
  ["Agents", ["agent_start", "agent_complete", "agent_error", "handoff"]],
  ["Messages", ["agent_message", "agent_delta"]],
  ["Tools", ["tool_call", "tool_result"]],
  ["Artifacts", ["artifact"]],
  ["Questions", ["input_request", "input_received"]],
  ["Progress", ["progress"]],
  ["Output", ["log"]],
];

const GROUP_OF = new Map(GROUPS.flatMap(([name, types]) => types.map((type) => [type, name])));
const WORDS = {
  agent_delta: "message",
  agent_message: "message",
  agent_start: "start",
  agent_complete: "done",
  agent_error: "failed",
  tool_call: "tool",
  tool_result: "result",
  input_request: "question",
  input_received: "answer",
  run_start: "run",
};

/** @returns {string | undefined} undefined for a workflow's own type */
export function groupOf(type) {
  return GROUP_OF.get(type);
}

/** @returns {string} the type in the words of the page; an own type in its own */
export function wordFor(type) {
  return WORDS[type] ?? type;
}

/** @returns {string[]} classes of a row, for its looks */
export function looksOf({ type, event, result }) {
  const group = groupOf(type);
  const looks = ["event", group ? `is-${group.toLowerCase()}` : "is-own"];
  if (type === "complete" || type === "agent_complete") looks.push("good");
  if (type === "error" || type === "agent_error") looks.push("bad");
  if (type === "cancelled") looks.push("off");
  if (result !== null && isFailure(result)) looks.push("failed");
  if (type === "tool_result" && isFailure(event)) looks.push("failed");
  if (type === "log" && event.data.stream === "stderr") looks.push("stderr");
  if (type === "complete" || type === "error" || type === "cancelled") looks.push("terminal");
  return looks;
}

/** A result says that its tool failed by having an `error`. */
export function isFailure({ data }) {
  return data.error !== undefined && data.error !== null;
}

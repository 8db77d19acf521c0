// An event's content as nodes. Everything that came from outside becomes text, never markup.

const SHORT = 120; // characters that stay on the line; longer values unfold

const BODIES = {
  run_start: ({ workflow, input }) => [strong(workflow), value(input)],
  complete: ({ result }) => [value(result)],
  cancelled: ({ reason }) => [text(reason)],
  error: ({ code, message, detail }) => [
    strong(code),
    text(message),
    ...(detail === undefined ? [] : [unfolding("detail", detail)]),
  ],
  agent_start: ({ task }) => [text(task)],
  agent_complete: ({ output, seconds }) => [value(output), faint(duration(seconds))],
  agent_error: ({ message }) => [text(message)],
  tool_call: ({ tool, arguments: given }) => [strong(tool), value(given)],
  tool_result: ({ tool, output, error }) => [
    strong(tool),
    error === undefined ? value(output) : element("span", "wrong", plain(error)),
  ],
  handoff: ({ to, task }) => [element("span", "to", `→ ${plain(to)}`), text(task)],
  progress: ({ done, total, label }) => [bar(done, total), text(label)],
  artifact: (data) => [artifact(data)],
  input_request: ({ prompt, schema }) => [text(prompt), value(schema)],
  input_received: ({ value: given }) => [value(given)],
  log: ({ text: line }) => [element("span", "line", plain(line))],
};

/**
 * @param {import("./rows.js").Row} row
 * @returns {Node[]}
 */
export function body({ event, text: grown, cut }) {
  if (event.type === "agent_delta" || event.type === "agent_message") {
    return [element("span", "said", grown), ...(cut ? [faint("… longer than is shown here")] : [])];
  }
  const nodes = BODIES[event.type]?.(event.data) ?? [value(event.data)];
  return nodes.filter((node) => node.textContent !== "" || node.childElementCount > 0);
}

/** @returns {HTMLElement} with its text, if any */
export function element(tag, className, content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}

function artifact({ name, media_type: mediaType, text: content, base64 }) {
  const inBytes = typeof content !== "string";
  const length = inBytes ? Math.floor((plain(base64).length * 3) / 4) : content.length;
  const size = `${length.toLocaleString("en")} ${inBytes ? "bytes" : "characters"}`;
  const shown = inBytes ? decoded(base64, mediaType) : content;
  return unfolding(`${plain(name)} · ${plain(mediaType)} · ${size}`, shown);
}

/** Text that came as bytes is read; other bytes stay as they came. */
function decoded(base64, mediaType) {
  if (!/^text\/|json|xml|csv/.test(plain(mediaType))) return plain(base64);
  try {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    return plain(base64);
  }
}

/** A text behind its summary; it enters the document when it is opened. */
function unfolding(summary, content) {
  const details = element("details");
  details.append(element("summary", "", summary));
  const open = () => details.append(element("pre", "", plain(content)));
  details.addEventListener("toggle", open, { once: true });
  return details;
}

/** Any JSON: short on the line, long behind its beginning. */
function value(json) {
  if (json === undefined || json === null || isEmpty(json)) return text("");
  const line = typeof json === "string" ? json : JSON.stringify(json);
  if (line.length <= SHORT) return element("code", "", line);
  return unfolding(`${line.slice(0, SHORT)}…`, plain(json));
}

function isEmpty(json) {
  return typeof json === "object" && Object.keys(json).length === 0;
}

function bar(done, total) {
  const progress = element("progress");
  progress.max = total > 0 ? total : 1;
  progress.value = done > 0 ? done : 0;
  const figures = element("span", "bar");
  figures.append(progress, element("span", "faint", `${plain(done)} / ${plain(total)}`));
  return figures;
}

function duration(seconds) {
  return typeof seconds === "number" ? `${seconds.toFixed(seconds < 10 ? 2 : 0)} s` : "";
}

/** A field of a workflow's own event may hold anything where a text is expected. */
function plain(given) {
  if (given === undefined || given === null) return "";
  return typeof given === "string" ? given : JSON.stringify(given, null, 2);
}

function text(given) {
  return element("span", "", plain(given));
}

function strong(given) {
  return element("strong", "", plain(given));
}

function faint(given) {
  return element("span", "faint", given);
}

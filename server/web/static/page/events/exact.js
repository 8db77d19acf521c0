// An event's JSON exactly as the log has it. Parsing and writing it again would round its numbers.
// Pure.

/** @returns {string | null} the only event of an answer to `events?limit=1`, as it came */
export function textOf(answer) {
  const begin = '"events":[';
  const from = answer.indexOf(begin) + begin.length; // before it stand names and numbers only
  const to = answer.lastIndexOf('],"next":');
  return from < begin.length || to <= from ? null : answer.slice(from, to);
}

/** @returns {string} the same JSON over several lines; its texts and numbers stay as they are */
export function pretty(json) {
  const out = [];
  let [depth, before] = [0, ""];
  for (const [token] of json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/gs)) {
    const [opened, closes] = [isOneOf(before, "{["), isOneOf(token, "}]")];
    if (closes) depth -= 1;
    if (opened !== closes || before === ",") out.push(line(depth));
    out.push(token === ":" ? ": " : token);
    if (isOneOf(token, "{[")) depth += 1;
    before = token;
  }
  return out.join("");
}

function isOneOf(token, signs) {
  return token.length === 1 && signs.includes(token);
}

function line(depth) {
  return `\n${"  ".repeat(depth)}`;
}

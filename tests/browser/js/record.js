// Follows sessions and keeps all that the client told, for a test to read.

import { connect, follow } from "/static/keepstream.js";

function notes() {
  const told = { states: [], names: [], reasons: [], transports: [], resets: [] };
  return { offsets: [], events: [], ...told };
}

function listeners(kept) {
  return {
    onState: (state) => {
      kept.states.push(state.text);
      kept.names.push(state.name);
      kept.reasons.push(state.reason);
      kept.transports.push(state.transport);
      kept.missed = Math.max(kept.missed ?? 0, state.missed);
    },
    onReset: (reset) => kept.resets.push(reset.reason),
  };
}

function keep(kept, event) {
  kept.offsets.push(event.offset);
  kept.events.push(event);
}

function recorder(kept) {
  const onEvent = (event, cursor) => {
    keep(kept, event);
    kept.lastCursor = cursor;
  };
  return { ...listeners(kept), onEvent };
}

/** @returns {{stream: object, offsets: number[], events: object[], states: string[]}} */
export function record(session, options = {}) {
  const kept = { ...notes(), control: new AbortController() };
  const { signal } = kept.control;
  kept.stream = follow(`/api/sessions/${session}`, { ...recorder(kept), signal, ...options });
  return kept;
}

/** The same in a loop, which waits for `kept.go()` after each event unless it is told `free`. */
export function loop(session, options = {}, free = false) {
  const kept = { ...notes(), most: 0, done: false, threw: null, free };
  kept.stream = follow(`/api/sessions/${session}`, { ...listeners(kept), ...options });
  run(kept);
  return kept;
}

async function run(kept) {
  try {
    for await (const event of kept.stream) {
      keep(kept, event);
      kept.lastCursor = kept.stream.cursor;
      kept.most = Math.max(kept.most, kept.stream.buffered);
      if (event.offset === kept.leaveAt) break;
      if (!kept.free) await new Promise((resolve) => (kept.go = resolve));
    }
  } catch (error) {
    kept.threw = { message: error.message, reason: error.reason, name: error.name };
  }
  kept.done = true;
}

/** Many sessions over one connection. */
export function recordMany(sessions, options = {}, url = undefined) {
  const connection = connect(url, options);
  const kept = { connection, sessions: {} };
  kept.follow = (session, own = {}) => {
    const each = notes();
    each.stream = connection.follow(session, { ...recorder(each), ...own });
    kept.sessions[session] = each;
  };
  sessions.forEach((session) => kept.follow(session));
  return kept;
}

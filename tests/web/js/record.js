// Follows a session and keeps all that the client told, for a test to read.

import { follow } from "/static/keepstream.js";

/** @returns {{stream: object, offsets: number[], events: object[], states: string[]}} */
export function record(session, options = {}) {
  const kept = { offsets: [], events: [], states: [], reasons: [], transports: [], resets: [] };
  kept.stream = follow(`/api/sessions/${session}`, {
    ...options,
    onEvent: (event, cursor) => {
      kept.offsets.push(event.offset);
      kept.events.push(event);
      kept.lastCursor = cursor;
    },
    onState: (state) => {
      kept.states.push(state.text);
      kept.reasons.push(state.reason);
      kept.transports.push(state.transport);
    },
    onReset: (reset) => kept.resets.push(reset.reason),
  });
  return kept;
}

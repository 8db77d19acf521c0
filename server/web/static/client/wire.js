// What the ways to a stream of frames have in common. Each way is a function
// (address, wire) → Promise<Ending>: it opens one connection, hands every frame to the wire, and
// resolves when that connection is over. It never rejects and never tries again. Aborting
// `wire.signal` ends the connection, its reason says why; nothing is handed over after that.
//
// wire.receive(frame, size)  one decoded frame, in order, and about how many characters it took
// wire.alive()               bytes arrived, whatever they were
// wire.opened(send)          only where the way carries messages to the server

/** The ending of a connection of which nothing more is known. */
export const LOST = Object.freeze({});

/** The frame in a message, or the array of them; null for what cannot be read: it is missed. */
export function decode(text) {
  try {
    const frame = JSON.parse(text);
    return typeof frame === "object" ? frame : null;
  } catch {
    return null;
  }
}

export function deliver(frame, wire, size = 0) {
  if (frame !== null && !wire.signal.aborted) wire.receive(frame, size);
}

/** @returns {Promise<import("./policy.js").Ending>} of an HTTP answer that refuses */
export async function refusal(answer) {
  const seconds = Number(answer.headers.get("Retry-After") ?? NaN);
  const afterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  const told = decode(await answer.text().catch(() => ""));
  return { status: answer.status, afterMs, ...errorIn(told) };
}

/** A proxy's error has no code of the server's, however its status reads. */
function errorIn(told) {
  const { code, message } = told?.error ?? {};
  return typeof code === "string" ? { error: code, words: message } : {};
}

/** Resolves after so many milliseconds, or when the signal is aborted. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

// A run's state in words, and as the outline of an icon.

export const STATES = {
  waiting: "Waiting",
  running: "Running",
  complete: "Complete",
  error: "Failed",
  cancelled: "Cancelled",
};

/** Paths in a square of 16; each has a shape of its own, for who sees no colours. */
export const ICONS = {
  waiting: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8M8 4.6V8l2.3 1.6",
  running: "M14.2 8A6.2 6.2 0 1 1 8 1.8",
  complete: "M2.8 8.6 6.3 12l7-7.6",
  error: "M3.6 3.6l8.8 8.8M12.4 3.6l-8.8 8.8",
  cancelled: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 1 0 8 1.8M3.7 12.3l8.6-8.6",
};

const CODES = {
  workflow_error: "The workflow raised an error",
  workflow_crashed: "The workflow's process died",
  workflow_timeout: "The run took longer than it may",
  workflow_unresponsive: "The workflow did not stop when it was told to, and was killed",
  protocol_error: "The workflow broke the rules of its pipe to the server",
  limit_exceeded: "The workflow went over a limit",
  run_lost: "The run's process went away where no server saw it",
};

/**
 * @param {import("./run-outline.js").RunOutline} run
 * @returns {{flavour: string, words: string, code: string, message: string} | null} what went
 *   wrong; null where nothing did
 */
export function troubleOf({ state, error, reason }) {
  if (state === "cancelled") {
    return { flavour: "cancelled", words: "Cancelled", code: "", message: reason };
  }
  if (state !== "error") return null;
  const { code, message } = error;
  return { flavour: "error", words: CODES[code] ?? "The run failed", code, message };
}

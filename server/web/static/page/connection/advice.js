// What to do about a "no" of the server's diagnosis, in plain words: pure. The server says what is;
// this page knows who reads it.

/**
 * @typedef {object} Advice
 * @property {string} short the verdict, were this the reason
 * @property {string} advice what to do next
 * @property {"wait" | "bad"} tone whether it passes by itself or is likely to
 * @property {{name: string, label: string}} [action] an event to fire
 */

const START = { name: "new", label: "Start a run" };
const SLOW_START = 10_000; // ms after which a start is no longer an ordinary one

const CODES = {
  workflow_error:
    "The workflow's own code raised this. The error event at the end of the log has the" +
    " traceback in its detail. Correct the workflow or its input, then start it again.",
  workflow_crashed:
    "Its process died before it said how it ended. The error event has the signal or the exit" +
    " code, and the last lines of its stderr. SIGKILL without a limit of ours is mostly the" +
    " machine out of memory; SIGSEGV and SIGABRT come from a native library.",
  workflow_timeout:
    "It took longer than it may. Make it shorter, or allow it more: timeout= at the workflow, or" +
    " RUN_TIMEOUT_SECONDS for all.",
  workflow_unresponsive:
    "It was told to stop and did not. Plain functions should look at ctx.cancelled in their" +
    " loops; async ones must not swallow CancelledError.",
  protocol_error:
    "It broke the rules of the pipe to the server. Emit through ctx alone, leave reserved types" +
    " to the server, and keep other code off the run's socket.",
  limit_exceeded:
    "It needed more than it may have. Use less, hand big results over as artifacts, or raise the" +
    " limit that the message names.",
  run_lost:
    "Its process went away while no server was there to see it: mostly the machine restarted." +
    " The events up to there are whole. Start it again.",
};
const OTHER_CODE = "The error event at the end of the log has all that is known of it.";

const BEFALLEN = [
  [
    /^a reader was reset: epoch/,
    "A reader came with a cursor from another life of this log, and got all of it from its" +
      " start. If that was this page, it shows the right log now; other readers should forget" +
      " their old cursors.",
  ],
  [
    /^a reader was reset: ahead/,
    "A reader knew more events than the log has: the data was restored from an older copy. It got" +
      " the log from its start. After a restore, start the server once with NEW_EPOCH=1.",
  ],
  [
    /^a reader took nothing/,
    "A reader was connected and took nothing for a minute: its program hangs or its machine is" +
      " overloaded. It slows nobody, and may come back with its cursor without a loss.",
  ],
];

const ASKED = {
  "Is the workflow starting?": starting,
  "Does the session exist?": missing,
  "Are events emitted?": silent,
  "Are they in the log?": empty,
  "Are subscribers consuming?": idle,
  "Is anything in the way?": hindered,
};

/**
 * @param {string} question the server's, answered with no
 * @param {object} facts of all questions, see `factsOf`
 * @param {object} at
 * @param {number} at.now ms, by the server's clock
 * @param {boolean} at.connected whether this page believes that it is
 * @returns {Advice | null} null for a question that is not known here
 */
export function adviceFor(question, facts, at) {
  return ASKED[question]?.(facts, at) ?? null;
}

function starting({ run, runState, runCreated, sessionState }, { now }) {
  if (!run) {
    return {
      short: "No run was started in this session.",
      advice: "Start one: it shows up here by itself, also when somebody else starts it.",
      tone: "wait",
      ...(sessionState && { action: START }), // else the next question has the button
    };
  }
  if (runState === "queued") {
    return {
      short: "The run waits for a place.",
      advice:
        "As many runs as may run at once (MAX_RUNS) are at work. It begins by itself when one of" +
        " them ends: cancel one that nobody needs, or raise MAX_RUNS.",
      tone: "wait",
    };
  }
  const slow = now - Date.parse(runCreated) > SLOW_START;
  return {
    short: slow ? "The run's process does not get started." : "The run is starting.",
    advice: slow
      ? "Its process has not said hello for a while. What the workflow's module does when it is" +
        " imported may take long; the server's log has the lines of this run."
      : "Its process has not said hello yet. That takes a moment.",
    tone: slow ? "bad" : "wait",
  };
}

function missing({ session }) {
  return {
    short: `The server knows of no session ${session}.`,
    advice:
      "Is its id right? It was never asked for, was deleted, or had no event before the server" +
      " restarted. A page that follows it, or a run in it, brings it into being.",
    tone: "bad",
    action: START,
  };
}

function silent({ run, runState }) {
  if (!run) {
    return {
      short: "Nothing was emitted.",
      advice: "There is no run that could emit: see the first question.",
      tone: "wait",
    };
  }
  if (runState === "queued" || runState === "starting") {
    return {
      short: "Nothing was emitted yet.",
      advice: "The run has not begun: see the first question.",
      tone: "wait",
    };
  }
  return {
    short: "The workflow runs and has emitted nothing yet.",
    advice:
      "It may compute, load, or wait for a model. If it is yours, let it say early what it does:" +
      " ctx.progress(0, n), or an agent's message.",
    tone: "wait",
  };
}

function empty({ run }) {
  return {
    short: "The session's log is empty.",
    advice: run
      ? "A run begins with an event, so this should not be: look for warnings of the store in" +
        " the server's log, and at the space on its disk."
      : "Its first event comes with its first run.",
    tone: run ? "bad" : "wait",
  };
}

function idle({ subscribers = [], last }, { connected }) {
  if (subscribers.length > 0) return stuck(subscribers, last);
  return {
    short: "Nobody is connected to this session.",
    advice: connected
      ? "This page believes that it is connected, and the server does not see it. Something" +
        " between them holds a dead connection open: cut it, and the page takes the stream up" +
        " again."
      : "Not this page either: see above why.",
    tone: "bad",
    ...(connected && { action: { name: "cut", label: "Cut the connection" } }),
  };
}

function stuck(subscribers) {
  const late = subscribers.filter(({ lag, seconds_since_send: quiet }) => lag > 0 && quiet > 5);
  const who = late.length === 1 ? "A subscriber takes" : `${late.length} subscribers take`;
  return {
    short: `${who} nothing.`,
    advice:
      "What is sent to it is not read. It slows nobody else. If it is this page, the tab has too" +
      " much to do: reload it. After a minute the server cuts it, and it comes back with its" +
      " cursor.",
    tone: "bad",
  };
}

function hindered({ found = [] }) {
  const ended = /^run (\S+) ended with (\w+): ([^]*)$/.exec(found[0] ?? "");
  if (ended) {
    const [, , code, message] = ended;
    return {
      short: `The run ended with ${code}: ${message}`,
      advice: CODES[code] ?? OTHER_CODE,
      tone: "bad",
      action: { ...START, label: "Start a run again" },
    };
  }
  const known = BEFALLEN.find(([words]) => words.test(found[0] ?? ""));
  return {
    short: `Lately ${found[0] ?? "something was in the way"}.`,
    advice: known?.[1] ?? "The server's log has more on it.",
    tone: "wait",
  };
}

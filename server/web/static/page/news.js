// What the page says of its own accord: of the connection between the events, where it can be read
// later; of runs and events to those who listen. The connection panel speaks for itself.

import { count } from "./format.js";

const ENDS = { complete: "The run is complete", error: "The run failed", cancelled: "The run was cancelled" };
const TRANSPORTS = { websocket: "WebSocket", sse: "event stream", poll: "long poll" };

export class News {
  #announcer;
  #view;
  #lost = null; // when the connection was lost, while it is
  #name = "connecting";
  #states = new Map(); // run → the state that was told
  #asked = new Set();
  #settled = false;

  /**
   * @param {import("./announcer.js").Announcer} announcer
   * @param {{note: (words: string) => void}} view
   */
  constructor(announcer, view) {
    this.#announcer = announcer;
    this.#view = view;
  }

  /** Another session is watched. */
  begin() {
    this.#announcer.hush();
    this.#lost = null;
    this.#name = "connecting";
    this.#states.clear();
    this.#asked.clear();
    this.#settled = false;
  }

  /** @param {object[]} events that have come live */
  events(events) {
    this.#announcer.sayEvents(events.length);
  }

  /** @param {import("../client/state.js").State} state */
  state(state, { cursor }) {
    const { name } = state;
    if (name === "reconnecting" && this.#lost === null) {
      this.#lost = performance.now();
      this.#view.note(`Connection lost (${state.reason ?? "broken"}) at ${cursor || "the start"}`);
    } else if (name === "live" && this.#lost !== null) {
      this.#view.note(this.#back(state));
    } else if (name !== this.#name && (name === "ended" || name === "stopped")) {
      this.#view.note(state.text);
    }
    if (name === "live" || name === "ended") this.#settled = true;
    this.#name = name;
  }

  reset(reason) {
    this.#view.note(`The log began again (${reason}): what was shown before is void`);
  }

  /** @param {import("./run/outline.js").RunOutline | null} run the newest */
  run(run) {
    if (run === null) return;
    const before = this.#states.get(run.id);
    this.#states.set(run.id, run.state);
    if (this.#settled && before === "running" && run.state in ENDS) this.#announcer.say(ENDS[run.state]);
    for (const { request, prompt, state } of run.questions) {
      if (state !== "pending" || this.#asked.has(request)) continue;
      this.#asked.add(request);
      this.#announcer.say(`The workflow asks: ${prompt}`);
    }
  }

  #back({ transport, missed = 0 }) {
    const seconds = ((performance.now() - this.#lost) / 1000).toFixed(1);
    this.#lost = null;
    const back = `Back after ${seconds} s over ${TRANSPORTS[transport] ?? transport}`;
    if (missed === 0) return `${back}: nothing was missed`;
    const events = missed === 1 ? "1 event was" : `${count(missed)} events were`;
    return `${back}: ${events} missed and made up for`;
  }
}

// Keepstream's browser client: follows one session's events through every disconnect.
//
//   import { follow } from "/static/keepstream.js";
//   const stream = follow("/api/sessions/s1", {
//     onEvent: (event, cursor) => console.log(event.offset, event.type, event.data),
//     onState: (state) => console.log(state.text),
//   });
//   await stream.cancel(run);
//
// Every event is delivered once and in order, whatever happens to the connections in between; what
// does not fit is counted in `stream.counts` and healed by taking the stream up again. To copy it
// into a project, take the modules that it imports and transports.js with it.

import { post } from "./client/commands.js";
import { Ledger } from "./client/ledger.js";
import { Link, TRANSPORTS } from "./client/link.js";
import { recall, remember } from "./client/memory.js";
import { backoff, choose, verdict } from "./client/policy.js";
import { sessionAfter, stateOf } from "./client/state.js";

const STEADY_MS = 3000; // a connection that lived so long starts the count of attempts again
const NOT_THE_TRANSPORT = new Set(["abandoned", "bye", "cut"]);

/**
 * Starts to follow a session. A session that does not exist yet is waited for.
 *
 * @param {string | URL} url the session's address, `…/api/sessions/<id>`, absolute or relative
 * @param {object} [options]
 * @param {string} [options.after] a cursor, `now`, or empty for the first event
 * @param {string[]} [options.types] only events of these types; gaps cannot be seen then
 * @param {"run" | "forever"} [options.until] `run` (default) ends when the session is closed
 * @param {(event: object, cursor: string) => void} [options.onEvent] the cursor includes the event
 * @param {(state: import("./client/state.js").State) => void} [options.onState] on every change of state,
 *   not on every event
 * @param {(reset: object) => void} [options.onReset] the log began again: forget what was received
 * @param {AbortSignal} [options.signal] closes the stream when aborted
 * @param {string[]} [options.transports] in the order of preference: `websocket`, `sse`
 * @returns {Stream}
 */
export function follow(url, options = {}) {
  const address = new URL(url, globalThis.document?.baseURI);
  address.pathname = address.pathname.replace(/\/$/, "");
  return new Stream(address, options);
}

class Stream {
  #address;
  #options;
  #ledger;
  #worked; // the transport that got ready last
  #state;
  #session = null;
  #end = 0; // where the log ended when the present connection began
  #link = null;
  #wake = null;
  #over = false;
  #greeted = false; // some connection was ready once
  #attempt = 0;
  #failures = 0; // tries in a row that never got ready
  #cuts = 0;
  #ears = new AbortController();

  constructor(address, options) {
    const { after = "", types = [], until = "run", transports = TRANSPORTS } = options;
    const possible = transports.filter((name) => TRANSPORTS.includes(name));
    if (possible.length === 0) throw new TypeError(`transports: choose of ${TRANSPORTS}`);
    this.#address = address;
    this.#options = { ...options, types, until, transports: possible };
    this.#ledger = new Ledger(after, types.length > 0);
    this.#worked = recall(address.origin);
    this.#state = stateOf("connecting", { transport: this.#nextTransport(), attempt: 0 });
    this.#listen();
    this.#run();
  }

  /** Everything up to here was delivered. Give it as `after` to go on later, elsewhere. */
  get cursor() {
    return this.#ledger.cursor;
  }

  /** @returns {import("./client/state.js").State} */
  get state() {
    return this.#state;
  }

  /** `events` delivered, `gaps` and `doubles` found, `resets`, `cuts`: connections that broke. */
  get counts() {
    return { ...this.#ledger.counts, cuts: this.#cuts };
  }

  /** Closes the present socket, as a bad network would; the stream is taken up again. */
  cut() {
    this.#link?.hangUp("cut");
  }

  /** Stops following. The run goes on: only `cancel` ends it. */
  close() {
    this.#finish("closed", "closed", "");
  }

  /**
   * Asks for a run to be cancelled; resolves when the request was taken.
   *
   * @param {string} run
   */
  async cancel(run) {
    await this.#command({ type: "cancel", run }, "cancel", {});
  }

  /**
   * Answers a run's `input_request`. Rejects with the server's words where it is not pending.
   *
   * @param {string} run
   * @param {string} request the request's id
   * @param {unknown} value
   */
  async input(run, request, value) {
    await this.#command({ type: "input", run, request, value }, "input", { request, value });
  }

  async #run() {
    await null; // the caller has its handle before the first onState
    while (!this.#over) {
      const link = new Link(this.#nextTransport(), (frame) => this.#receive(frame, link));
      this.#link = link;
      this.#show(this.#greeted ? "reconnecting" : "connecting");
      const ending = await link.run(this.#query());
      this.#link = null;
      if (!this.#over) await this.#goOn(link, verdict(ending));
    }
  }

  async #goOn(link, { again, waitMs, reason, words }) {
    if (!again) {
      this.#finish(reason === "closed" ? "ended" : "stopped", reason, words);
      return;
    }
    this.#account(link);
    if (link.fate === "abandoned" || this.#isFirstTurn(link)) return;
    this.#attempt += 1;
    const own = backoff(this.#attempt, Math.random());
    const retryInMs = Math.round(waitMs === null ? own : waitMs * (1 + Math.random() / 4));
    const why = link.fate === "bye" ? reason : (link.fate ?? reason);
    this.#show(this.#greeted ? "reconnecting" : "connecting", { reason: why, retryInMs });
    await this.#pause(retryInMs);
  }

  /** What a broken connection teaches about the next wait and about its transport. */
  #account(link) {
    if (link.ready) {
      this.#cuts += 1;
      this.#failures = 0;
      if (link.progress || link.fate === "cut" || link.age > STEADY_MS) this.#attempt = 0;
    } else if (!NOT_THE_TRANSPORT.has(link.fate) && globalThis.navigator?.onLine !== false) {
      this.#failures += 1; // offline, a failure says nothing about the transport
    }
  }

  /** A transport that was not tried yet need not wait for the failure of another. */
  #isFirstTurn(link) {
    const untried = this.#failures > 0 && this.#failures < this.#options.transports.length;
    return untried && this.#nextTransport() !== link.transport;
  }

  #nextTransport() {
    return choose(this.#options.transports, this.#worked, this.#failures);
  }

  #query() {
    const { types, until } = this.#options;
    const query = new URLSearchParams({ until });
    if (this.cursor) query.set("after", this.cursor);
    if (types.length > 0) query.set("types", types.join(","));
    const address = new URL(this.#address);
    address.search = query;
    return address;
  }

  #receive(frame, link) {
    if (typeof frame.offset === "number") this.#event(frame, link);
    else if (frame.type === "ready") this.#ready(frame, link);
    else if (frame.type === "reset") this.#reset(frame);
    else if (frame.type === "heartbeat" || frame.type === "bye") this.#confirm(frame, link);
  }

  #ready(frame, link) {
    this.#ledger.ready(frame);
    this.#greeted = true;
    this.#session = frame.state;
    this.#end = frame.last;
    this.#worked = link.transport;
    remember(this.#address.origin, link.transport);
    this.#show("live");
  }

  #reset(frame) {
    this.#ledger.reset(frame);
    this.#call("onReset", frame);
  }

  #confirm(frame, link) {
    if (this.#ledger.confirm(frame.cursor) === "agreed") {
      link.progress = true;
      if (this.#caughtUp()) this.#show("live");
      return;
    }
    link.bye = null; // "complete" after a loss: the stream is taken up where it broke
    link.hangUp("gap");
  }

  #event(event, link) {
    const judged = this.#ledger.judge(event);
    if (judged === "gap") link.hangUp("gap");
    if (judged !== "next") return;
    this.#call("onEvent", event, this.#ledger.cursorWith(event));
    this.#ledger.delivered(event);
    link.progress = true;
    const session = sessionAfter(event, this.#session);
    const changed = session !== this.#session;
    this.#session = session;
    if (changed || this.#caughtUp()) this.#show("live");
  }

  #caughtUp() {
    return this.#state.behind > 0 && this.#ledger.offset >= this.#end;
  }

  async #command(message, verb, body) {
    const answer = await this.#link?.ask(message);
    if (answer?.type === "refused") throw new Error(answer.message);
    if (answer) return;
    await post(this.#address, `${message.run}/${verb}`, body);
  }

  #listen() {
    const { signal } = this.#ears;
    const visible = () => globalThis.document.visibilityState === "visible" && this.#stir(false);
    globalThis.addEventListener?.("online", () => this.#stir(true), { signal });
    globalThis.addEventListener?.("offline", () => this.#link?.probe(false), { signal });
    globalThis.document?.addEventListener("visibilitychange", visible, { signal });
    const { signal: outer } = this.#options;
    outer?.addEventListener("abort", () => this.close(), { signal });
    if (outer?.aborted) this.close();
  }

  #stir(moved) {
    this.#wake?.();
    this.#link?.probe(moved);
  }

  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #show(name, about = {}) {
    if (this.#over) return;
    this.#state = stateOf(name, {
      transport: this.#link?.transport ?? this.#nextTransport(),
      attempt: this.#attempt,
      session: this.#session,
      behind: Math.max(0, this.#end - this.#ledger.offset),
      ...about,
    });
    this.#call("onState", this.#state);
  }

  #finish(name, reason, words) {
    if (this.#over) return;
    this.#show(name, { reason, words });
    this.#over = true;
    this.#ears.abort();
    this.#link?.hangUp("closed");
    this.#wake?.();
  }

  #call(callback, ...what) {
    try {
      this.#options[callback]?.(...what);
    } catch (error) {
      report(error); // the caller's fault, to be seen, but not the end of the stream
    }
  }
}

function report(error) {
  (globalThis.reportError ?? console.error)(error);
}

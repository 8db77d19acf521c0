// One session followed over as many connections as it takes. What a frame means is ledger.js's and
// horizon.js's to say, what an ending means policy.js's and tries.js's: this sees to it.

import { command } from "./commands.js";
import { isOnline, listen } from "./ears.js";
import { Feed, loopOver } from "./feed.js";
import { Horizon } from "./horizon.js";
import { Ledger } from "./ledger.js";
import { Link } from "./link.js";
import { recall, remember } from "./memory.js";
import { addressOf, settle } from "./options.js";
import { verdict } from "./policy.js";
import { stateOf } from "./state.js";
import { DRIVERS } from "./transports.js";
import { Tries } from "./tries.js";

/**
 * @typedef {object} Home what a stream shares with others
 * @property {Record<string, object>} drivers the ways that there are, by name
 * @property {string[]} usual the names of those that are used unless a caller says otherwise
 * @property {string} place where it is remembered what worked
 * @property {Set<() => void>} [bell] each is called when it is a good moment to try again
 */

export class Stream {
  #address;
  #options;
  #home;
  #ledger;
  #tries;
  #feed; // null where a callback takes each event as it comes
  #horizon = new Horizon();
  #state;
  #why = null; // the last connection ended
  #link = null;
  #heardAt = null;
  #wake = null;
  #iterated = false;
  #over = false;
  #error = null;
  #ears = new AbortController();

  /**
   * @param {URL} address the session's
   * @param {object} options
   * @param {Home} [home]
   */
  constructor(address, options, home = homeOf(address)) {
    this.#address = address;
    this.#home = home;
    this.#options = settle(options, home);
    const { after, types, transports, onEvent } = this.#options;
    this.#ledger = new Ledger(after, types.length > 0);
    this.#tries = new Tries(transports, recall(home.place));
    this.#feed = onEvent ? null : this.#newFeed();
    this.#state = stateOf("connecting", { transport: this.#tries.next });
    this.#listen();
    this.#run();
  }

  /** Everything up to here was delivered. Give it as `after` to go on later, elsewhere. */
  get cursor() {
    return this.#feed?.cursor ?? this.#ledger.cursor;
  }

  /** @returns {import("./state.js").State} */
  get state() {
    return this.#state;
  }

  /** `events` delivered, `gaps` and `doubles` found, `resets`, `cuts`: connections that broke. */
  get counts() {
    const { events, ...found } = this.#ledger.counts;
    return { events: events - this.buffered, ...found, cuts: this.#tries.cuts };
  }

  /** The newest offset that is known of; 0 before any is. */
  get last() {
    return this.#horizon.last;
  }

  /** Events that have come and wait for the loop that iterates. */
  get buffered() {
    return this.#feed?.size ?? 0;
  }

  /** Milliseconds since bytes came last, on any connection; null before the first. */
  get heardAgeMs() {
    const at = this.#link?.heardAt ?? this.#heardAt;
    return at === null ? null : performance.now() - at;
  }

  /** Milliseconds between heartbeats as the server has said, null while no connection is ready. */
  get heartbeatMs() {
    return this.#link?.heartbeatMs ?? null;
  }

  /** Milliseconds of silence after which the present connection counts as dead; null as above. */
  get deadAfterMs() {
    return this.#link?.deadAfterMs ?? null;
  }

  /** Closes the present socket, as a bad network would; the stream is taken up again. */
  cut() {
    this.#link?.hangUp("cut");
  }

  /** Stops following. The run goes on: only `cancel` ends it. */
  close() {
    this.#feed?.shut();
    this.#finish("closed", "closed", "");
  }

  /**
   * Forces a transport, from now on and without falling back to another one.
   *
   * @param {string | null} transport null leaves the choice to experience again
   */
  prefer(transport) {
    if (transport !== null && !(transport in this.#home.drivers)) {
      throw new TypeError(`transport: choose of ${Object.keys(this.#home.drivers)}`);
    }
    this.#tries.prefer(transport);
    if (this.#link === null) this.#show(this.#state.name, { reason: this.#why });
    else if (this.#link.transport !== this.#tries.next) this.#link.hangUp("preferred");
    else this.#show(this.#state.name);
    this.#wake?.();
  }

  /** Asks for a run to be cancelled; resolves when the request was taken. */
  async cancel(run) {
    await command(this.#link, this.#address, { type: "cancel", run });
  }

  /** Answers a run's `input_request`. Rejects with the server's words where it is not pending. */
  async input(run, request, value) {
    await command(this.#link, this.#address, { type: "input", run, request, value });
  }

  /**
   * The events, for one loop. From here on its pace is the stream's: an event is delivered when the
   * loop takes it, to `onEvent` too, and `cursor` then includes it. Leaving the loop closes the
   * stream. It ends with the stream, and throws where the server refuses to go on.
   */
  [Symbol.asyncIterator]() {
    if (this.#iterated) throw new TypeError("a stream has one loop: follow again for another");
    this.#iterated = true;
    this.#feed ??= this.#newFeed();
    if (this.#over) this.#feed.end(this.#error);
    return loopOver(this.#feed, {
      took: ({ event, cursor }) => this.#call("onEvent", event, cursor),
      left: () => this.close(),
    });
  }

  #newFeed() {
    return new Feed(this.#options.buffer, (reset) => this.#call("onReset", reset));
  }

  async #run() {
    await null; // the caller has its handle before the first onState
    if (this.#options.signal?.aborted) this.close();
    while (!this.#over) {
      if (this.#feed?.full) await this.#room();
      if (this.#over) return;
      const transport = this.#tries.next;
      const receive = (frame, size) => this.#receive(frame, link, size);
      const link = new Link(transport, this.#home.drivers[transport], receive);
      this.#link = link;
      this.#show(this.#trying, { reason: this.#why });
      const { cursor } = this.#ledger; // of what was received: what waits need not come again
      const next = { cursor, transport, gentle: this.#tries.gentle };
      const ending = await link.run(addressOf(this.#address, this.#options, next));
      this.#heardAt = link.heardAt ?? this.#heardAt;
      this.#link = null;
      if (!this.#over) await this.#goOn(link, verdict(ending));
    }
  }

  async #goOn(link, { again, waitMs, reason, words }) {
    if (!again) {
      const complete = reason === "closed";
      this.#finish(complete ? "ended" : "stopped", complete ? "ended" : reason, words);
      return;
    }
    this.#why = link.fate === "bye" ? reason : (link.fate ?? reason);
    const how = { waitMs, online: isOnline(), chance: Math.random() };
    const retryInMs = this.#tries.after(link, how);
    if (retryInMs === null) return;
    this.#show(this.#trying, { reason: this.#why, retryInMs });
    await this.#pause(retryInMs);
  }

  get #trying() {
    return this.#horizon.greeted ? "reconnecting" : "connecting";
  }

  async #room() {
    this.#show("paused", { reason: this.#why });
    await this.#feed.room();
  }

  #receive(frame, link, size) {
    if (typeof frame.offset === "number") this.#event(frame, link, size);
    else if (frame.type === "ready") this.#ready(frame, link);
    else if (frame.type === "reset") this.#reset(frame);
    else if (frame.type === "heartbeat" || frame.type === "bye") this.#confirm(frame, link);
  }

  #ready(frame, link) {
    this.#ledger.ready(frame);
    this.#horizon.ready(frame, this.#ledger.foreign ? null : this.#ledger.offset);
    this.#why = null;
    if (this.#tries.worked(link.transport)) remember(this.#home.place, link.transport);
    this.#show("live");
  }

  #reset(frame) {
    const before = this.#ledger.cursor;
    this.#ledger.reset(frame);
    this.#horizon.reset(frame);
    if (this.#feed) this.#feed.reset(frame, before);
    else this.#call("onReset", frame);
    this.#show("live", { reason: "reset" });
  }

  #confirm(frame, link) {
    this.#horizon.heard(frame);
    if (this.#ledger.confirm(frame.cursor) === "agreed") {
      link.progress = true;
      if (this.#caughtUp()) this.#show("live");
      return;
    }
    link.bye = null; // "complete" after a loss: the stream is taken up where it broke
    link.hangUp("gap");
  }

  #event(event, link, size) {
    const judged = this.#ledger.judge(event);
    if (judged === "gap") link.hangUp("gap");
    if (judged !== "next") return;
    this.#hand(event, this.#ledger.cursorWith(event), size);
    this.#ledger.delivered(event);
    link.progress = true;
    if (this.#feed?.full) link.hangUp("full");
    if (this.#horizon.event(event) || this.#caughtUp()) this.#show("live");
  }

  #hand(event, cursor, size) {
    if (this.#feed) this.#feed.put({ event, cursor, before: this.#ledger.cursor }, size);
    else this.#call("onEvent", event, cursor);
  }

  #caughtUp() {
    return this.#state.behind > 0 && this.#horizon.behind(this.#ledger.offset) === 0;
  }

  #listen() {
    const { signal } = this.#ears;
    listen({ stir: (moved) => this.#stir(moved), lost: () => this.#link?.probe(false) }, signal);
    const wake = () => this.#wake?.();
    this.#home.bell?.add(wake);
    signal.addEventListener("abort", () => this.#home.bell?.delete(wake));
    this.#options.signal?.addEventListener("abort", () => this.close(), { signal });
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
    if (!this.#over) this.#tell(name, about);
  }

  #tell(name, about) {
    const { session, missed, last } = this.#horizon;
    const { attempt, preferred, next } = this.#tries;
    const transport = this.#link?.transport ?? next;
    const behind = this.#horizon.behind(this.#ledger.offset);
    const facts = { transport, preferred, attempt, session, behind, missed, last, ...about };
    this.#state = stateOf(name, facts);
    this.#call("onState", this.#state);
  }

  #finish(name, reason, words) {
    if (this.#over) return;
    this.#over = true;
    this.#ears.abort();
    this.#link?.hangUp("closed");
    this.#wake?.();
    if (name === "stopped") this.#error = stopError(words, reason);
    this.#feed?.end(this.#error);
    this.#tell(name, { reason, words });
  }

  #call(callback, ...what) {
    try {
      this.#options[callback]?.(...what);
    } catch (error) {
      report(error); // the caller's fault, to be seen, but not the end of the stream
    }
  }
}

function homeOf({ origin }) {
  return { drivers: DRIVERS, usual: Object.keys(DRIVERS), place: origin };
}

function stopError(words, reason) {
  return Object.assign(new Error(words), { name: "StopError", reason });
}

function report(error) {
  (globalThis.reportError ?? console.error)(error);
}

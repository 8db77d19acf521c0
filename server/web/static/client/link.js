// One connection, from its opening to its end: it watches for silence, asks and hears answers, and
// says at its end whether it was ever ready and who ended it. It does not know what an event is.

const OPEN_MS = 6000; // until ready; a middlebox that swallows upgrades never answers at all
const ANSWER_MS = 3000; // until a ping or a command is answered

export class Link {
  #driver;
  #receive;
  #hook = new AbortController();
  #silence;
  #heard; // or opened, where nothing was heard yet
  #send = null;
  #waiting = new Map();
  #asked = 0;

  ready = false;
  /** Something came of it: an event was delivered, or a heartbeat agreed. Its owner's note. */
  progress = false;
  /** Why this side ended it, in a word: one of the reasons of keepstream.d.ts, or `bye`. */
  fate = null;
  bye = null;
  /** When bytes came last, by performance.now(); null before the first. */
  heardAt = null;
  /** Between heartbeats, and the silence that is a death: both once it is ready. */
  heartbeatMs = null;
  deadAfterMs = null;

  /**
   * @param {string} transport its name
   * @param {{drive: Function, deadAfter: (heartbeatMs: number) => number}} driver
   * @param {(frame: object, size: number) => void} receive gets every frame but answers to `ask`
   */
  constructor(transport, driver, receive) {
    this.transport = transport;
    this.#driver = driver;
    this.#receive = receive;
  }

  /**
   * Opens the connection and lives as long as it does.
   *
   * @param {URL} address the session's, with the query in it
   * @returns {Promise<import("./policy.js").Ending>}
   */
  async run(address) {
    if (this.#hook.signal.aborted) return {};
    this.opened = this.#heard = now();
    this.#silence = setTimeout(() => this.#check(), OPEN_MS);
    const ending = await this.#driver.drive(address, {
      signal: this.#hook.signal,
      opened: (send) => (this.#send = send),
      alive: () => (this.#heard = this.heardAt = now()),
      receive: (frame, size) => this.#sort(frame, size),
    });
    this.#hook.abort(); // nothing can end it a second time
    clearTimeout(this.#silence);
    this.#send = null;
    for (const id of this.#waiting.keys()) this.#settle(id, null);
    return { ...ending, bye: this.bye };
  }

  get age() {
    return now() - this.opened;
  }

  /** Closes the socket; `run` resolves. */
  hangUp(fate) {
    if (this.#hook.signal.aborted) return;
    this.fate = fate;
    this.#hook.abort(fate);
  }

  /**
   * @param {object} message for the server; it gets an `id`
   * @returns {Promise<object | null>} the answer; null where this connection could not bring one
   */
  ask(message) {
    if (!this.ready || this.#send === null) return Promise.resolve(null);
    const id = `c${(this.#asked += 1)}`;
    this.#send({ ...message, id });
    return new Promise((resolve) => {
      const late = setTimeout(() => this.#settle(id, null), ANSWER_MS);
      this.#waiting.set(id, { resolve, late });
    });
  }

  /**
   * After sleep or a change of network a socket may be dead and look alive: ask it. What carries
   * no messages cannot be asked, so its silence decides.
   *
   * @param {boolean} moved the network is another one than before
   */
  async probe(moved) {
    if (!this.ready) {
      if (moved) this.hangUp("abandoned");
    } else if (this.#send === null) {
      if (moved || now() - this.#heard > 1.5 * this.heartbeatMs) this.hangUp("silent");
    } else {
      const asked = now();
      await this.ask({ type: "ping" });
      if (this.#heard < asked) this.hangUp("silent");
    }
  }

  #sort(frame, size) {
    if (frame.type === "ready") this.#greeted(frame);
    if (frame.type === "bye") this.bye = frame;
    const isAnswer = ["ok", "pong", "refused"].includes(frame.type);
    if (isAnswer) this.#settle(frame.to, frame);
    else this.#receive(frame, size);
    if (this.bye) this.hangUp("bye");
  }

  #greeted({ heartbeat }) {
    this.ready = true;
    this.heartbeatMs = 1000 * (heartbeat > 0 ? heartbeat : 10);
    this.deadAfterMs = this.#driver.deadAfter(this.heartbeatMs);
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#check(), this.deadAfterMs);
  }

  #check() {
    if (!this.ready) {
      this.hangUp("unanswered");
      return;
    }
    const left = this.#heard + this.deadAfterMs - now();
    if (left <= 0) this.hangUp("silent");
    else this.#silence = setTimeout(() => this.#check(), left);
  }

  #settle(id, answer) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.late);
    waiting.resolve(answer);
  }
}

function now() {
  return performance.now();
}

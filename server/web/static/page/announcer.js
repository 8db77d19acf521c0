// What a screen reader is told of its own accord: politely, the newest word, and not too often.

const APART_MS = 3000;
const EVENTS_APART_MS = 15_000; // a stream of events would talk without end

export class Announcer {
  #region;
  #waiting = null;
  #timer = null;
  #events = 0;
  #eventsTimer = null;

  /** @param {HTMLElement} region `aria-live="polite"` */
  constructor(region) {
    this.#region = region;
  }

  /** @param {string} words the last ones win where several come in a short time */
  say(words) {
    this.#waiting = words;
    if (this.#timer === null) this.#speak();
  }

  /** @param {number} count of events that have come */
  sayEvents(count) {
    this.#events += count;
    this.#eventsTimer ??= setTimeout(() => {
      this.say(this.#events === 1 ? "1 new event" : `${this.#events} new events`);
      this.#events = 0;
      this.#eventsTimer = null;
    }, EVENTS_APART_MS);
  }

  /** Takes back what was not said yet: it is about something that is no longer looked at. */
  hush() {
    clearTimeout(this.#eventsTimer);
    this.#eventsTimer = this.#waiting = null;
    this.#events = 0;
  }

  #speak() {
    if (this.#waiting !== null) this.#region.textContent = this.#waiting;
    const spoke = this.#waiting !== null;
    this.#waiting = null;
    this.#timer = spoke ? setTimeout(() => this.#speak(), APART_MS) : null;
  }
}

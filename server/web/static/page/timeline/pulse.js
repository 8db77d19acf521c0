// When to draw: once a frame at most, only what can be seen, and no sooner than a pixel changes.

const SOON = 40; // ms; what is due sooner waits for a frame, not for a timer

export class Pulse {
  #draw;
  #tick;
  #seen = false;
  #stale = true; // more has happened than that time has passed
  #frame = 0;
  #timer = 0;

  /**
   * @param {Element} host nothing is drawn while it is out of the window
   * @param {() => void} draw all of it
   * @param {() => number | null} tick what time has changed; returns the ms until it does again
   */
  constructor(host, draw, tick) {
    [this.#draw, this.#tick] = [draw, tick];
    new IntersectionObserver((seen) => {
      this.#seen = seen.at(-1).isIntersecting;
      this.redraw();
    }).observe(host);
    document.addEventListener("visibilitychange", () => this.redraw());
  }

  /** Asks for a drawing of all of it. */
  redraw() {
    this.#stale = true;
    this.#ask();
  }

  #ask() {
    if (this.#frame !== 0 || !this.#seen || document.visibilityState === "hidden") return;
    clearTimeout(this.#timer);
    this.#frame = requestAnimationFrame(() => this.#run());
  }

  #run() {
    this.#frame = 0;
    if (this.#stale) {
      this.#stale = false;
      this.#draw();
    }
    const next = this.#tick();
    if (next === null || this.#frame !== 0) return;
    if (next < SOON) this.#ask();
    else this.#timer = setTimeout(() => this.#ask(), next);
  }
}

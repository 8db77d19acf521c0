// Which time is seen, and where its ticks stand: pure. Times are ms since the run's start.

const LEAST = 0.02; // ms that can be seen at once: the log's clock has microseconds
const FIRST = 5000; // ms that a run begins with
const GROWTH = 1.3;
const FINE = [1, 2, 5];
const STEPS = [
  1000, 2000, 5000, 10_000, 15_000, 30_000, // seconds
  60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, // minutes
  3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, // hours
];
const DAY = 86_400_000;

/** The part of the run's time that is seen. Fitted it is all of it, and grows with the run. */
export class View {
  #end = FIRST;

  from = 0;
  to = FIRST;
  /** Whether less than the whole is seen. */
  zoomed = false;

  /** How much there is to see. */
  get end() {
    return this.#end;
  }

  get length() {
    return this.to - this.from;
  }

  /**
   * The run has come so far. While it goes on, the whole grows by steps: a scale that changed with
   * each frame would move everything all the time.
   *
   * @returns {boolean} whether what is seen has changed
   */
  reach(elapsed, running) {
    const end = this.#reached(elapsed, running);
    const beside = this.zoomed && running && this.#followed(elapsed);
    if (end === this.#end) return beside;
    this.#end = end;
    if (this.zoomed) this.#put(this.from, this.length);
    else this.fit();
    return true;
  }

  /** @returns {boolean} whether the whole is seen now and was not before */
  fit() {
    const changed = this.zoomed || this.from !== 0 || this.to !== this.#end;
    [this.from, this.to, this.zoomed] = [0, this.#end, false];
    return changed;
  }

  /** @param {number} factor over 1 shows less; the time `at` stays in its place */
  zoom(factor, at = (this.from + this.to) / 2) {
    const length = Math.min(this.#end, Math.max(LEAST, this.length / factor));
    const share = (at - this.from) / this.length;
    this.#put(at - share * length, length);
  }

  /** @param {number} by ms; forward where it is positive */
  pan(by) {
    this.#put(this.from + by, this.length);
  }

  /** Shows the time between two times. */
  select(one, other) {
    const [from, to] = [Math.min(one, other), Math.max(one, other)];
    const length = Math.min(this.#end, Math.max(LEAST, to - from));
    this.#put((from + to - length) / 2, length);
  }

  /** Moves just as far as it must to show a time. */
  include(time) {
    const margin = this.length / 10;
    if (time < this.from) this.pan(time - this.from - margin);
    else if (time > this.to) this.pan(time - this.to + margin);
  }

  #reached(elapsed, running) {
    if (!running) return Math.max(elapsed, LEAST) * 1.02;
    if (elapsed <= this.#end * 0.98 && this.#end >= FIRST) return this.#end;
    return Math.max(elapsed * GROWTH, FIRST);
  }

  /** Who sees the present goes along with it. */
  #followed(elapsed) {
    const over = elapsed - (this.to - this.length * 0.02);
    if (over <= 0 || over > this.length / 2) return false;
    this.#put(elapsed - this.length * 0.7, this.length);
    return true;
  }

  #put(from, length) {
    if (length >= this.#end) {
      this.fit();
      return;
    }
    const most = Math.max(0, this.#end - length);
    this.from = Math.min(Math.max(0, from), most);
    this.to = this.from + length;
    this.zoomed = true;
  }
}

/**
 * @param {number} least how far apart ticks must be, in ms
 * @returns {number} ms from one tick to the next: a round number of its unit
 */
export function tickStep(least) {
  if (least > 500) return STEPS.find((step) => step >= least) ?? roundUp(least / DAY) * DAY;
  return roundUp(Math.max(least, 0.001));
}

/** @returns {{at: number, label: string}[]} the ticks in sight */
export function ticks(from, to, least) {
  const step = tickStep(least);
  const found = [];
  for (let index = Math.ceil(from / step); index * step <= to && found.length < 200; index += 1) {
    found.push({ at: index * step, label: tickLabel(index * step, step) });
  }
  return found;
}

/** @returns {string} as exact as the step: `250 ms`, `1.5 s`, `2:30`, `1:05:00`, `2 d 06:00` */
export function tickLabel(time, step) {
  if (time < 1000 && step < 1000) return time === 0 ? "0" : `${places(time, step)} ms`;
  const part = step < 1000 ? places((time % 1000) / 1000, step / 1000).slice(1) : "";
  const seconds = Math.floor(time / 1000 + 1e-9);
  if (seconds < 60) return `${seconds}${part} s`;
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  if (hours < 1) return `${minutes}:${pad(seconds % 60)}${part}`;
  if (hours < 48) return `${hours}:${pad(minutes % 60)}:${pad(seconds % 60)}${part}`;
  return `${Math.floor(hours / 24)} d ${pad(hours % 24)}:${pad(minutes % 60)}`;
}

function places(number, step) {
  return number.toFixed(Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

function roundUp(number) {
  const power = 10 ** Math.floor(Math.log10(number));
  const factor = FINE.find((each) => each * power >= number * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function pad(number) {
  return String(number).padStart(2, "0");
}

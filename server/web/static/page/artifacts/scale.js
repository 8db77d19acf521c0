// From data to pixels, and the round numbers on the way: pure.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTH = 30.44 * DAY;
const YEAR = 365.25 * DAY;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const SHORT_STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 15, 30].map((step) => step * 1000),
  ...[1, 2, 5, 15, 30].map((step) => step * MINUTE),
  ...[1, 2, 3, 6, 12].map((step) => step * HOUR),
  ...[1, 2, 7, 14].map((step) => step * DAY),
];

/**
 * @typedef {object} Tick
 * @property {number} at
 * @property {string} label
 */

/** @returns {(value: number) => number} linear, or by logarithms where `log` and all is above 0 */
export function scale([low, high], [from, to], log = false) {
  const place = log ? Math.log : Number;
  const [start, span] = [place(low), place(high) - place(low) || 1];
  return (value) => from + ((place(value) - start) / span) * (to - from);
}

/** @returns {[number, number]} a span that has a middle also where all values are one */
export function widened(low, high) {
  if (!(low <= high)) return [0, 1];
  if (low < high && high - low > Math.abs(high) * 1e-12) return [low, high];
  const room = Math.abs(low) * 0.05 || 1;
  return [low - room, high + room];
}

/** @returns {number} one of the digits times a power of ten; at most `most` fit into the span */
export function niceStep(span, most, digits = [1, 2, 2.5, 5, 10]) {
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  return digits.find((step) => step * power >= rough * 0.999_999) * power;
}

/** @returns {Tick[]} within the span, at most `most` + 1 */
export function linearTicks([low, high], most) {
  const step = niceStep(high - low, most);
  const ticks = [];
  const first = Math.ceil(low / step - 1e-9);
  // Counted, and not until `high` is reached: beyond 2^53 a step more can be no step at all.
  for (let i = 0; i <= most + 1; i += 1) {
    const at = (first + i) * step;
    if (at > high + step * 1e-9) break;
    ticks.push({ at, label: numberLabel(at, step) });
  }
  return ticks;
}

/** @returns {Tick[]} powers of ten, with 2 and 5 between them where there is room */
export function logTicks([low, high], most) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  if (high / low < 8) return linearTicks([low, high], most);
  const every = Math.max(1, Math.ceil((last - first) / most));
  const inner = (last - first) * 3 <= most * 1.5 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = first; power <= last; power += every) {
    for (const times of inner) {
      const at = times * 10 ** power;
      if (at >= low * 0.999_999 && at <= high * 1.000_001) {
        ticks.push({ at, label: numberLabel(at, at) });
      }
    }
  }
  return ticks;
}

/** @returns {Tick[]} of milliseconds since 1970, in UTC; a label has what is new in it */
export function timeTicks([low, high], most) {
  const rough = (high - low) / Math.max(1, most);
  const step = SHORT_STEPS.find((each) => each >= rough);
  if (step) return shortTicks(low, high, step);
  const months = [1, 3, 6].find((each) => each * MONTH >= rough);
  if (months) return monthTicks(low, high, months);
  return yearTicks(low, high, niceStep(rough / YEAR, 1, [1, 2, 5, 10]));
}

/** @returns {string} with as many decimals as the step has; long ones short: `1.2M`, `3e-7` */
export function numberLabel(value, step) {
  const size = Math.max(Math.abs(value), step);
  if (value === 0) return "0";
  if (size >= 1e15 || size < 1e-4) return value.toExponential(2).replace(/\.?0+e\+?/, "e");
  if (size >= 1e5) {
    return value.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 4 });
  }
  const decimals = decimalsOf(step);
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** @returns {string} as a reader wants to compare it: six digits that say something */
export function valueLabel(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e15 || size < 1e-4)) return value.toExponential(4);
  return value.toLocaleString("en", { maximumSignificantDigits: size >= 1e6 ? 15 : 6 });
}

/** @returns {string} a day, or a time of a day where it is not midnight; in UTC */
export function timeLabel(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  const [day, clock] = date.toISOString().split("T");
  return time % DAY === 0 ? day : `${day} ${clock.replace(/(:00)?\.000Z$|Z$/, "")}`;
}

/** As many as it takes to write the step: one for 0.5, two for 0.25. */
function decimalsOf(step) {
  let decimals = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  if (Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 0.01) decimals += 1;
  return decimals;
}

function shortTicks(low, high, step) {
  const ticks = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
    const date = new Date(at);
    const clock = date.toISOString().slice(11);
    const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
    const letters = step < 1000 ? 12 : step < MINUTE ? 8 : 5;
    ticks.push({ at, label: at % DAY === 0 ? day : clock.slice(0, letters) });
  }
  return ticks;
}

function monthTicks(low, high, step) {
  const ticks = [];
  const start = new Date(low);
  let [year, month] = [start.getUTCFullYear(), 0];
  for (; ; month += step) {
    if (month >= 12) [year, month] = [year + 1, 0];
    const at = utc(year, month);
    if (at > high) return ticks;
    if (at < low) continue;
    const named = month === 0 || ticks.length === 0 ? ` ${year}` : "";
    ticks.push({ at, label: month === 0 && ticks.length ? `${year}` : MONTHS[month] + named });
  }
}

function yearTicks(low, high, given) {
  const step = Math.max(1, Math.round(given));
  const ticks = [];
  let year = Math.ceil(new Date(low).getUTCFullYear() / step) * step;
  if (utc(year, 0) < low) year += step;
  for (; utc(year, 0) <= high; year += step) ticks.push({ at: utc(year, 0), label: `${year}` });
  return ticks;
}

/** `Date.UTC` takes the years below 100 for the 1900s. */
function utc(year, month) {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 1);
  return date.getTime();
}

// Times, counts and any JSON in words: pure.

const COLOURS = 8;
const colours = new Map(); // agent → number

/** @param {number} seconds @returns {string} `0.42 s`, `12 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h` */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, hours] = [Math.floor(whole / 60), Math.floor(whole / 3600)];
  if (hours < 1) return `${minutes} min ${pad(whole % 60)} s`;
  if (hours < 48) return `${hours} h ${pad(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** @returns {string} in the reader's own time zone, to the millisecond: `14:03:07.123` */
export function clock(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  return `${date.toLocaleTimeString("en-GB")}.${pad(date.getMilliseconds(), 3)}`;
}

/** @returns {string} with separators */
export function count(number) {
  return number.toLocaleString("en");
}

/** @returns {string} `812 B`, `1.2 KiB`, `3.4 MiB` */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB"];
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}

/** A field of a workflow's own event may hold anything where a text is expected. */
export function plain(given) {
  if (given === undefined || given === null) return "";
  return typeof given === "string" ? given : JSON.stringify(given, null, 2);
}

/**
 * An agent's colour, the same in every view: by its name, and a free one where two names would have
 * the same, as long as there are any.
 *
 * @returns {string} a class of style/tokens.css
 */
export function colourOf(agent) {
  if (!colours.has(agent)) colours.set(agent, free(hash(agent) % COLOURS));
  return `colour-${colours.get(agent)}`;
}

/** Another session is looked at: its agents have all colours to choose from. */
export function forgetColours() {
  colours.clear();
}

function free(wanted) {
  const taken = new Set(colours.values());
  for (let step = 0; step < COLOURS; step += 1) {
    const colour = (wanted + step) % COLOURS;
    if (!taken.has(colour)) return colour;
  }
  return wanted;
}

function hash(text) {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum;
}

function pad(number, width = 2) {
  return String(number).padStart(width, "0");
}

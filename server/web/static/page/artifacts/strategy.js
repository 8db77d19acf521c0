// What a run of the `strategy` workflow found, in words and formatted figures: pure.

const DASH = "–";

/** What is measured, in the order of the table; `better` says which way is. */
export const MEASURES = [
  row("total_return", "Total return", "over the whole period", percent, "more"),
  row("annual_return", "Return a year", "compounded", percent, "more"),
  row("volatility", "Volatility", "of the returns, a year", percent, "less"),
  row("sharpe", "Sharpe ratio", "return for each unit of risk, a year", ratio, "more"),
  row("max_drawdown", "Deepest fall", "from a peak to a later low", fall, "less"),
  row("exposure", "Money in stocks", "on average", percent0, ""),
  row("concentration", "Best stock's share", "of all gains", percent0, "less"),
  row("trades", "Trades", "", whole, ""),
  row("days", "Trading days", "", whole, ""),
];

export const PERIODS = [
  { key: "train", name: "Training" },
  { key: "validation", name: "Validation" },
  { key: "held_out", name: "Held out" },
];

/**
 * @param {unknown} result of the run, or what `figures.json` holds: anybody could have written it
 * @param {string} state of the run
 * @returns {{word: string, tone: "good"|"bad"|"warn"|"off", text: string, missed: string[]}}
 */
export function verdictOf(result, state) {
  const missed = texts(at(result, "missed"));
  if (at(result, "accepted") === true) {
    const text = "It met every criterion that was set before anybody looked at a return.";
    return { word: "Accepted", tone: "good", text, missed };
  }
  if (at(result, "accepted") === false) {
    const text = "No proposal met the criteria; this is the last one. What it missed:";
    const plain = "No proposal met the criteria; this is the last one.";
    return { word: "Not accepted", tone: "bad", text: missed.length ? text : plain, missed };
  }
  if (state === "running") {
    const text = "The agents are looking: this is the newest proposal.";
    return { word: "Searching", tone: "warn", text, missed };
  }
  const text = "The run ended before a strategy was chosen; this is the last proposal.";
  return { word: "Unfinished", tone: "off", text, missed };
}

/** @returns {[string, string][]} names and values of what else is known */
export function factsOf(result) {
  const luck = number(at(result, "sharpe_by_luck"));
  const candidates = number(at(result, "candidates"));
  const cost = number(at(result, "cost_bps"));
  const stocks = texts(at(result, "symbols")).join(", ");
  const leftOut = pairs(at(result, "left_out")).map(([name, why]) => `${name}: ${why}`);
  return [
    ["Stocks", stocks],
    ["Left out", leftOut.join("; ")],
    ["Rounds", whole(number(at(result, "rounds")))],
    ["Candidates tried", whole(candidates)],
    ["Best Sharpe by luck", luck === null ? DASH : `${ratio(luck)} in training`],
    ["Cost of a trade", cost === null ? DASH : `${cost / 100}% of the money moved`],
  ].filter(([, value]) => value !== "" && value !== DASH);
}

/**
 * @returns {{measure: object, cells: {text: string, better: boolean}[]}[]} for each measure six
 *   cells: the strategy and buy-and-hold, in each period
 */
export function figuresOf(result) {
  return MEASURES.map((measure) => {
    const cells = PERIODS.flatMap(({ key }) => {
      const both = ["strategy", "buy_and_hold"].map((kind) =>
        number(at(result, "figures", key, kind, measure.key)),
      );
      return both.map((value, index) => {
        const other = both[1 - index];
        return { text: measure.format(value), better: beats(value, other, measure.better) };
      });
    });
    return { measure, cells };
  });
}

/** @returns {string[]} `Training 2000–2006`, … with the years where they are known */
export function periodNames(result) {
  return PERIODS.map(({ key, name }) => {
    const [first, last] = ["first", "last"].map((end) => number(at(result, "years", key, end)));
    if (first === null || last === null) return name;
    return first === last ? `${name} ${first}` : `${name} ${first}–${last}`;
  });
}

/**
 * @param {import("./series.js").Lines} lines of equity.csv
 * @returns {import("./series.js").Lines} with names for people
 */
export function named(lines, result) {
  const names = periodNames(result);
  const periods = new Map(PERIODS.map(({ key }, index) => [key, names[index]]));
  const series = new Map([["strategy", "Strategy"], ["buy_and_hold", "Buy and hold"]]);
  return {
    ...lines,
    series: lines.series.map((each) => ({ ...each, name: series.get(each.name) ?? each.name })),
    groups: lines.groups.map((each) => ({ ...each, name: periods.get(each.name) ?? each.name })),
  };
}

/**
 * @param {{offset: number, name: string}[]} artifacts of a run, oldest first
 * @returns {{equity: object | null, figures: object | null, code: object[]}} the newest of each;
 *   the code's newest first
 */
export function partsOf(artifacts) {
  const newest = (name) => artifacts.findLast((each) => each.name === name) ?? null;
  const code = artifacts.filter(({ name }) => /^(strategy|proposal-\d+)\.py$/.test(name));
  return { equity: newest("equity.csv"), figures: newest("figures.json"), code: code.reverse() };
}

function row(key, name, meaning, format, better) {
  return { key, name, meaning, format, better };
}

function beats(value, other, better) {
  if (value === null || other === null || value === other || !better) return false;
  return better === "more" ? value > other : value < other;
}

/** The value on that way; undefined where the way ends: a result's own names only. */
function at(value, ...keys) {
  return keys.reduce((inside, key) => {
    const known = typeof inside === "object" && inside !== null && Object.hasOwn(inside, key);
    return known ? inside[key] : undefined;
  }, value);
}

function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function texts(value) {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function pairs(value) {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function percent(value) {
  if (value === null) return DASH;
  return `${signed(value * 100, 1)}%`;
}

function percent0(value) {
  return value === null ? DASH : `${signed(value * 100, 0)}%`;
}

/** A fall is told below zero, as it is felt. */
function fall(value) {
  return value === null ? DASH : percent(-value);
}

function ratio(value) {
  return value === null ? DASH : signed(value, 2);
}

function whole(value) {
  return value === null ? DASH : value.toLocaleString("en", { maximumFractionDigits: 0 });
}

/** With a real minus; never "−0.0". */
function signed(value, decimals) {
  const text = Math.abs(value).toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

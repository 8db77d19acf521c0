import {
  factsOf,
  figuresOf,
  partsOf,
  periodNames,
  verdictOf,
} from "/static/page/artifacts/strategy.js";
import { equal, rule } from "./harness.js";

const figures = {
  total_return: 0.5,
  annual_return: -0.0001,
  sharpe: 1.234,
  max_drawdown: 0.25,
  trades: 1234,
};
const held = { ...figures, sharpe: 0.5, max_drawdown: 0.1 };
const result = {
  accepted: false,
  missed: ["it fell 40% from a peak; at most 30%"],
  years: { train: { first: 2000, last: 2006 }, validation: { first: 2007, last: 2007 } },
  figures: { train: { strategy: figures, buy_and_hold: held } },
  sharpe_by_luck: 0.8,
  cost_bps: 5,
  left_out: { FB: "too short" },
};
const row = (name) => figuresOf(result).find(({ measure }) => measure.key === name).cells;

rule("shares are per cents, a ratio has two decimals, a fall is below zero", () => {
  equal(row("total_return")[0].text, "50.0%");
  equal(row("annual_return")[0].text, "0.0%");
  equal(row("sharpe")[0].text, "1.23");
  equal(row("max_drawdown")[0].text, "−25.0%");
  equal(row("trades")[0].text, "1,234");
});

rule("the better of the two is marked: more return, less risk; equal ones are not", () => {
  equal(row("sharpe").slice(0, 2).map(({ better }) => better), [true, false]);
  equal(row("max_drawdown").slice(0, 2).map(({ better }) => better), [false, true]);
  equal(row("total_return").some(({ better }) => better), false);
});

rule("what is not known is a dash", () => {
  equal(row("sharpe").slice(2).map(({ text }) => text), ["–", "–", "–", "–"]);
  const text = { figures: { train: { strategy: { sharpe: "1" } } } };
  for (const odd of [null, undefined, 5, "x", [], text]) {
    equal(figuresOf(odd).every(({ cells }) => cells.every(({ text }) => text === "–")), true);
    equal(periodNames(odd), ["Training", "Validation", "Held out"]);
    equal(factsOf(odd), []);
  }
});

rule("a period is named with its years", () => {
  equal(periodNames(result), ["Training 2000–2006", "Validation 2007", "Held out"]);
});

rule("the verdict is the result's; without one it is the run's state", () => {
  equal(verdictOf({ accepted: true }, "complete").word, "Accepted");
  equal(verdictOf(result, "complete").missed, result.missed);
  equal(verdictOf(result, "complete").word, "Not accepted");
  equal(verdictOf(null, "running").word, "Searching");
  equal(verdictOf(null, "cancelled").word, "Unfinished");
  equal(verdictOf(undefined, "error").word, "Unfinished");
});

rule("facts have units", () => {
  const facts = new Map(factsOf(result));
  equal(facts.get("Cost of a trade"), "0.05% of the money moved");
  equal(facts.get("Best Sharpe by luck"), "0.80 in training");
  equal(facts.get("Left out"), "FB: too short");
});

rule("of artifacts with the same name the newest counts, and other names do not", () => {
  const names = ["proposal-1.py", "equity.csv", "strategy.py", "equity.csv", "other.py"];
  const found = partsOf(names.map((name, offset) => ({ offset, name })));
  const code = found.code.map(({ offset }) => offset);
  equal([found.equity.offset, found.figures, code], [3, null, [2, 0]]);
});

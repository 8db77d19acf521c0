import {
  add,
  compare,
  Exact,
  isInteger,
  isMultiple,
  numberOf,
  parse,
  same,
  typedNumber,
  write,
} from "/static/page/start/exact.js";
import { equal, rule } from "./harness.js";

const HARD = [
  "9007199254740993",
  "-0",
  "1.0",
  "1e400",
  "0.1000000000000000055",
  "-1.5E+3",
  "12",
  "0.5",
];

rule("every number of JSON comes out as it went in", () => {
  for (const text of HARD) {
    equal(write(parse(text)), text);
    equal(write(parse(`{"a":[${text},"${text}"]}`)), `{"a":[${text},"${text}"]}`);
  }
});

rule("a number that JavaScript has is a plain one", () => {
  equal(
    parse("[1, 2.5, -3]").map((value) => typeof value),
    ["number", "number", "number"],
  );
  equal(parse("9007199254740993") instanceof Exact, true);
});

rule("digits within a text stay a text, whatever stands around them", () => {
  for (const text of [
    '"\\"9007199254740993"',
    '"\\\\"',
    '{"9007199254740993":1}',
    '"{\\"a\\":-0}"',
  ]) {
    equal(write(parse(text)), JSON.stringify(JSON.parse(text)));
  }
});

rule("what is no JSON is refused as JSON.parse does", () => {
  for (const text of ["{oops", "", "01", "[1,]", "NaN", "'a'"]) {
    let wrong = false;
    try {
      parse(text);
    } catch (error) {
      wrong = error instanceof SyntaxError;
    }
    equal([text, wrong], [text, true]);
  }
});

rule("no name of an object is special", () => {
  const text = '{"__proto__":9007199254740993,"constructor":-0}';
  equal(write(parse(text)), text);
});

rule("pretty JSON is that of JSON.stringify", () => {
  for (const value of [{}, [], { a: [1, { b: null }], c: "x" }, "x", [[], {}]]) {
    equal(write(value, true), JSON.stringify(value, null, 2));
    equal(write(value), JSON.stringify(value));
  }
});

rule("JSON.stringify keeps an exact number where the browser can", () => {
  equal(JSON.stringify({ a: parse("9007199254740993") }), '{"a":9007199254740993}');
});

rule("what somebody types as a number is one, and nothing else is", () => {
  const typed = (text) => (typedNumber(text) === null ? null : write(typedNumber(text)));
  equal(["5", "+5", "007", ".5", "5.", "-0", "1e3"].map(typed), [
    "5",
    "5",
    "7",
    "0.5",
    "5",
    "-0",
    "1e3",
  ]);
  equal(
    ["", "-", ".", "1,5", "12a", "0x1f", "Infinity", "1 2"].filter((text) => typed(text)),
    [],
  );
});

rule("numbers are compared by all of their digits", () => {
  equal(compare(parse("9007199254740993"), parse("9007199254740992")), 1);
  equal([compare(1, parse("1.0")), compare(parse("-0"), 0), compare(0.1, 0.2)], [0, 0, -1]);
  equal(compare(parse("1e400"), 5) > 0, true);
  equal(compare(numberOf("1e999999999"), 5) > 0, true);
});

rule("a whole number may have a fraction of nothing", () => {
  const whole = (text) => isInteger(parse(text));
  equal(["1.0", "9007199254740993", "1e3", "-0"].map(whole), [true, true, true, true]);
  equal(["1.5", "9007199254740993.5", "1e-3"].map(whole), [false, false, false]);
});

rule("multiples are counted in decimal digits", () => {
  equal(
    [isMultiple(0.3, 0.1), isMultiple(7, 2), isMultiple(parse("9007199254740994"), 2)],
    [true, false, true],
  );
});

rule("sums are counted in decimal digits", () => {
  equal(write(add(0.1, 0.2)), "0.3");
  equal(write(add(parse("9007199254740993"), 1)), "9007199254740994");
  equal(write(add(1, -1)), "0");
  equal(write(add(-0.5, 1)), "0.5");
  equal(write(add(10, 10)), "20");
});

rule("equality is that of JSON", () => {
  equal(same({ a: 1, b: [2] }, { b: [parse("2.0")], a: 1 }), true);
  equal(
    [same([1], [1, 2]), same(null, {}), same("1", 1), same([], {})],
    [false, false, false, false],
  );
});

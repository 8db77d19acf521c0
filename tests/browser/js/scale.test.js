import { nearest, thinned } from "/static/page/artifacts/downsample.js";
import {
  linearTicks,
  logTicks,
  niceStep,
  numberLabel,
  scale,
  timeLabel,
  timeTicks,
  valueLabel,
  widened,
} from "/static/page/artifacts/scale.js";
import { equal, rule } from "./harness.js";

const labels = (ticks) => ticks.map(({ label }) => label);
const utc = (...parts) => Date.UTC(...parts);

rule("a step is 1, 2, 2.5 or 5 times a power of ten, and no more fit than were asked for", () => {
  for (const span of [1, 3, 7.2, 99, 1234, 0.004, 8e-9, 6e12]) {
    for (const most of [1, 2, 5, 10]) {
      const step = niceStep(span, most);
      const digit = Number(step.toExponential(6).split("e")[0]);
      equal([1, 2, 2.5, 5].includes(digit), true);
      equal(span / step <= most * 1.001, true);
    }
  }
});

rule("ticks lie within the span and have the decimals of their step", () => {
  equal(labels(linearTicks([0.55, 2.4], 5)), ["1.0", "1.5", "2.0"]);
  equal(labels(linearTicks([-1, 1], 4)), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
  equal(labels(linearTicks([0, 1000], 4)), ["0", "250", "500", "750", "1,000"]);
  equal(labels(linearTicks([0, 1], 4)), ["0", "0.25", "0.50", "0.75", "1.00"]);
});

rule("ticks end, also where a step more is no step at all", () => {
  const spans = [[1e17, 1e17 + 64], [-1e200, 1e200], [1e-190, 2e-190], [5, 5.0000001]];
  for (const [low, high] of spans) {
    const ticks = linearTicks(widened(low, high), 5);
    equal(ticks.length <= 7 && ticks.every(({ at }) => Number.isFinite(at)), true);
  }
});

rule("a span of one value, or of none, is given room", () => {
  equal(widened(20, 20), [19, 21]);
  equal(widened(0, 0), [-1, 1]);
  equal(widened(Infinity, -Infinity), [0, 1]);
});

rule("a scale of logarithms has powers of ten, with 2 and 5 between few of them", () => {
  equal(labels(logTicks([0.5, 60], 6)), ["0.5", "1", "2", "5", "10", "20", "50"]);
  equal(labels(logTicks([1, 1e6], 6)), ["1", "10", "100", "1,000", "10,000", "100K", "1M"]);
  equal(logTicks([1e-12, 1e12], 6).length <= 8, true);
  equal(labels(logTicks([1, 2], 5)), ["1.0", "1.2", "1.4", "1.6", "1.8", "2.0"]);
});

rule("a scale maps its ends to its ends, by logarithms too", () => {
  const linear = scale([10, 20], [0, 100]);
  equal([linear(10), linear(15), linear(20)], [0, 50, 100]);
  const log = scale([1, 100], [100, 0], true);
  equal([log(1), Math.round(log(10)), log(100)], [100, 50, 0]);
  equal(scale([3, 3], [0, 100])(3), 0);
});

rule("years, months, days and times are ticks where they begin", () => {
  equal(labels(timeTicks([utc(2000, 2, 1), utc(2013, 5)], 7)).slice(0, 2), ["2002", "2004"]);
  const months = labels(timeTicks([utc(2020, 9, 15), utc(2021, 2, 15)], 6));
  equal(months, ["Nov 2020", "Dec", "2021", "Feb", "Mar"]);
  equal(labels(timeTicks([utc(2020, 1, 27, 12), utc(2020, 2, 2)], 6)).at(-1), "2 Mar");
  equal(labels(timeTicks([utc(2020, 0, 1, 22), utc(2020, 0, 2, 2)], 4)),
    ["22:00", "23:00", "2 Jan", "01:00", "02:00"]);
  equal(labels(timeTicks([utc(2020, 0, 1, 0, 0, 1), utc(2020, 0, 1, 0, 0, 3)], 2)),
    ["00:00:01", "00:00:02", "00:00:03"]);
});

rule("the years of any calendar page end", () => {
  equal(timeTicks([Date.parse("0000-01-01"), Date.parse("9999-12-31")], 8).length <= 10, true);
  equal(timeTicks([0, 1], 8).length <= 10, true);
});

rule("numbers are labelled as short as their step allows", () => {
  equal(numberLabel(0.3, 0.1), "0.3");
  equal(numberLabel(1_200_000, 100_000), "1.2M");
  equal(numberLabel(3e-7, 1e-7), "3e-7");
  equal(valueLabel(1.2345678), "1.23457");
  equal(valueLabel(12_345_678), "12,345,678");
  equal(valueLabel(0), "0");
});

rule("a time is a day where it is midnight", () => {
  equal(timeLabel(utc(2007, 2, 1)), "2007-03-01");
  equal(timeLabel(utc(2007, 2, 1, 14, 5)), "2007-03-01 14:05");
  equal(timeLabel(utc(2007, 2, 1, 14, 5, 6, 7)), "2007-03-01 14:05:06.007");
  equal(timeLabel(Number.NaN), "");
});

rule("thinning keeps first, lowest, highest and last of each pixel, in order", () => {
  const y = (x) => Math.sin(x / 50) + (x === 4321 ? 99 : 0);
  const points = Array.from({ length: 10_000 }, (_, x) => [x, y(x)]);
  const place = (x) => x / 100;
  const kept = thinned(points, place);
  equal(kept.length <= 400, true);
  equal(kept.some(([x]) => x === 4321), true);
  equal([kept[0], kept.at(-1)], [points[0], points.at(-1)]);
  for (let column = 0; column < 100; column += 1) {
    const within = (all) => all.filter(([x]) => Math.floor(place(x)) === column).map(([, y]) => y);
    const [before, after] = [within(points), within(kept)];
    equal([Math.min(...after), Math.max(...after)], [Math.min(...before), Math.max(...before)]);
  }
  equal(kept.every(([x], i) => i === 0 || x > kept[i - 1][0]), true);
});

rule("few points are kept as they are", () => {
  const points = [[0, 1], [0.1, 2], [0.2, 0], [5, 5]];
  equal(thinned(points, (x) => x), points);
  equal(thinned([], (x) => x), []);
});

rule("the nearest x is found, at the ends too", () => {
  equal([-9, 0, 1.4, 1.6, 5, 99].map((x) => nearest([0, 1, 2, 5], x)), [0, 0, 1, 2, 3, 3]);
  equal([nearest([], 1), nearest([7], 1)], [-1, 0]);
});

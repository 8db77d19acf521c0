import { Ledger, parseCursor } from "/static/client/ledger.js";
import { equal, rule } from "./harness.js";

const READY = { epoch: "aaaa", first: 1, last: 9, after: "aaaa-0" };

/** A ledger that was given these offsets, each delivered where the ledger says so. */
function after(offsets, ledger = new Ledger()) {
  ledger.ready(READY);
  for (const offset of offsets) {
    if (ledger.judge({ offset }) === "next") ledger.delivered({ offset });
  }
  return ledger;
}

rule("a cursor is an epoch and an offset, and nothing else is one", () => {
  equal(parseCursor("a1b2-17"), { epoch: "a1b2", offset: 17 });
  const wrong = ["", "now", "a1b2", "a1b2-", "A1B2-1", "a1b2--1", "a1b2-1x", "abc-1", undefined];
  equal(wrong.filter((text) => parseCursor(text) !== null), []);
});

rule("the cursor is what was asked for until the server named an epoch", () => {
  equal(new Ledger().cursor, "");
  equal(new Ledger("now").cursor, "now");
  equal(new Ledger("bbbb-3").cursor, "bbbb-3");
});

rule("without a cursor the epoch is that of the first ready", () => {
  equal(after([]).cursor, "aaaa-0");
});

rule("`now` begins where the ready says", () => {
  const ledger = new Ledger("now");
  ledger.ready({ ...READY, after: "aaaa-9" });
  equal([ledger.cursor, ledger.judge({ offset: 10 })], ["aaaa-9", "next"]);
});

rule("a log whose beginning has expired is not a gap for who has nothing yet", () => {
  const ledger = new Ledger();
  ledger.ready({ epoch: "aaaa", first: 5, last: 9, after: "aaaa-0" });
  equal(ledger.judge({ offset: 5 }), "next");
});

rule("an event moves the cursor when it was delivered, not when it was judged", () => {
  const ledger = after([]);
  equal([ledger.judge({ offset: 1 }), ledger.cursor], ["next", "aaaa-0"]);
  ledger.delivered({ offset: 1 });
  equal([ledger.cursor, ledger.counts.events], ["aaaa-1", 1]);
});

rule("an offset that was delivered before is a double", () => {
  const ledger = after([1, 2, 2, 1]);
  equal([ledger.cursor, ledger.counts.doubles, ledger.counts.events], ["aaaa-2", 2, 2]);
});

rule("an offset that leaves one out is a gap, and the cursor stays before it", () => {
  const ledger = after([1, 2, 4]);
  equal([ledger.cursor, ledger.counts.gaps], ["aaaa-2", 1]);
});

rule("with a filter offsets may jump, and going back is still a double", () => {
  const ledger = after([3, 7, 7, 5], new Ledger("", true));
  equal([ledger.cursor, ledger.counts.gaps, ledger.counts.doubles], ["aaaa-7", 0, 2]);
});

rule("a heartbeat that is ahead of what was delivered shows a loss", () => {
  const ledger = after([1, 2]);
  equal([ledger.confirm("aaaa-2"), ledger.confirm("aaaa-3")], ["agreed", "gap"]);
  equal([ledger.cursor, ledger.counts.gaps], ["aaaa-2", 1]);
});

rule("with a filter a heartbeat moves the cursor over what was left out, and never back", () => {
  const ledger = after([3], new Ledger("", true));
  equal([ledger.confirm("aaaa-8"), ledger.cursor], ["agreed", "aaaa-8"]);
  equal([ledger.confirm("aaaa-5"), ledger.cursor], ["agreed", "aaaa-8"]);
});

rule("a control frame without a cursor says nothing", () => {
  equal(after([1]).confirm(undefined), "agreed");
});

rule("a reset begins again at the log's first event, under the epoch that it names", () => {
  const ledger = after([1, 2, 3]);
  ledger.reset({ epoch: "bbbb", first: 1, last: 2 });
  equal([ledger.cursor, ledger.judge({ offset: 1 }), ledger.counts.resets], ["bbbb-0", "next", 1]);
});

rule("another epoch in a ready changes no cursor; events without a reset are a gap", () => {
  const ledger = after([1, 2]);
  ledger.ready({ ...READY, epoch: "bbbb" });
  equal([ledger.judge({ offset: 3 }), ledger.cursor], ["gap", "aaaa-2"]);
});

rule("a cursor of offset 0 holds nothing, so the next ready names the epoch anew", () => {
  const ledger = after([]);
  ledger.ready({ ...READY, epoch: "bbbb", after: "aaaa-0" });
  equal([ledger.cursor, ledger.judge({ offset: 1 })], ["bbbb-0", "next"]);
});

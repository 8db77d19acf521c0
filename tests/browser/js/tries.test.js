import { Tries } from "/static/client/tries.js";
import { equal, rule } from "./harness.js";

const ALL = ["websocket", "sse", "poll"];
const HOW = { waitMs: null, online: true, chance: 1 };
const UNREADY = {
  ...{ ready: false, progress: false, fate: null },
  ...{ age: 0, heardAt: null, transport: "websocket" },
};
const BROKEN = { ...UNREADY, ready: true, progress: true, heardAt: 1 };

/** A connection of the next transport that never got ready. */
const fail = (tries, how = HOW) => tries.after({ ...UNREADY, transport: tries.next }, how);

rule("with no experience each transport gets its first turn at once, then there are waits", () => {
  const tries = new Tries(ALL, null);
  equal([fail(tries), tries.next, fail(tries), tries.next], [null, "sse", null, "poll"]);
  equal([fail(tries), fail(tries), tries.next], [500, 1000, "sse"]);
});

rule("a failure without a network says nothing about the transport", () => {
  const tries = new Tries(ALL, null);
  equal([fail(tries, { ...HOW, online: false }), tries.next], [500, "websocket"]);
});

rule("a connection that brought something starts the waits again", () => {
  const tries = new Tries(ALL, "websocket");
  equal([fail(tries), fail(tries), fail(tries)], [500, 1000, 2000]);
  tries.after(BROKEN, HOW);
  equal([tries.attempt, tries.cuts], [1, 1]);
});

rule("one that is ready and breaks at once does not", () => {
  const tries = new Tries(ALL, "websocket");
  const useless = { ...BROKEN, progress: false };
  equal([tries.after(useless, HOW), tries.after(useless, HOW)], [500, 1000]);
});

rule("the server's wish for the wait goes before the own one, and chance only adds to it", () => {
  const how = { ...HOW, waitMs: 1000 };
  const waits = [0, 1].map((chance) => new Tries(ALL, null).after(BROKEN, { ...how, chance }));
  equal(waits, [1000, 1250]);
});

rule("what was hung up by wish is no cut and goes on at once", () => {
  const tries = new Tries(ALL, null);
  const waits = ["full", "preferred"].map((fate) => tries.after({ ...BROKEN, fate }, HOW));
  equal([waits, tries.cuts, tries.attempt], [[null, null], 0, 0]);
});

rule("a transport that is forced has no fallback, and teaches nothing about the others", () => {
  const tries = new Tries(ALL, null);
  tries.prefer("poll");
  equal([fail(tries), fail(tries), tries.next], [500, 1000, "poll"]);
  equal(tries.worked("poll"), false);
  tries.prefer(null);
  equal(tries.next, "websocket");
});

rule("what breaks in the middle of what comes at once is asked for in small pieces", () => {
  const tries = new Tries(ALL, "websocket");
  const seen = [{}, { heardAt: 1 }, BROKEN, { ...BROKEN, age: 9999 }].map((ending) => {
    tries.after({ ...UNREADY, ...ending }, HOW);
    return tries.gentle;
  });
  equal(seen, [false, true, true, false]);
});

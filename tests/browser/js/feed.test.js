import { Feed, loopOver } from "/static/client/feed.js";
import { equal, rule } from "./harness.js";

/** A feed with these offsets in it. */
function fed(offsets, most = 4, begun = () => {}) {
  const feed = new Feed(most, begun);
  for (const offset of offsets) put(feed, offset);
  return feed;
}

function put(feed, offset, size = 10) {
  feed.put({ event: { offset }, cursor: `aaaa-${offset}`, before: `aaaa-${offset - 1}` }, size);
}

const take = async (feed) => (await feed.take())?.event.offset ?? null;

rule("events are taken in order, and the cursor stays before what waits", async () => {
  const feed = fed([1, 2]);
  equal([feed.cursor, await take(feed), feed.cursor], ["aaaa-0", 1, "aaaa-1"]);
  equal([await take(feed), feed.cursor], [2, null]);
});

rule("who waits gets the next event, and it does not count as waiting", async () => {
  const feed = fed([]);
  const taken = [take(feed), take(feed)];
  put(feed, 1);
  put(feed, 2);
  equal([feed.size, await Promise.all(taken)], [0, [1, 2]]);
});

rule("it is full at its bound, and has room again when a quarter is left", async () => {
  const feed = fed([1, 2, 3, 4]);
  let room = false;
  feed.room().then(() => (room = true));
  const seen = [feed.full];
  for (let left = 3; left >= 0; left -= 1) {
    await take(feed);
    await null;
    seen.push([left, feed.full, room]);
  }
  equal(seen, [true, [3, false, false], [2, false, false], [1, false, false], [0, false, true]]);
});

rule("it is full when its events are large, however few they are", () => {
  const feed = fed([], 1000);
  put(feed, 1, 5_000_000);
  equal(feed.full, true);
});

rule("a reset is told when all before it were taken, and before what follows", async () => {
  const told = [];
  const feed = fed([1], 4, ({ reason }) => told.push(reason));
  feed.reset({ reason: "epoch" }, "aaaa-1");
  put(feed, 1);
  equal([await take(feed), told, feed.cursor], [1, [], "aaaa-1"]);
  equal([await take(feed), told], [1, ["epoch"]]);
});

rule("with nothing waiting a reset is told at once", () => {
  const told = [];
  fed([], 4, ({ reason }) => told.push(reason)).reset({ reason: "ahead" }, "aaaa-3");
  equal(told, ["ahead"]);
});

rule("at the end what waits is still taken", async () => {
  const feed = fed([1]);
  feed.end();
  equal([await take(feed), await take(feed), await take(feed)], [1, null, null]);
});

rule("an error is thrown once, behind the last event", async () => {
  const feed = fed([1]);
  feed.end(new Error("gone"));
  const thrown = async () => take(feed).catch(({ message }) => message);
  equal([await thrown(), await thrown(), await thrown()], [1, "gone", null]);
});

rule("who waits at the end is told of it", async () => {
  const feed = fed([]);
  const taken = [take(feed), take(feed)];
  feed.end();
  equal(await Promise.all(taken), [null, null]);
});

rule("shut, it gives nothing more, and its cursor stays before what was not taken", async () => {
  const feed = fed([1, 2, 3]);
  await take(feed);
  feed.shut();
  equal([await take(feed), feed.cursor, feed.size], [null, "aaaa-1", 2]);
});

rule("a loop that is left says so, and one that ends does not", async () => {
  const told = [];
  const about = { took: ({ cursor }) => told.push(cursor), left: () => told.push("left") };
  const feed = fed([1, 2]);
  feed.end();
  for await (const event of loopOver(feed, about)) told.push(event.offset);
  equal(told, ["aaaa-1", 1, "aaaa-2", 2]);
  for await (const _ of loopOver(fed([1]), about)) break;
  equal(told.slice(4), ["aaaa-1", "left"]);
});

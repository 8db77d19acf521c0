import { Turns } from "/static/client/turns.js";
import { equal, rule } from "./harness.js";

const settle = () => new Promise((done) => setTimeout(done));

/** So many polls that each make one request, which is answered by calling what `asked` got. */
function polls(count) {
  const turns = new Turns();
  const asked = [];
  const control = new AbortController();
  const ask = (wait) => new Promise((answer) => asked.push({ wait, answer }));
  const each = () => turns.with((inTurn) => inTurn(ask, 25), control.signal);
  return { asked, control, done: Promise.allSettled(Array.from({ length: count }, each)) };
}

rule("four wait for answers at once, each for seconds", async () => {
  const { asked } = polls(4);
  await settle();
  equal(asked.map(({ wait }) => wait), [5, 5, 5, 5]);
});

rule("more take turns in order, and hold a connection for a second", async () => {
  const { asked, done } = polls(6);
  await settle();
  equal(asked.map(({ wait }) => wait), [1, 1, 1, 1]);
  asked[0].answer();
  await settle();
  equal(asked.length, 5);
  for (const { answer } of asked) answer();
  await settle();
  asked[5].answer();
  equal((await done).map(({ status }) => status), Array(6).fill("fulfilled"));
});

rule("who is hung up waits for no turn", async () => {
  const { asked, control, done } = polls(5);
  await settle();
  control.abort("closed");
  for (const { answer } of asked) answer();
  const ends = (await done).map(({ reason }) => reason);
  equal([asked.length, ends.filter((reason) => reason === "closed").length], [4, 1]);
});

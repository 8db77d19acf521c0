import { fresh, inWords, read, write } from "/static/page/address.js";
import { equal, rule } from "./harness.js";

const FILTER = { agents: ["Coder", "a&b=c"], types: ["log"], run: "r_1", text: "50 % + ü" };

rule("a place is read back as it was written", () => {
  for (const place of [
    fresh("s1"),
    { ...fresh("s1"), run: "r_2", event: 41, view: "report" },
    { session: "s1", run: "r_1", event: null, filter: FILTER, view: "events" },
  ]) {
    equal(read(write(place)), place);
  }
});

rule("the start has no query, and a fresh session only its id", () => {
  equal(write(fresh(null)), "");
  equal(write(fresh("s1")), "?session=s1");
});

rule("what cannot be understood is left out", () => {
  equal(read("?session=../x&run=%20&event=-3&type=No!&view=other"), fresh(null));
  equal(read("?session=s&event=1e99&event=2").event, null);
});

rule("words name what hides events, and are empty where nothing does", () => {
  equal(inWords(fresh("s").filter), "");
  equal(
    inWords({ agents: ["A", "B"], types: [], run: null, text: "x" }),
    "Only events of A, B, with “x” are shown.",
  );
});

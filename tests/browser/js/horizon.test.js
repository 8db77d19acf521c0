import { Horizon } from "/static/client/horizon.js";
import { equal, rule } from "./harness.js";

const READY = { state: "running", last: 9 };

rule("the first connection has missed nothing, however long the log is", () => {
  const horizon = new Horizon();
  horizon.ready(READY, 0);
  equal([horizon.missed, horizon.behind(0), horizon.behind(9)], [0, 9, 0]);
});

rule("a later one has missed what came since the follower's offset", () => {
  const horizon = new Horizon();
  horizon.ready(READY, 0);
  horizon.ready({ ...READY, last: 12 }, 9);
  equal([horizon.missed, horizon.last], [3, 12]);
});

rule("what another log has was not missed", () => {
  const horizon = new Horizon();
  horizon.ready(READY, 0);
  horizon.ready(READY, null);
  equal(horizon.missed, 0);
});

rule("the end moves with events and heartbeats, and never back", () => {
  const horizon = new Horizon();
  horizon.ready(READY, 0);
  horizon.event({ offset: 10, type: "tick" });
  horizon.heard({ last: 12 });
  horizon.heard({ last: 11 });
  horizon.heard({});
  horizon.event({ offset: 11, type: "tick" });
  equal(horizon.last, 12);
});

rule("a reset begins with the other log's end", () => {
  const horizon = new Horizon();
  horizon.ready(READY, 0);
  horizon.reset({ last: 2 });
  equal([horizon.last, horizon.behind(0)], [2, 2]);
});

rule("an event tells whether it changed the session's state", () => {
  const horizon = new Horizon();
  horizon.ready({ state: "waiting", last: 0 }, 0);
  const types = ["run_start", "tick", "complete", "run_start"];
  const changes = types.map((type, at) => horizon.event({ offset: at + 1, type }));
  equal(changes, [true, false, true, true]);
  equal(horizon.session, "running");
});

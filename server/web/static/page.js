// The page: one session at a time, named in the address, so that a reload or another tab shows the
// same stream.

import "./connection-bar.js";
import "./event-log.js";
import "./start-form.js";
import { listWorkflows, randomId, sessionAddress, startRun } from "./api.js";
import { follow } from "./keepstream.js";

const ATTACH_MS = 3000; // to wait for the stream before a run is started all the same
const ENDS = new Set(["complete", "error", "cancelled"]);

const bar = document.querySelector("connection-bar");
const events = document.querySelector("event-log");
const form = document.querySelector("start-form");
const field = document.querySelector("#session");

let stream = null;
let session = null;
let run = null; // the active one
let lost = null; // when the connection was lost, while it is

function attach(id) {
  stream?.close();
  session = id;
  run = lost = null;
  field.value = id;
  document.title = `${id} · Keepstream`;
  events.clear();
  bar.showRun(null);
  const mine = follow(sessionAddress(id), {
    onEvent: (event) => mine === stream && receive(event),
    onState: (state) => mine === stream && show(state),
    onReset: (reset) => mine === stream && restart(reset),
  });
  stream = mine;
  bar.showState(mine.state);
  bar.showCounts(mine);
}

function receive(event) {
  if (event.type === "run_start") run = event.run;
  if (ENDS.has(event.type)) run = null;
  bar.showRun(run);
  events.add(event);
  showCountsSoon();
}

function show(state) {
  if (state.name === "live" && bar.dataset.state !== "live") greet(state);
  if (state.name === "reconnecting" && lost === null) {
    lost = performance.now();
    events.note(`Connection lost (${state.reason ?? "broken"}) at ${stream.cursor || "the start"}`);
  }
  if (state.name === "ended" || state.name === "stopped") events.note(state.text);
  bar.showState(state);
  if (state.name !== "connecting") bar.dispatchEvent(new Event("settled"));
  showCountsSoon();
}

function greet({ session: found, transport }) {
  if (lost !== null) {
    const seconds = ((performance.now() - lost) / 1000).toFixed(1);
    events.note(`Back after ${seconds} s over ${transport}, going on after ${stream.cursor}`);
  } else if (found === "waiting") {
    events.note("Attached before the run: the session waits for its first event");
  }
  lost = null;
}

function restart({ reason }) {
  events.clear();
  events.note(`The log began again (${reason}): this is all of it`);
}

let counting = false;
function showCountsSoon() {
  if (counting) return;
  counting = true;
  setTimeout(() => {
    counting = false;
    if (stream) bar.showCounts(stream);
  }, 100);
}

function visit(id) {
  const address = new URL(location.href);
  address.searchParams.set("session", id);
  history.pushState(null, "", address);
  attach(id);
}

/** The stream is opened first and the run started into it; neither depends on the other. */
async function start({ workflow, input }) {
  form.complain("");
  const unused = stream?.state.session === "waiting" && stream.counts.events === 0;
  if (!unused) visit(randomId());
  const target = session;
  await attached(stream);
  try {
    await startRun(target, workflow, input);
  } catch (error) {
    form.complain(error.message);
  }
}

function attached(opened) {
  if (opened.state.name !== "connecting") return null;
  const settled = new Promise((resolve) => {
    bar.addEventListener("settled", resolve, { once: true });
  });
  return Promise.race([settled, new Promise((resolve) => setTimeout(resolve, ATTACH_MS))]);
}

function sessionInAddress() {
  return new URLSearchParams(location.search).get("session");
}

form.addEventListener("start", ({ detail }) => start(detail));
bar.cut.addEventListener("click", () => stream?.cut());
bar.cancel.addEventListener("click", () => {
  if (run !== null) stream.cancel(run).catch((error) => form.complain(error.message));
});
document.querySelector("form.follow").addEventListener("submit", (submit) => {
  submit.preventDefault();
  visit(field.value);
});
addEventListener("popstate", () => sessionInAddress() && attach(sessionInAddress()));

if (sessionInAddress()) attach(sessionInAddress());
listWorkflows().then(
  (workflows) => form.show(workflows),
  (error) => form.complain(`The workflows could not be listed: ${error.message}`),
);

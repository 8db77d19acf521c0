// The page: reads its place from the address, watches that session, and hands to each part what is
// its own. The parts know nothing of each other.

import "./artifacts/strategy-report.js";
import "./connection/connection-panel.js";
import "./connection/diagnosis-panel.js";
import "./events/event-view.js";
import "./run/run-head.js";
import "./run/run-questions.js";
import "./sessions/session-list.js";
import "./start/start-form.js";
import "./timeline/run-timeline.js";
import { Announcer } from "./announcer.js";
import { fresh, inWords, read, write } from "./address.js";
import { setText } from "./dom.js";
import { count, forgetColours } from "./format.js";
import { News } from "./news.js";
import { Starting } from "./starting.js";
import { Shortcuts } from "./shortcuts.js";
import { nextTheme, restoreTheme, theme } from "./theme.js";
import { Watch } from "./watch.js";

restoreTheme();

const find = (selector) => document.querySelector(selector);
const [bar, head, questions, timeline, events, report, diagnosis, sessions] = [
  "connection-panel",
  "run-head",
  "run-questions",
  "run-timeline",
  "event-view",
  "strategy-report",
  "diagnosis-panel",
  "session-list",
].map(find);
const news = new News(new Announcer(find("p.spoken")), events);
const starting = new Starting(find("dialog.starting"), find("section.home"));

let place = fresh(null);
let watch = null;
let opened = false;
let stale = false; // the outline is newer than what is shown of it

// -- where we are

function go(next) {
  history.pushState(null, "", new URL(write(next) || "?", document.baseURI));
  arrive(next);
}

function arrive(next) {
  const moved = next.session !== place.session;
  const revealed = next.event !== place.event ? next.event : null;
  place = next;
  if (moved) attach();
  else if (opened && revealed) events.reveal(revealed);
  if (opened) events.filter = place.filter;
  showFilter();
  showView();
  showRun();
}

/** What the reader did to the present view goes into the address, without a step to go back to. */
function note(changes) {
  place = { ...place, ...changes };
  history.replaceState(null, "", new URL(write(place) || "?", document.baseURI));
}

function attach() {
  watch?.close();
  watch = null;
  opened = false;
  const { session } = place;
  document.body.dataset.place = session === null ? "home" : "session";
  find("section.stream").hidden = session === null;
  find("button.why").hidden = session === null;
  setText(find("nav .name"), session ?? "");
  sessions.current = session;
  starting.atHome = session === null;
  news.begin();
  forgetColours();
  events.hidden = true; // until it is opened it shows the session before
  bar.follow(null);
  showTitle();
  if (session === null) return;
  const mine = new Watch(session, {
    onOpen: (log) => mine === watch && open(log),
    onEvents: (arrived) => mine === watch && receive(arrived),
    onOutline: () => mine === watch && outlined(),
    onStream: (stream) => mine === watch && bar.follow(stream),
    onState: (state) => mine === watch && show(state),
    onReset: ({ reason }) => mine === watch && news.reset(reason),
  });
  watch = mine;
}

// -- what comes

function open(log) {
  const first = !opened;
  opened = true;
  events.hidden = false;
  const at = first && place.event ? { at: place.event } : {};
  events.open({ address: watch.address, ...log, ...at });
  events.filter = place.filter;
  showRun();
}

function receive(arrived) {
  events.receive(arrived);
  news.events(arrived);
}

function show(state) {
  bar.showState(state);
  news.state(state, watch.stream);
  showTitle();
}

function outlined() {
  if (stale) return;
  stale = true;
  queueMicrotask(() => {
    stale = false;
    showRun();
  });
}

function showRun() {
  const outline = watch?.outline;
  const run = outline ? (outline.run(place.run) ?? outline.runs.at(-1) ?? null) : null;
  head.show(run, { session: place.session, runs: outline?.runs ?? [], now: Date.now() });
  const active = outline?.runs.at(-1) ?? null;
  questions.show(active);
  timeline.show(run);
  events.agents = outline?.agents ?? [];
  const reported = run?.workflow === "strategy";
  find("#tab-report").hidden = !reported;
  if (reported) report.show(run, (offset) => watch.event(offset));
  if (!reported && place.view === "report" && run !== null) note({ view: "events" });
  showView();
  showTitle();
  news.run(active);
}

function showView() {
  for (const name of ["events", "report"]) {
    const chosen = name === place.view;
    const tab = find(`#tab-${name}`);
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    find(`#view-${name}`).hidden = !chosen;
  }
}

function showFilter() {
  const words = inWords(place.filter);
  if (words) diagnosis.setAttribute("filtered", words);
  else diagnosis.removeAttribute("filtered");
}

function showTitle() {
  const state = watch?.outline.runs.at(-1)?.state;
  const mark = { running: "▶ ", complete: "✓ ", error: "✗ ", cancelled: "■ " }[state] ?? "";
  document.title = place.session === null ? "Keepstream" : `${mark}${place.session} · Keepstream`;
}

// -- what the reader does

const on = (target, name, act) => target.addEventListener(name, ({ detail }) => act(detail));

on(sessions, "open", ({ session }) => session !== place.session && go(fresh(session)));
on(document, "new", () => starting.open(unused()));
on(head, "again", again);
on(head, "choose", ({ run }) => note({ run }) ?? showRun());
on(head, "cancel", ({ run }) => watch.stream.cancel(run).catch((error) => head.complain(error.message)));
on(questions, "answer", ({ run, request, value }) =>
  watch.stream
    .input(run, request, value)
    .catch((error) => questions.refused(request, error.message, error.path)),
);
on(timeline, "reveal", ({ offset }) => {
  note({ event: offset, view: "events" });
  showView();
  events.reveal(offset);
});
on(events, "select", ({ offset }) => note({ event: offset }));
on(events, "filter", (filter) => note({ filter }) ?? showFilter());
on(bar, "cut", () => watch.stream.cut());
on(bar, "diagnose", diagnose);
on(bar, "transport", ({ name }) => watch.stream.prefer(name));
on(diagnosis, "cut", () => watch.stream.cut());
on(diagnosis, "latest", () => events.pane.toEnd());
on(events, "state", ({ following, unseen }) => {
  if (following || unseen === 0) diagnosis.removeAttribute("paused");
  else diagnosis.setAttribute("paused", `${count(unseen)} newer events are below`);
});
on(diagnosis, "clearfilter", () => {
  note({ filter: fresh(null).filter });
  events.filter = place.filter;
  showFilter();
});
on(starting.form, "started", ({ session }) => {
  if (session !== place.session) go(fresh(session));
  else if (place.run) note({ run: null });
  if (watch.state?.name === "stopped") attach(); // it was deleted, and is there again
  else watch.goOn();
});

for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => note({ view: tab.id.slice(4) }) ?? showView());
  tab.addEventListener("keydown", ({ key }) => {
    if ((key !== "ArrowLeft" && key !== "ArrowRight") || find("#tab-report").hidden) return;
    note({ view: place.view === "events" ? "report" : "events" });
    showView();
    find(`#tab-${place.view}`).focus();
  });
}

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (click) => click.target === dialog && dialog.close());
}

/** With that run's input as the log has it: the outline's may have rounded a long number. */
async function again({ workflow, input }) {
  const { session } = place;
  const run = watch.outline.run(place.run) ?? watch.outline.runs.at(-1);
  const exact = await watch.event(run.offset, { exact: true }).catch(() => null);
  starting.open({ workflow, input: exact?.data.input ?? input, session });
}

/** A session that only waits is what the next run is for; any other gets company by choice alone. */
function unused() {
  return watch?.state?.session === "waiting" ? { session: place.session } : {};
}

function diagnose() {
  if (place.session === null) return;
  find("dialog.diagnosis").showModal();
  diagnosis.check(watch.address, { stream: watch.stream, run: watch.outline.runs.at(-1) ?? null });
}

function showTheme() {
  const button = find("button.theme");
  const words = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[theme()];
  button.setAttribute("aria-label", words);
  button.title = words;
  setText(button, { system: "◐", light: "☀", dark: "☾" }[theme()]);
}

const shortcuts = new Shortcuts([
  { key: "n", words: "start a run", act: () => starting.open(unused()) },
  { key: "s", words: "to the list of sessions", act: () => sessions.search.input.focus() },
  { key: "/", words: "search the events", act: () => events.focusSearch() },
  { key: "j", words: "the next event" },
  { key: "k", words: "the event before" },
  { key: "r", words: "the event as it is in the log" },
  { key: "e", words: "to the live end", act: () => events.pane.toEnd() },
  { key: "c", words: "what the connection does", act: () => (bar.open = !bar.open) },
  { key: "w", words: "why do I see nothing?", act: diagnose },
  { key: "t", words: "light, dark, or as the system", act: () => nextTheme() && showTheme() },
  { key: "?", words: "this list", act: () => find("dialog.keys").showModal() },
]);
find("dialog.keys").append(shortcuts.legend());
find("button.new").addEventListener("click", () => starting.open(unused()));
find("button.why").addEventListener("click", diagnose);
find("button.help").addEventListener("click", () => find("dialog.keys").showModal());
find("button.theme").addEventListener("click", () => nextTheme() && showTheme());
for (const link of document.querySelectorAll("h1 a, a.back")) {
  link.addEventListener("click", (click) => {
    if (click.ctrlKey || click.metaKey || click.shiftKey) return;
    click.preventDefault();
    go(fresh(null));
  });
}

addEventListener("popstate", () => arrive(read(location.search)));
showTheme();
starting.atHome = true;
arrive(read(location.search));

// Puts an <event-view> into an empty page and feeds it as the page does: live events once a frame.

import { follow } from "/static/keepstream.js";
import "/static/page/events/event-view.js";

export async function mount(session, { at, filter, live = true } = {}) {
  const address = new URL(`/api/sessions/${session}`, location.href);
  const answer = await fetch(`${address}/events?limit=1&wait=0.01`);
  const { epoch, first, last } = await answer.json();
  const view = document.createElement("event-view");
  document.querySelector("main").replaceChildren(view);
  const kept = { view, fired: [], stream: null, sent: 0 };
  for (const name of ["filter", "select", "state"]) {
    view.addEventListener(name, ({ detail }) => kept.fired.push([name, detail]));
  }
  if (filter) view.filter = filter;
  view.open({ address, epoch, first, last, at });
  if (live) kept.stream = stream(address, `${epoch}-${last}`, view, kept);
  return kept;
}

function stream(address, after, view, kept) {
  let waiting = [];
  return follow(address, {
    after,
    until: "forever",
    onEvent(event) {
      waiting.push(event);
      if (waiting.length > 1) return;
      requestAnimationFrame(() => {
        const events = waiting;
        waiting = [];
        kept.sent += events.length;
        view.receive(events);
      });
    },
  });
}

import { createElement, useEffect, useState } from "react";
import { follow } from "./keepstream/keepstream.js";

const MOST = 500; // events that are kept to be drawn; the log has them all
const NOTHING = { events: [], state: null, stream: null };

/** The newest events of a session, what its stream is doing, and the stream. */
export function useStream(url) {
  const [view, setView] = useState(NOTHING);
  useEffect(() => {
    let fresh = []; // come since the last frame
    let again = true; // whether what was drawn before is void
    let frame = 0;
    const draw = () => {
      frame = 0;
      const [added, begun] = [fresh, again];
      [fresh, again] = [[], false];
      setView(({ events }) => ({
        events: [...(begun ? [] : events), ...added].slice(-MOST),
        state: stream.state,
        stream,
      }));
    };
    const later = () => {
      frame ||= requestAnimationFrame(draw); // a burst of events is drawn once
      if (fresh.length > 2 * MOST) fresh = fresh.slice(-MOST); // a hidden page has no frames
    };
    const stream = follow(url, {
      onEvent(event) {
        fresh.push(event);
        later();
      },
      onState: later,
      onReset() {
        [fresh, again] = [[], true];
        later();
      },
    });
    return () => {
      cancelAnimationFrame(frame);
      stream.close();
    };
  }, [url]);
  return view;
}

export function Session({ url }) {
  const { events, state, stream } = useStream(url);
  const run = events.at(-1)?.run;
  return createElement(
    "section",
    null,
    createElement("p", { role: "status" }, state?.text ?? "Connecting…"),
    createElement(
      "ol",
      null,
      events.map(({ offset, type }) => createElement("li", { key: offset }, `${offset} ${type}`)),
    ),
    createElement(
      "button",
      { disabled: state?.session !== "running" || !run, onClick: () => stream.cancel(run) },
      "Cancel the run",
    ),
  );
}

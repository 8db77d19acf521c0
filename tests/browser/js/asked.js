// Follows a session and shows the questions of its newest run in `part`, as the page does.

import { follow } from "/static/keepstream.js";

export function asked(session, part) {
  let run = null;
  const seen = {
    input_request: ({ offset, data }) =>
      run.questions.push({ ...data, offset, state: "pending", value: undefined }),
    input_received: ({ offset, data: { request, value } }) => {
      const question = run.questions.find((each) => each.request === request);
      Object.assign(question, { state: "answered", value, endOffset: offset });
    },
    complete: () => end(),
    cancelled: () => end(),
  };
  const end = () => {
    for (const each of run.questions) if (each.state === "pending") each.state = "void";
  };
  const stream = follow(`/api/sessions/${session}`, {
    onEvent: (event) => {
      if (event.type === "run_start") run = { id: event.run, questions: [] };
      seen[event.type]?.(event);
      part.show(run);
    },
  });
  part.addEventListener("answer", ({ detail }) => {
    stream
      .input(detail.run, detail.request, detail.value)
      .catch(({ message }) => part.refused(detail.request, message));
  });
  return { stream, show: () => part.show(run) };
}

// Follows sessions as a program does: node follow.mjs CLIENT HOW URL JSON. Prints what it was told.

import { pathToFileURL } from "node:url";

const [client, how, url, given] = process.argv.slice(2);
const { connect, follow } = await import(pathToFileURL(client));
const options = JSON.parse(given ?? "{}");

const notes = () => ({ offsets: [], transports: [], resets: [] });

function listeners(kept) {
  return {
    onState: ({ transport }) => kept.transports.push(transport),
    onReset: ({ reason }) => kept.resets.push(reason),
  };
}

const WAYS = {
  /** With callbacks, to the end of the stream. */
  callbacks: () =>
    new Promise((resolve) => {
      const kept = notes();
      const ears = listeners(kept);
      const onState = (state) => {
        ears.onState(state);
        if (["ended", "stopped"].includes(state.name)) resolve({ ...kept, state });
      };
      const onEvent = (event) => kept.offsets.push(event.offset);
      follow(url, { ...ears, onEvent, onState, ...options });
    }),

  async loop() {
    const kept = notes();
    const stream = follow(url, { ...listeners(kept), ...options });
    try {
      for await (const event of stream) kept.offsets.push(event.offset);
    } catch ({ name, message, reason }) {
      kept.threw = { name, message, reason };
    }
    return { ...kept, state: stream.state, counts: stream.counts };
  },

  /** Leaves the loop, and comes back with the cursor in another stream. */
  async twice() {
    const kept = notes();
    const first = follow(url, { ...listeners(kept), ...options });
    for await (const event of first) {
      kept.offsets.push(event.offset);
      if (event.offset === 3) break;
    }
    const second = follow(url, { ...options, after: first.cursor });
    for await (const event of second) kept.offsets.push(event.offset);
    return { ...kept, first: first.state, counts: first.counts };
  },

  async many() {
    const connection = connect(url, options.connection);
    const found = await Promise.all(
      options.sessions.map(async (session) => {
        const kept = notes();
        const stream = connection.follow(session, listeners(kept));
        for await (const event of stream) kept.offsets.push(event.offset);
        return kept;
      }),
    );
    return { found, left: connection.sessions };
  },
};

// The process ends by itself: nothing of the client's may keep it up.
console.log(JSON.stringify(await WAYS[how]()));

// Node and ws: a line that comes in goes to every reader of its session. Keeps nothing.
const { WebSocketServer } = require("ws");
const { listen } = require("./lines.js");

const readers = new Map();
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false });

server.on("connection", (socket, request) => {
  const session = request.url.split("/").pop();
  if (!readers.has(session)) readers.set(session, new Set());
  readers.get(session).add(socket);
  socket.on("close", () => readers.get(session).delete(socket));
});

server.on("listening", () =>
  listen(server.address().port, (session, lines) => {
    for (const line of lines) {
      const frame = Buffer.from(line);
      for (const socket of readers.get(session) ?? []) socket.send(frame, { binary: false });
    }
  }),
);

// socket.io with connection state recovery: an event goes to the room of its session, and stays in
// memory for readers that come back. Nothing on disk.
const { createServer } = require("node:http");
const { Server } = require("socket.io");
const { listen } = require("./lines.js");

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  pingInterval: 600_000, // heartbeats are left out, as everywhere in these rows
  connectionStateRecovery: { maxDisconnectionDuration: 120_000 },
});

io.on("connection", (socket) => socket.join(socket.handshake.query.session));

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () =>
  listen(http.address().port, (session, lines) => {
    for (const line of lines) io.to(session).emit("event", JSON.parse(line));
  }),
);

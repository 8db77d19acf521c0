// What the peers that are written in JavaScript share: sessions' sockets, and lines from them.
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");

// Calls take(session, lines) with the events of each read; the first line names the session.
exports.listen = (port, take) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "peer"));
  const address = path.join(folder, "s");
  const server = net.createServer((socket) => {
    let rest = "";
    let session;
    socket.setEncoding("utf8");
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const lines = (rest + data).split("\n");
      rest = lines.pop();
      if (session === undefined && lines.length) session = lines.shift();
      if (lines.length) take(session, lines);
    });
  });
  server.listen({ path: address, backlog: 4096 }, () => console.log(JSON.stringify({ port, address })));
  const end = () => {
    fs.rmSync(folder, { recursive: true });
    process.exit();
  };
  process.on("SIGTERM", end);
  process.stdin.on("end", end).resume();
};

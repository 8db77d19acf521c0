// @durable-streams/server with its file store: publishers append by POST, readers follow by SSE.
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { DurableStreamTestServer } = require("@durable-streams/server");

const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "peer"));
const server = new DurableStreamTestServer({ host: "127.0.0.1", port: 0, dataDir });

server.start().then((url) => {
  console.log(JSON.stringify({ port: Number(new URL(url ?? server.baseUrl).port), address: "" }));
});
const end = () => {
  fs.rmSync(dataDir, { recursive: true, force: true });
  process.exit();
};
process.on("SIGTERM", end);
process.stdin.on("end", end).resume();

// node follow.mjs http://127.0.0.1:8080/api/sessions/demo
import { follow } from "./keepstream/keepstream.js";

const stream = follow(process.argv[2]);
for await (const event of stream) {
  console.log(event.offset, event.type, stream.cursor);
}

import { EventStream } from "/static/client/transports.js";
import { equal, rule } from "./harness.js";

const STREAM =
  'retry: 1000\n\nevent: ready\nid: aaaa-0\ndata: {"type":"ready"}\n\n' +
  ': heartbeat\nid: aaaa-0\n\nid: aaaa-1\ndata: {"offset":1}\n\n';

function parse(...pieces) {
  const parser = new EventStream();
  return pieces.flatMap((piece) => parser.feed(piece));
}

rule("records come out whole, wherever the pieces were cut", () => {
  const whole = parse(STREAM);
  equal(whole.map(({ id }) => id), [null, "aaaa-0", "aaaa-0", "aaaa-1"]);
  for (let at = 0; at <= STREAM.length; at += 1) {
    equal(parse(STREAM.slice(0, at), STREAM.slice(at)), whole);
  }
  equal(parse(...STREAM), whole);
});

rule("a heartbeat is a record with an id and no data", () => {
  equal(parse(": heartbeat\nid: aaaa-7\n\n"), [{ event: null, data: null, id: "aaaa-7" }]);
});

rule("lines may end in CR, LF or both", () => {
  const lf = parse(STREAM);
  equal(parse(STREAM.replaceAll("\n", "\r\n")), lf);
  equal(parse(...STREAM.replaceAll("\n", "\r\n")), lf);
  equal(parse(`${STREAM.replaceAll("\n", "\r")}:`), lf);
});

rule("data may have several lines, colons and no space before it", () => {
  equal(parse("data:a: b\ndata:  c\n\n")[0].data, "a: b\n c");
});

rule("a record that the connection cut off is not one", () => {
  equal(parse('id: aaaa-1\ndata: {"off'), []);
});

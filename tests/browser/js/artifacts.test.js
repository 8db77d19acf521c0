import { amount, branchOf, entriesOf, openAtFirst } from "/static/page/artifacts/branches.js";
import { contentOf, hexOf, sizeOf, toBase64 } from "/static/page/artifacts/content.js";
import { diffClasses } from "/static/page/artifacts/diff.js";
import { kindOf } from "/static/page/artifacts/kinds.js";
import { pictureSize } from "/static/page/artifacts/picture.js";
import { read } from "/static/page/artifacts/reading.js";
import { blocks, fileName, pathOf, visible } from "/static/page/artifacts/visible.js";
import { equal, rule } from "./harness.js";

const views = (given) => read({ name: "a", media_type: "text/plain", ...given }).views;
const shapes = (given) => views(given).map(({ shape }) => shape);
const problem = (given) => read({ name: "a", media_type: "text/plain", ...given }).problem;
const csv = (text) => ({ media_type: "text/csv", text });
const json = (text) => ({ media_type: "application/json", text });

rule("the media type says what it is, without its parameters and in any case", () => {
  equal(kindOf("x", "Text/CSV; charset=utf-8; header=present"), "csv");
  equal(kindOf("x.csv", "application/json"), "json");
  equal(kindOf("x", "application/vnd.api+json"), "json");
  equal(kindOf("x", "image/svg+xml"), "svg");
  equal(kindOf("x", "application/xhtml+xml"), "code");
  equal(kindOf("x", "text/html"), "code");
  equal(kindOf("x", "text/x-python"), "code");
  equal(kindOf("x.png", "application/pdf"), "bytes");
  equal(kindOf("x", "image/tiff"), "bytes");
});

rule("where the media type says nothing, the name does", () => {
  for (const type of ["", "text/plain", "application/octet-stream"]) {
    equal(kindOf("out/equity.CSV", type), "csv");
    equal(kindOf("a.patch", type), "diff");
    equal(kindOf("Dockerfile", type), "code");
    equal(kindOf("a.jpeg", type), "image");
  }
  equal(kindOf("notes", "text/plain"), "prose");
  equal(kindOf("notes", ""), "bytes");
  equal(kindOf("constructor", ""), "bytes");
});

rule("a table of dates and numbers is a chart first; of words and numbers a table first", () => {
  equal(shapes(csv("date,a\n2020-01-01,1\n2020-01-02,2")), ["chart", "table", "code"]);
  equal(shapes(csv("step,a\n1,1\n2,2")), ["chart", "table", "code"]);
  equal(shapes(csv("model,a\nx,1\ny,2")), ["table", "chart", "code"]);
  equal(shapes(csv("model,a\nx,u\ny,v")), ["table", "code"]);
});

rule("the rows of a kind are a stretch where kinds follow each other, else a line", () => {
  const follow = "date,period,a\n2020-01-01,x,1\n2020-01-02,x,2\n2020-01-03,y,1\n2020-01-04,y,2";
  const [{ given: stretches }] = views(csv(follow));
  equal(stretches.groups.map(({ name }) => name), ["x", "y"]);
  equal(stretches.series.map(({ name }) => name), ["a"]);
  const [{ given: lines }] = views(csv("step,kind,a\n1,x,1\n1,y,2\n2,x,3\n2,y,4"));
  equal(lines.series, [
    { name: "a · x", points: [[1, 1], [2, 3]] },
    { name: "a · y", points: [[1, 2], [2, 4]] },
  ]);
});

rule("an empty cell is a hole in its line", () => {
  const [{ given }] = views(csv("step,a\n1,1\n2,\n3,3"));
  equal(given.series[0].points, [[1, 1], [2, null], [3, 3]]);
});

rule("JSON is a tree; an array of flat objects a table and, of numbers, a chart as well", () => {
  equal(shapes(json('{"a": [1]}')), ["tree", "code"]);
  equal(shapes(json('[{"a": "x"}]')), ["table", "tree", "code"]);
  equal(shapes(json('[{"t": 1, "a": 5}, {"t": 2, "a": 6}]')), ["chart", "table", "tree", "code"]);
  equal(shapes({ name: "a.jsonl", text: '{"a":"x"}\n\n{"a":"y"}\n' }), ["table", "tree", "code"]);
});

rule("what is wrong is told in one line, over the text as it is", () => {
  equal(shapes(json("{")), ["code"]);
  equal(problem(json("{")).startsWith("Not JSON: "), true);
  equal(problem({ name: "a.jsonl", text: "{}\n{" }).startsWith("Not JSON Lines: line 2: "), true);
  equal(problem(csv('a\n"')), "Not CSV: the quotes that open on line 2 are never closed");
  equal(problem(csv("a,b\n1\n2,3")), "1 row has more or fewer cells than the header.");
  equal(problem({ media_type: "image/png", text: "x" }), "It should be an image, but is text.");
  equal(problem({ text: "" }), "It is empty.");
  equal(problem({ base64: "*" }), "Its base64 cannot be decoded.");
  equal(views({ base64: "*" })[0].given, "*");
  equal(problem({}), "It has neither text nor base64.");
  equal(problem({ text: { deep: [1] } }), "It has neither text nor base64.");
  equal(problem({ text: "a\u202eb" }).startsWith("Characters in this text turn"), true);
  equal(problem({ text: "fine" }), "");
});

rule("bytes that are UTF-8 are text, others are shown as bytes", () => {
  const text = btoa("a,b\n1,2\n3,4");
  equal(shapes({ media_type: "text/csv", base64: text })[0], "chart");
  equal(shapes({ media_type: "text/csv", base64: btoa("\xff\xfe") }), ["bytes"]);
  equal(problem({ media_type: "text/csv", base64: btoa("\xff") }).includes("no UTF-8"), true);
  equal(shapes({ media_type: "application/zip", base64: btoa("PK\0") }), ["bytes"]);
});

rule("JSON that is nested deeper than a stack is read, or refused in words", () => {
  for (const depth of [128, 20_000]) {
    const text = "[".repeat(depth) + "]".repeat(depth);
    equal(["tree", "code"].includes(shapes(json(text))[0]), true);
  }
});

rule("the size is that of the bytes, without decoding them", () => {
  for (const text of ["", "a", "ab", "abc"]) equal(sizeOf({ base64: btoa(text) }), text.length);
  equal([sizeOf({ text: "äö€" }), sizeOf({}), sizeOf({ text: 5, base64: 5 })], [7, 0, 0]);
});

rule("bytes go to base64 and back, whatever their number", () => {
  const bytes = Uint8Array.from({ length: 20_001 }, (_, i) => i % 251);
  equal([...contentOf({ base64: toBase64(bytes) }).bytes], [...bytes]);
});

rule("a dump has sixteen bytes a line and ends where it should", () => {
  const lines = hexOf(new TextEncoder().encode("0123456789abcdefX\n")).split("\n");
  equal(lines[0], "0000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef");
  equal(lines[1].endsWith("  X·") && lines[1].startsWith("0010  58 0a"), true);
  equal(hexOf(new Uint8Array(5000)).split("\n").length, 16);
});

rule("what cannot be seen is escaped; line ends and emoji's joiners where they belong stay", () => {
  equal(visible("a\u202eb\u0000\u2028\u{e0041}"), "a\\u202eb\\u0000\\u2028\\u{e0041}");
  equal(visible("\ud800x"), "\\ud800x");
  equal(visible("👩‍🚀 é 日本 عربى"), "👩‍🚀 é 日本 عربى");
});

rule("a name to save under has no folders and nothing that hides its end", () => {
  equal(fileName("../../etc/passwd"), "passwd");
  equal(fileName("C:\\x\\a.txt"), "a.txt");
  equal(fileName("a\u202etxt.exe"), "a_txt.exe");
  equal([fileName(""), fileName(".."), fileName("a/")], ["artifact", "artifact", "artifact"]);
  equal(fileName(`${"x".repeat(999)}.csv`).length <= 120, true);
  equal(fileName(`${"x".repeat(999)}.csv`).endsWith(".csv"), true);
});

rule("a path is written so that it can be pasted", () => {
  equal(pathOf([]), "$");
  equal(pathOf(["a", 0, "weird key", "__proto__", "é"]), '$.a[0]["weird key"].__proto__.é');
  equal(pathOf(['"\u202e']), '$["\\"\\u202e"]');
});

rule("blocks joined by line ends are the text, and only a long line is cut within", () => {
  const text = Array.from({ length: 999 }, (_, i) => "x".repeat(i % 70)).join("\n");
  equal(blocks(text, 500).join("\n"), text);
  equal(blocks(text, 500).every(({ length }) => length <= 500), true);
  equal(blocks("x".repeat(1200), 500).map(({ length }) => length), [500, 500, 200]);
  equal(blocks(""), [""]);
});

rule("a hunk is as long as it says: a line of --- within it is gone, after it a name", () => {
  const first = ["--- a", "+++ b", "@@ -1,3 +1,2 @@ f", " x", "--- y", "-", "+z"];
  equal(diffClasses(first), ["file", "file", "hunk", "", "gone", "gone", "added"]);
  const second = ["--- c", "@@ -1 +1 @@", "-a", "+b", "end"];
  const wanted = ["file", "hunk", "gone", "added", ""];
  equal(diffClasses([...first, ...second]).slice(-5), wanted);
});

rule("an image tells its size with its first bytes", () => {
  const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const png = bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x40\0\0\0\xc8");
  equal(pictureSize(png, "image/png"), { width: 320, height: 200 });
  equal(pictureSize(bytes("GIF89a\x40\x01\xc8\0"), "image/gif"), { width: 320, height: 200 });
  const jpeg = bytes("\xff\xd8\xff\xe0\0\x04ab\xff\xc2\0\x0b\x08\0\xc8\x01\x40");
  equal(pictureSize(jpeg, "image/jpeg"), { width: 320, height: 200 });
  const webp = bytes("RIFF....WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\x01\0\xc7\0\0");
  equal(pictureSize(webp, "image/webp"), { width: 320, height: 200 });
  const bad = [bytes("nothing"), png.subarray(0, 9)].map((each) => pictureSize(each, "image/png"));
  equal(bad, [null, null]);
  equal(pictureSize(png, "constructor"), null);
});

rule("a line of a tree says what it holds, and never more than a line", () => {
  equal(branchOf({ a: 1, b: [2], c: {} }).line, "{a: 1, b: […], c: {}}");
  equal(branchOf(["x", null]).line, '["x", null]');
  equal(branchOf("a\u202e\n"), { type: "string", line: '"a\\u202e\\n"', size: 0 });
  const long = branchOf("x".repeat(1_000_000));
  equal([long.type, long.line.length < 200, amount(long)], ["text", true, "1,000,000 characters"]);
  equal(branchOf({ ["k".repeat(500)]: 1, b: 2 }).line.length < 100, true);
  equal([branchOf([]), branchOf(null)].map(amount), ["", ""]);
});

rule("entries are an object's own, whatever their names", () => {
  const hostile = JSON.parse('{"__proto__": {"x": 1}, "constructor": 2, "toString": 3}');
  equal(entriesOf(hostile, 0, 9), [["__proto__", { x: 1 }], ["constructor", 2], ["toString", 3]]);
  equal(entriesOf(["a", "b", "c"], 1, 3), [[1, "b"], [2, "c"]]);
});

rule("a tree opens level by level at first, while its lines are few", () => {
  const small = { a: { b: { c: [1] } } };
  equal(openAtFirst(small).size, 4);
  const wide = { a: Array.from({ length: 90 }, (_, i) => i), b: { c: 1 } };
  equal(openAtFirst(wide).has(wide), true);
  equal(openAtFirst(wide).has(wide.a), false);
  equal([openAtFirst([]).size, openAtFirst("x").size, openAtFirst(null).size], [0, 0, 0]);
});

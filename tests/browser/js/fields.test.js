import { parse, write } from "/static/page/start/exact.js";
import { editorFor } from "/static/page/start/editor.js";
import { fieldsFor } from "/static/page/start/fields.js";
import { equal, rule } from "./harness.js";

const TEXT = { type: "string" };
const WHOLE = { type: "integer" };
const NULL = { type: "null" };
const SOURCE = {
  type: "object",
  properties: { url: TEXT, weight: { type: "number", default: 1 } },
  required: ["url"],
};
const TREE = {
  $ref: "#/$defs/T",
  $defs: {
    T: {
      type: "object",
      properties: { topic: TEXT, children: { type: "array", items: { $ref: "#/$defs/T" } } },
      required: ["topic"],
    },
  },
};
const TAGGED = {
  anyOf: [
    {
      type: "object",
      properties: { type: { enum: ["web"] }, engine: { enum: ["a", "b"], default: "a" } },
      required: ["type"],
    },
    {
      type: "object",
      properties: { type: { enum: ["files"] }, folder: TEXT },
      required: ["type", "folder"],
    },
    NULL,
  ],
};

function mounted(fields) {
  document.body.replaceChildren(fields.node);
  return fields;
}
const drawn = (schema, value) => mounted(fieldsFor(schema, value));
const sent = (schema, text) =>
  write(drawn(schema, text === undefined ? undefined : parse(text)).value());
const type = (box, text) => {
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
};
const field = (name) => document.querySelector(`.field[data-name="${name}"]`);
const box = (name) => field(name).querySelector("input, textarea, select");
const press = (name, words) => {
  const found = [...field(name).querySelectorAll("button")].find(
    (each) => !each.hidden && each.textContent.startsWith(words),
  );
  found.click();
};
const object = (properties, required = []) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});

rule("a value that is not touched is sent as it was given", () => {
  const pairs = [
    [TEXT, '"a\\nb"', '""', '"  a "', '"a\\r\\nb"', '"\u2028\\u0000"', "5"],
    [WHOLE, "9007199254740993", "-0", "1.0", '"x"', "null", "1e3"],
    [{ type: "number" }, "0.1000000000000000055", "1e400", "-0"],
    [{ type: "boolean" }, "true", "false", "0"],
    [{ enum: ["a", 3, null, [1], { x: 1 }] }, '"a"', "3", "null", "[1]", '{"x":1}', '"other"'],
    [{ type: "array", items: WHOLE }, "[]", "[1,2,2]", "[9007199254740993]", '["x"]', "{}"],
    [
      { type: "array", items: { enum: ["a", "b"] } },
      "[]",
      '["a"]',
      '["a","b"]',
      '["b","a"]',
      '["a","a"]',
    ],
    [{ prefixItems: [TEXT, WHOLE], items: false }, '["a",1]', '["a"]', '["a",1,2]'],
    [
      { type: "object", additionalProperties: TEXT },
      "{}",
      '{"a":"x","":"y"}',
      '{"a":1}',
      '{"__proto__":"x"}',
    ],
    [object({ a: TEXT, b: WHOLE }), "{}", '{"a":""}', '{"b":-0}', '{"c":1}', '{"a":null}'],
    [SOURCE, '{"url":"x"}', '{"url":"x","weight":1}', '{"url":"x","more":[1]}'],
    [{ anyOf: [WHOLE, TEXT] }, "5", '"5"', "null", "[]"],
    [{ anyOf: [WHOLE, NULL], default: null }, "null", "5"],
    [TAGGED, '{"type":"files","folder":"x"}', '{"type":"web"}', "null", '{"type":"other"}'],
    [TREE, '{"topic":"a","children":[{"topic":"b","children":[{"topic":"c"}]}]}'],
    [{}, "null", "0", '"x"', '[{"a":[-0]}]'],
    [{ type: "string", format: "date" }, '"2026-11-22"', '"no date"', '""'],
    [{ type: "string", format: "date-time" }, '"2026-11-22T22:00:00.123456+02:00"', '"x"'],
  ];
  for (const [schema, ...values] of pairs) {
    for (const value of values) equal([write(schema), sent(schema, value)], [write(schema), value]);
  }
});

rule("optional values that nobody touched are left out, and so are defaults", () => {
  const schema = object({
    a: TEXT,
    b: { ...WHOLE, default: 2 },
    c: SOURCE,
    d: { type: "array", items: TEXT },
    e: { type: "boolean", default: true },
    f: { anyOf: [WHOLE, NULL], default: null },
    g: { prefixItems: [TEXT, WHOLE], items: false, default: ["a", 1] },
  });
  equal(sent(schema), "{}");
});

rule("what was touched is sent, also where it is the default, until it is reset", () => {
  const fields = drawn(object({ b: { ...WHOLE, default: 2 }, a: TEXT }));
  type(box("b"), "3");
  type(box("b"), "2");
  type(box("a"), "x");
  type(box("a"), "");
  equal(write(fields.value()), '{"b":2,"a":""}');
  press("b", "reset");
  press("a", "reset");
  equal(write(fields.value()), "{}");
  equal(box("b").value, "2");
});

rule("within a default that is touched, the rest is kept", () => {
  const fields = drawn(
    object({ g: { prefixItems: [TEXT, WHOLE], items: false, default: ["a", 1] } }),
  );
  type(box("1"), "b");
  equal(fields.value(), { g: ["b", 1] });
});

rule("none is sent where it was chosen", () => {
  const fields = drawn(
    object({
      n: { anyOf: [WHOLE, NULL], default: 5 },
      o: { anyOf: [SOURCE, NULL], default: null },
    }),
  );
  press("n", "none");
  equal(fields.value(), { n: null });
  type(box("n"), "7");
  press("o", "Set o");
  type(box("url"), "x");
  equal(fields.value(), { n: 7, o: { url: "x" } });
  press("o", "none");
  equal(fields.value(), { n: 7, o: null });
  press("o", "Set o");
  equal(fields.value(), { n: 7, o: { url: "x" } });
});

rule("what is needed and absent, or no number, is said at its field, which gets the focus", () => {
  const fields = drawn(
    object({ a: TEXT, b: WHOLE, c: { type: "array", items: WHOLE } }, ["a", "b", "c"]),
  );
  equal(fields.check().length, 2);
  equal(document.activeElement === box("a"), true);
  equal(
    [box("a"), box("b")].map((each) => each.getAttribute("aria-invalid")),
    ["true", "true"],
  );
  type(box("a"), "x");
  equal(
    [box("a").getAttribute("aria-invalid"), field("a").querySelector(".problem").textContent],
    [null, ""],
  );
  type(box("b"), "12abc");
  equal(fields.check(), ["is not a number"]);
  equal(document.activeElement === box("b"), true);
  type(box("b"), "12");
  equal([fields.check(), fields.value()], [[], { a: "x", b: 12, c: [] }]);
});

rule("a complaint is heard where its value is", () => {
  const schema = object({
    "a.b": TEXT,
    a: object({ b: { type: "array", items: object({ "c[0]": TEXT }) } }),
    input: TEXT,
  });
  const fields = drawn(schema, { "a.b": "", a: { b: [{}, { "c[0]": "" }] }, input: "" });
  const said = (path) => {
    fields.check();
    fields.complain(path, `${path}: no good`);
    return [...document.querySelectorAll(".field[data-wrong]")].map(({ dataset }) => dataset.name);
  };
  equal(said("input.a.b"), ["a.b"]);
  equal(said("input.a.b[1].c[0]"), ["c[0]"]);
  equal(said("/a/b/0"), ["item 1"]);
  equal(said("a"), ["a"]);
  equal(said("input.input"), ["input"]);
  equal(said("/input"), ["input"]);
  equal(said("input.nowhere"), [""]);
  equal(said("input"), [""]);
  equal(document.querySelector(".fields > .problem").textContent, "No good");
});

rule("rows are added, moved and taken out", () => {
  const fields = drawn({ type: "array", items: TEXT, maxItems: 3 }, ["a", "b"]);
  const buttons = (label) => [...document.querySelectorAll(`[aria-label="${label}"]`)];
  buttons("move down")[0].click();
  equal(fields.value(), ["b", "a"]);
  document.querySelector(".field-more").click();
  equal(fields.check(), ["needs a value"]);
  type(document.querySelectorAll("textarea")[2], "c");
  equal([fields.value(), document.querySelector(".field-more").disabled], [["b", "a", "c"], true]);
  buttons("move up")[2].click();
  buttons("remove")[0].click();
  equal(fields.value(), ["c", "a"]);
});

rule("entries need names of their own and values", () => {
  const fields = drawn({ type: "object", additionalProperties: WHOLE }, { a: 1 });
  document.querySelector(".field-more").click();
  equal(fields.check(), ["needs a name"]);
  const [, name] = document.querySelectorAll(".field-entry > input");
  type(name, "a");
  equal(fields.check(), ["has a name that is there already"]);
  type(name, "b");
  equal(fields.check(), ["needs a value"]);
  type(document.querySelectorAll(".field-number")[1], "2");
  equal([fields.check(), fields.value()], [[], { a: 1, b: 2 }]);
});

rule("every control has a name, and its help and complaint belong to it", () => {
  drawn(
    object(
      {
        a: { ...TEXT, description: "help" },
        b: WHOLE,
        c: { type: "boolean" },
        d: { enum: ["x", "y"] },
        e: { type: "array", items: TEXT },
        f: { type: "object", additionalProperties: TEXT },
        g: {},
        h: { anyOf: [WHOLE, TEXT] },
      },
      ["a", "b", "c", "d", "e", "f", "g", "h"],
    ),
    {},
  );
  for (const each of document.querySelectorAll("input:not([type=radio]), textarea, select")) {
    equal(
      [each.outerHTML, each.labels.length > 0 || each.hasAttribute("aria-label")],
      [each.outerHTML, true],
    );
  }
  for (const group of document.querySelectorAll("[role=radiogroup], [role=group]")) {
    equal(document.getElementById(group.getAttribute("aria-labelledby")) !== null, true);
  }
  const about = box("a")
    .getAttribute("aria-describedby")
    .split(" ")
    .map((id) => document.getElementById(id));
  equal([about[0].textContent, about.every(Boolean)], ["help", true]);
});

rule("no schema, however odd, breaks the form", () => {
  const odd = [
    null,
    true,
    false,
    {},
    { $ref: "#" },
    { $ref: "#/nowhere" },
    { $ref: "https://example.org" },
    { type: "strange" },
    { enum: [] },
    { anyOf: [] },
    { allOf: [{ $ref: "#" }] },
    { type: [] },
    { type: ["null"] },
    { properties: 5, type: "object" },
    { required: 7, type: "object", properties: { a: {} } },
    { type: "array", items: 7 },
    { prefixItems: [] },
    { not: {} },
    {
      $ref: "#/$defs/A",
      $defs: { A: { type: "object", properties: { a: { $ref: "#/$defs/A" } }, required: ["a"] } },
    },
    { type: "array", items: { $ref: "#" }, minItems: 3 },
    { type: "string", pattern: "(" },
    { pattern: 5, type: "string" },
    { anyOf: [{ anyOf: [{ $ref: "#" }] }, { type: "string" }] },
    { enum: 5 },
    { anyOf: 5 },
    { type: 5 },
    [],
    5,
    "x",
  ];
  for (const schema of odd) {
    const fields = drawn(schema, undefined);
    fields.check();
    fields.value();
    fields.focus();
    equal([write(schema), write(drawn(schema, { a: [1] }).value())], [write(schema), '{"a":[1]}']);
  }
});

const mode = (index) => document.querySelectorAll(".editor-head input")[index].click();
const text = () => document.querySelector(".editor-text");

rule("the form and its JSON show the same, and going there and back changes nothing", () => {
  const schema = object({ a: TEXT, b: { ...WHOLE, default: 2 }, n: WHOLE }, ["a"]);
  const editor = mounted(editorFor(schema, parse('{"n":9007199254740993}')));
  mode(1);
  equal(text().value, '{\n  "a": "",\n  "n": 9007199254740993\n}');
  equal(
    document.querySelector(".editor-left-out").textContent,
    "Left out, so that defaults hold: b (2)",
  );
  mode(0);
  equal([write(editor.value()), editor.check()], ['{"n":9007199254740993}', ["needs a value"]]);
  mode(1);
  type(text(), '{"a":"x","n":-0,"b":5}');
  mode(0);
  equal([write(editor.value()), editor.check()], ['{"a":"x","b":5,"n":-0}', []]);
});

rule("JSON that is none, or nothing the form can show, stays JSON and says why", () => {
  const editor = mounted(editorFor(object({ a: TEXT })));
  mode(1);
  for (const [wrong, words] of [
    ["{oops", "not JSON"],
    ['{"z":1}', "z is not expected"],
    ["[1]", "must be an object"],
  ]) {
    type(text(), wrong);
    mode(0);
    equal(document.querySelectorAll(".editor-head input")[1].checked, true);
    equal(
      [words, document.querySelector(".editor > .problem").textContent.includes(words)],
      [words, true],
    );
    equal(editor.check().length, 1);
  }
});

rule("an input that the form cannot show is shown as JSON from the beginning", () => {
  const editor = mounted(editorFor(object({ a: TEXT }), { a: "x", more: 1 }));
  equal([text().closest("[hidden]"), editor.value()], [null, { a: "x", more: 1 }]);
});

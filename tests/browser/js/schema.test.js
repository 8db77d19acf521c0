import { parse } from "/static/page/start/exact.js";
import { faultsOf, pathText } from "/static/page/start/check.js";
import { fits, prefill, resolve, shapeOf } from "/static/page/start/schema.js";
import { choiceName, describe } from "/static/page/start/words.js";
import { equal, rule } from "./harness.js";

const kind = (schema, root = schema) => {
  const shape = shapeOf(schema, root);
  return shape.kind + (shape.nullable ? "?" : "");
};
const NULL = { type: "null" };
const TEXT = { type: "string" };
const WHOLE = { type: "integer" };
const faults = (schema, value) =>
  faultsOf(schema, value).map(({ path, message }) => `${pathText(path)}: ${message}`);

rule("an input begins with the schema's defaults, or blanks of the right type", () => {
  const properties = {
    topic: { type: "string" },
    rounds: { type: "integer", default: 2 },
    least: { type: "integer", minimum: 1 },
    kind: { enum: ["a", "b"] },
    note: { anyOf: [{ type: "null" }, { type: "string" }] },
  };
  const wanted = { topic: "", rounds: 2, least: 1, kind: "a", note: null };
  equal(prefill({ type: "object", properties }), wanted);
  equal(prefill({ $ref: "#/$defs/In", $defs: { In: { type: "object", properties } } }), wanted);
});

rule("a schema that contains itself has an end", () => {
  const schema = { type: "object", properties: { child: { $ref: "#" } } };
  equal(typeof prefill(schema), "object");
  equal(kind({ $ref: "#" }), "json");
  const loop = { $defs: { A: { $ref: "#/$defs/B" }, B: { $ref: "#/$defs/A" } }, $ref: "#/$defs/A" };
  equal(kind(loop), "json");
  equal(kind({ anyOf: [{ $ref: "#" }] }), "json");
  equal(kind({ allOf: [{ $ref: "#" }] }), "json");
});

rule("each type has its kind", () => {
  const types = {
    string: "text",
    integer: "number",
    number: "number",
    boolean: "boolean",
    null: "constant",
  };
  for (const [type, wanted] of Object.entries(types)) equal(kind({ type }), wanted);
  equal(kind({ type: "array", items: TEXT }), "list");
  equal(kind({ type: "array", prefixItems: [TEXT, WHOLE], items: false }), "tuple");
  equal(kind({ type: "array", items: { enum: ["a", "b"] }, uniqueItems: true }), "checks");
  equal(kind({ type: "object", properties: { a: TEXT } }), "object");
  equal(kind({ properties: { a: TEXT } }), "object");
  equal(kind({ enum: ["a", "b"] }), "choice");
  equal([kind({ enum: ["a"] }), kind({ const: 4 })], ["constant", "constant"]);
  equal([kind({}), kind(true), kind({ title: "x", default: null })], ["json", "json", "json"]);
});

rule("null among the types is a choice apart", () => {
  equal(kind({ anyOf: [WHOLE, NULL], default: null }), "number?");
  equal(kind({ type: ["integer", "null"] }), "number?");
  equal(kind({ enum: [null, "a", "b"] }), "choice?");
  equal(kind({ anyOf: [{ enum: ["a", "b"] }, NULL] }), "choice?");
  equal(kind({ anyOf: [{ anyOf: [TEXT, WHOLE] }, NULL] }), "union?");
  equal(kind({ anyOf: [NULL] }), "json?");
});

rule("several types are a choice, and several values are one choice", () => {
  equal(kind({ anyOf: [WHOLE, TEXT] }), "union");
  equal(kind({ type: ["integer", "string"] }), "union");
  const titled = {
    oneOf: [
      { const: 1, title: "one" },
      { const: 2, title: "two" },
    ],
  };
  equal([kind(titled), shapeOf(titled, titled).labels], ["choice", ["one", "two"]]);
});

rule("a reference keeps what stands beside it", () => {
  const root = { $defs: { Depth: { title: "Depth", enum: ["a", "b"] }, "a/b~c": WHOLE } };
  equal(resolve({ $ref: "#/$defs/Depth", default: "b" }, root), {
    ...root.$defs.Depth,
    default: "b",
  });
  equal(resolve({ $ref: "#/$defs/a~1b~0c" }, root), WHOLE);
  const absent = { $ref: "https://example.org/x" };
  equal([resolve(absent, root), kind(absent, root)], [absent, "json"]);
  equal(kind({ $ref: "#/constructor/name" }, root), "json");
});

rule("what must hold together is drawn together", () => {
  const both = {
    allOf: [
      { properties: { a: TEXT }, required: ["a"] },
      { properties: { b: WHOLE }, required: ["b"] },
    ],
  };
  const { schema } = shapeOf(both, both);
  equal(
    [Object.keys(schema.properties).sort(), schema.required.sort()],
    [
      ["a", "b"],
      ["a", "b"],
    ],
  );
});

rule("what is wanted is said in words", () => {
  const said = (schema) => describe(shapeOf(schema, schema), schema);
  equal(said({ ...WHOLE, minimum: 1, maximum: 9 }), "whole number, 1 to 9");
  equal(
    said({ type: "number", exclusiveMinimum: 0, maximum: 1 }),
    "number, more than 0, at most 1",
  );
  equal(said({ ...WHOLE, multipleOf: 2 }), "whole number, in steps of 2");
  equal(said({ ...TEXT, minLength: 1 }), "text, at least 1 character");
  equal(said({ ...TEXT, minLength: 2, maxLength: 12 }), "text, 2 to 12 characters");
  equal(
    said({ type: "array", items: WHOLE, maxItems: 3 }),
    "list of whole number, at most 3 items",
  );
  equal(said({ ...TEXT, format: "date" }), "date");
});

rule("a tagged choice is called by its tag", () => {
  const web = { title: "Web", type: "object", properties: { type: { enum: ["web"] } } };
  equal(
    [choiceName(web, web), choiceName(WHOLE, WHOLE), choiceName({}, {})],
    ["web", "whole number", "JSON"],
  );
});

rule("a value that a control would change does not fit it", () => {
  const shape = (schema) => shapeOf(schema, schema);
  const checks = { type: "array", items: { enum: ["a", "b", "c"] } };
  equal(fits(shape(checks), ["a", "c"], checks), true);
  equal(
    [fits(shape(checks), ["c", "a"], checks), fits(shape(checks), ["a", "a"], checks)],
    [false, false],
  );
  const closed = { type: "object", properties: { a: TEXT }, additionalProperties: false };
  equal([fits(shape(closed), {}, closed), fits(shape(closed), { b: 1 }, closed)], [true, false]);
  equal([fits(shape(TEXT), "a\nb", TEXT), fits(shape(TEXT), "a\r\nb", TEXT)], [true, false]);
  equal(fits(shape(WHOLE), parse("-0"), WHOLE), true);
  const pair = { prefixItems: [TEXT, WHOLE], items: false };
  equal(
    [["a", 1], ["a"], ["a", 1, 2]].map((value) => fits(shape(pair), value, pair)),
    [true, false, false],
  );
});

rule("what is wrong is said where it is", () => {
  const schema = {
    type: "object",
    properties: {
      rounds: { type: "integer", minimum: 1, maximum: 9 },
      tags: { type: "array", items: { type: "string", minLength: 1 } },
      name: { $ref: "#/$defs/Name" },
    },
    required: ["rounds"],
    additionalProperties: false,
    $defs: { Name: { type: "string", pattern: "^[a-z]+$" } },
  };
  equal(faults(schema, { rounds: 3, tags: ["x"], name: "abc" }), []);
  equal(faults(schema, {}), ["rounds: needs a value"]);
  equal(faults(schema, { rounds: 12 }), ["rounds: must be at most 9"]);
  equal(faults(schema, { rounds: 1.5 }), ["rounds: must be a whole number"]);
  equal(faults(schema, { rounds: 1, tags: ["x", ""] }), [
    "tags[1]: needs at least 1 character, not 0",
  ]);
  equal(faults(schema, { rounds: 1, name: "A" }), ["name: must match ^[a-z]+$"]);
  equal(faults(schema, { rounds: 1, more: 1 }), ["more: is not expected"]);
  equal(faults(schema, { rounds: 1, tags: [undefined] }), ["tags[0]: needs a value"]);
});

rule("of several choices that all fail, the nearest one speaks", () => {
  equal(faults({ anyOf: [WHOLE, TEXT] }, true), [": must be a whole number or a text"]);
  equal(faults({ anyOf: [{ ...WHOLE, minimum: 5 }, NULL] }, 3).length, 1);
  const tagged = {
    anyOf: [
      {
        type: "object",
        properties: { type: { const: "web" }, url: TEXT },
        required: ["type", "url"],
      },
      {
        type: "object",
        properties: { type: { const: "file" }, path: TEXT, x: TEXT },
        required: ["type", "path", "x"],
      },
    ],
  };
  equal(faults(tagged, { type: "web" }), ["url: needs a value"]);
});

rule("limits count all digits, and letters as a reader does", () => {
  equal(faults({ ...WHOLE, maximum: 9007199254740992 }, parse("9007199254740993")).length, 1);
  equal(faults({ ...TEXT, maxLength: 1 }, "😀"), []);
  equal(faults({ type: "number", multipleOf: 0.1 }, 0.3), []);
  equal(faults(WHOLE, parse("2.0")), []);
  equal(faults({ type: "number", exclusiveMinimum: 0 }, 0), [": must be more than 0"]);
});

rule("dates and times are looked at, since the workflow will", () => {
  const wrong = (format, values) =>
    values.filter((value) => faults({ ...TEXT, format }, value).length);
  equal(wrong("date", ["2026-11-22", "2024-02-29"]), []);
  equal(wrong("date", ["2026-02-30", "22.11.2026", ""]), ["2026-02-30", "22.11.2026", ""]);
  equal(wrong("date-time", ["2026-11-22T22:00:00Z", "2026-11-22T22:00:00.123456+02:00"]), []);
  const bad = ["2026-11-22", "2026-11-22T22:00Z", "2026-11-22T25:00:00Z", "2026-11-22T22:00:00"];
  equal(wrong("date-time", bad), bad);
});

rule("a schema that refers to itself is looked at as deep as the value goes", () => {
  const tree = {
    $ref: "#/$defs/T",
    $defs: {
      T: {
        type: "object",
        properties: { c: { type: "array", items: { $ref: "#/$defs/T" } } },
      },
    },
  };
  equal(faults(tree, { c: [{ c: [{ c: 5 }] }] }), ["c[0].c[0].c: must be a list"]);
  equal(faults({ $ref: "#" }, 1), []);
  equal(faults({ allOf: [{ $ref: "#" }] }, 1).length >= 0, true);
});

rule("a pattern that only Python knows is left to the server", () => {
  equal(faults({ ...TEXT, pattern: "(?P<a>x)" }, "y"), []);
});

rule("items and entries are counted, and doubles found", () => {
  equal(faults({ type: "array", minItems: 1 }, []), [": needs at least 1 item, not 0"]);
  equal(faults({ type: "array", uniqueItems: true }, [1, 2, 1]), ["[2]: is in the list already"]);
  equal(faults({ type: "array", prefixItems: [TEXT], items: false }, ["a", 1]), [
    "[1]: is not expected",
  ]);
  equal(faults({ type: "object", maxProperties: 1 }, { a: 1, b: 2 }), [
    ": takes at most 1 entry, not 2",
  ]);
  equal(faults({ propertyNames: { pattern: "^a" } }, { b: 1 }), ["b: its name must match ^a"]);
  equal(faults({ additionalProperties: WHOLE }, { b: "x" }), ["b: must be a whole number"]);
});

// An input to begin with, from a workflow's JSON Schema: pure.

const BLANKS = { string: "", boolean: false, array: [], object: {} };
const DEEPEST = 6; // a schema may contain itself

/**
 * Defaults where the schema has them; elsewhere the first example or allowed value, or an empty
 * value of the right type, so that the reader sees which fields there are.
 *
 * @param {object} schema JSON Schema 2020-12, with local `$ref`s
 * @returns {unknown}
 */
export function prefill(schema) {
  return value(schema ?? {}, schema ?? {}, 0);
}

function value(schema, root, depth) {
  const node = resolve(schema, root);
  if ("default" in node) return node.default;
  if ("const" in node) return node.const;
  if (node.examples?.length) return node.examples[0];
  if (node.enum?.length) return node.enum[0];
  const choice = (node.anyOf ?? node.oneOf)?.[0];
  if (choice && depth < DEEPEST) return value(choice, root, depth + 1);
  if (node.properties && depth < DEEPEST) return fields(node.properties, root, depth + 1);
  const type = Array.isArray(node.type) ? node.type[0] : node.type;
  if (type === "integer" || type === "number") return node.minimum ?? 0;
  return structuredClone(BLANKS[type] ?? (node.properties ? {} : null));
}

function fields(properties, root, depth) {
  const entries = Object.entries(properties);
  return Object.fromEntries(entries.map(([name, schema]) => [name, value(schema, root, depth)]));
}

function resolve(schema, root) {
  let node = schema;
  for (let hops = 0; node.$ref?.startsWith("#/") && hops < DEEPEST; hops += 1) {
    const { $ref, ...rest } = node;
    const target = $ref.slice(2).split("/").reduce((at, part) => at?.[unescape(part)], root);
    node = { ...target, ...rest };
  }
  return node;
}

/** JSON Pointer's two escapes (RFC 6901). */
function unescape(part) {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

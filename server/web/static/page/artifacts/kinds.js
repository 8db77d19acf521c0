// What an artifact is, by its media type and its name: pure.

const BY_EXTENSION = {
  csv: "csv",
  tsv: "tsv tab",
  json: "json geojson ipynb map",
  jsonl: "jsonl ndjson",
  diff: "diff patch",
  image: "png jpg jpeg gif webp avif",
  svg: "svg",
  prose: "txt md markdown rst text",
  code:
    "py pyi js mjs cjs ts tsx jsx sql html htm xml css scss sh bash zsh rb go rs c h cc cpp hpp " +
    "java kt swift cs php pl lua r jl scala hs ml ex exs clj yaml yml toml ini cfg conf env log " +
    "dockerfile makefile tex proto graphql vue svelte",
};
const EXTENSIONS = new Map(
  Object.entries(BY_EXTENSION).flatMap(([kind, names]) => names.split(" ").map((n) => [n, kind])),
);
const BY_TYPE = new Map([
  ["text/csv", "csv"],
  ["application/csv", "csv"],
  ["text/tab-separated-values", "tsv"],
  ["application/json", "json"],
  ["text/json", "json"],
  ["application/jsonl", "jsonl"],
  ["application/x-ndjson", "jsonl"],
  ["application/x-jsonlines", "jsonl"],
  ["text/x-diff", "diff"],
  ["text/x-patch", "diff"],
  ["image/png", "image"],
  ["image/jpeg", "image"],
  ["image/gif", "image"],
  ["image/webp", "image"],
  ["image/avif", "image"],
  ["image/svg+xml", "svg"],
  ["text/markdown", "prose"],
]);
// These say nothing that the name does not say better.
const VAGUE = new Set(["", "text/plain", "application/octet-stream", "binary/octet-stream"]);
const CODE =
  /^(text\/|application\/(x-)?(javascript|ecmascript|typescript|python|sql|sh|yaml|toml|xml))/;

/** @typedef {"csv"|"tsv"|"json"|"jsonl"|"diff"|"image"|"svg"|"prose"|"code"|"bytes"} Kind */

/** @returns {Kind} that the artifact says to be; what it is, its content shows */
export function kindOf(name, mediaType) {
  const type = essence(mediaType);
  if (BY_TYPE.has(type)) return BY_TYPE.get(type);
  if (type.endsWith("+json")) return "json";
  if (VAGUE.has(type)) {
    const kind = EXTENSIONS.get(extension(name));
    if (kind) return kind;
    return type === "text/plain" ? "prose" : "bytes";
  }
  return CODE.test(type) || type.endsWith("+xml") ? "code" : "bytes";
}

/** @returns {string} the media type without parameters, in small letters */
export function essence(mediaType) {
  return mediaType.split(";")[0].trim().toLowerCase();
}

/** @returns {string} the image's type for a `data:` address; only these are ever put into one */
export function imageType(name, mediaType) {
  const type = essence(mediaType);
  if (type.startsWith("image/") && BY_TYPE.has(type)) return type;
  const end = extension(name);
  if (end === "svg") return "image/svg+xml";
  return `image/${end === "jpg" ? "jpeg" : end}`;
}

function extension(name) {
  const last = name.toLowerCase().split(/[/\\]/).at(-1);
  return last.includes(".") ? last.split(".").at(-1) : last;
}
